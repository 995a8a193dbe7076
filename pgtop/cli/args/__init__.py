"""The options of all commands."""
