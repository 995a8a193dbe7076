"""The options of the command line, parsed into plain values. Nothing heavy is imported here."""
