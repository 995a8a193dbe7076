"""Declarations of commands: name, record of options, module and help."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pgtop.cli.args.parsers import CommandParser, OptionAdder, read_record


class PrintedText(NamedTuple):
    """The answer to `--help` and `--version`, wherever they stand: a text to print."""

    text: str


class CommandSpec(NamedTuple):
    """A command. Its options are the fields of its record."""

    name: str
    """The first word; empty for the dashboard."""
    record: Any
    usage: str
    description: str
    module: str = ""
    """The module in `pgtop.cli.commands` that runs the command, if its name is another."""
    read: "Callable[[CommandSpec, Sequence[str]], Any]" = lambda spec, words: (
        spec.parse(words)
    )
    """Turns the words after the command into its record. Raises UsageError."""
    epilog: Callable[[int], str] = lambda _width: ""
    """Returns text for `--help` before the exit codes, in lines of at most that many cells."""

    def parser(self) -> CommandParser:
        """Build the parser."""
        prog = f"pgtop {self.name}".rstrip()
        parser = CommandParser(prog, self.usage, self.description, self.epilog)
        OptionAdder(parser, self.name).add(self.record)
        return parser

    def parse(self, words: Sequence[str], **values: object) -> Any:
        """Return the record of the words and of `values`. Raises UsageError."""
        args = self.parser().parse_args(words)
        return read_record(self.record, args, **values)
