"""Declarations of commands: name, record of options, module and help."""

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from pgtop.cli import exit_codes
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.parsers import CommandParser, OptionAdder, read_record
from pgtop.config.log_options import LogOptions
from pgtop.config.schema import fields


class PrintedText(NamedTuple):
    """The answer to `--help` and `--version`, wherever they stand: a text to print."""

    text: str


class CommandSpec(NamedTuple):
    """A command. Its options are the fields of its record."""

    name: str
    """The first word; empty for the dashboard."""
    options: str
    """The module of its options in `pgtop.cli.args`, and their record there."""
    usage: str
    description: str
    module: str = ""
    """The module in `pgtop.cli.commands` that runs the command, if its name is another."""
    reader: str = ""
    """The function of that module that reads the words after the command, if they need more than
    a parser.
    """
    epilog: Callable[[int], str] = lambda _width: ""
    """Returns text for `--help` before the exit codes, in lines of at most that many cells."""

    @property
    def record(self) -> Any:
        """The class of its options."""
        module, _, name = self.options.partition(".")
        return getattr(_load(module), name)

    def read(self, words: Sequence[str]) -> Any:
        """Return the record of the words after the command. Raises UsageError."""
        if not self.reader:
            return self.parse(words)
        module, _, _ = self.options.partition(".")
        return getattr(_load(module), self.reader)(self, words)

    def parser(self) -> CommandParser:
        """Build the parser."""
        prog = f"pgtop {self.name}".rstrip()
        parser = CommandParser(
            prog,
            self.usage,
            self.description,
            self._examples,
            self._end_of_help,
        )
        adder = OptionAdder(parser, self.name)
        adder.add(self.record)
        adder.add(LogOptions)
        return parser

    @property
    def connects(self) -> bool:
        """True if the command connects to a server that it does not start itself."""
        return any(field.type is ConnectionOptions for field in fields(self.record))

    def _examples(self, width: int) -> str:
        """Return the examples in `--help`."""
        from pgtop.cli.args.examples import examples  # only for --help

        return examples(self.name, width)

    def _end_of_help(self, width: int) -> str:
        """Return what follows the options in `--help`: the exit codes last."""
        codes = exit_codes.table(self.name, self.connects, width)
        return f"{self.epilog(width)}\nExit codes:\n{codes}\n"

    def parse(self, words: Sequence[str], **values: object) -> Any:
        """Return the record of the words and of `values`. Raises UsageError."""
        args = self.parser().parse_args(words)
        return read_record(self.record, args, **values)


def _load(module: str) -> ModuleType:
    return import_module(f"pgtop.cli.args.{module}")
