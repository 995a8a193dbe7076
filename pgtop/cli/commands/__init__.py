"""The commands, a module each. Their options are declared in `pgtop.cli.args`."""
