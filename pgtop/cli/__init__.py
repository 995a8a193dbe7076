"""The command line: words in, text and an exit code out. Driver and screen load late."""
