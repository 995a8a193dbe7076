"""One module for each command: its options are in `pgtop.cli.args.options`, what it does is
here.
"""
