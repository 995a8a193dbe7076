"""One module for each command: its options are in `pgtop.cli.options`, what it does is here."""
