"""Parsers made from records: each field brings its option, its help and its default.

Nothing heavy is loaded here, as `--help` needs this module.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar

from pgtop import __version__
from pgtop.cli import output
from pgtop.config.schema import Argument, Field, Option, OptionGroup, Parse, fields
from pgtop.errors import UsageError

_R = TypeVar("_R")
_Place: TypeAlias = argparse._ActionsContainer

_CHOSEN = "chosen"
"""The field for the names of those that the command line gave."""
_SUFFIX = "_option"
"""Ends the name of an option's value, if its field may be set by a plain word, too."""


class HelpRequested(Exception):  # noqa: N818  # it ends the parsing and is no error
    """Raised for --help and --version; `text` is to be printed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class CommandParser(argparse.ArgumentParser):
    """An argparse parser that raises instead of printing and exiting.

    Its help has `examples` before the options and ends with `more`, both in lines of at most so
    many cells.
    """

    def __init__(
        self,
        prog: str,
        usage: str,
        description: str,
        examples: Callable[[int], str],
        more: Callable[[int], str],
    ) -> None:
        super().__init__(
            prog,
            f"{prog} {usage}",
            description,
            formatter_class=lambda prog: _Formatter(prog, output.text_columns()),
            add_help=False,
            allow_abbrev=False,
        )
        self._examples = examples
        self._more = more
        program = self.add_argument_group(_FIRST_GROUP)
        program.add_argument(
            "-?",
            "--help",
            action=_PrintAndExit,
            text=self.format_help,
            help="print this and exit",
        )
        program.add_argument(
            "-V",
            "--version",
            action=_PrintAndExit,
            text=_version,
            help="print the version and exit",
        )

    def format_help(self) -> str:
        width = output.text_columns()
        head, title, options = super().format_help().partition(f"\n{_FIRST_GROUP}:\n")
        examples = f"\nExamples:\n{self._examples(width)}\n"
        return f"{head}{examples}{title}{options}{self._more(width)}"

    def error(self, message: str) -> NoReturn:
        reason = message.removeprefix("argument ")
        reason = _NO_VALUE.sub("takes no value", reason)
        reason = _CHOICE.sub(_named_choices, reason)
        reason = reason.replace("expected one argument", "needs a value")
        reason = _SURPLUS.sub(_first_surplus, reason)
        is_option = reason.startswith("-")
        sentence = reason if is_option else reason[:1].upper() + reason[1:]
        raise UsageError(f"{sentence}.", f"{self.prog} --help lists the options.")


_FIRST_GROUP = "Program"
_SURPLUS = re.compile(r"(?s)unrecognized arguments: (.*)")
_NO_VALUE = re.compile(r"(?s)ignored explicit argument .*")
_CHOICE = re.compile(r"(?s)invalid choice: (.*) \(choose from (.*)\)")
"""A value that argparse quotes, and the right ones."""
_SHORT_WORD = re.compile(r"'[\w-]{1,20}'")


def _named_choices(match: re.Match[str]) -> str:
    """Return which values are right; the wrong one only if it is a short word."""
    quoted, choices = match.groups()
    value = quoted if _SHORT_WORD.fullmatch(quoted) else "this value"
    return f"{value} is none of {choices.replace(chr(39), '')}"


def _first_surplus(surplus: re.Match[str]) -> str:
    """Name the first surplus word, but neither its value nor what may hold a password."""
    word = surplus[1].split()[0]
    if word.startswith("-"):
        name = _OPTION_NAME.match(word)
        return f"unrecognized option: {name[0]}" if name else "unrecognized option"
    has_sign = "=" in word or ":" in word
    return "too many arguments" if has_sign else f"one argument too many: {word}"


_OPTION_NAME = re.compile(r"-\w|--[\w-]{1,30}(?![^=])")


class _Formatter(argparse.HelpFormatter):
    """Help that is wrapped like `pgtop help TOPIC`."""

    def __init__(self, prog: str, width: int) -> None:
        super().__init__(prog, max_help_position=30, width=width)


class _PrintAndExit(argparse.Action):
    """Stop parsing, so that a text is printed."""

    def __init__(
        self,
        option_strings: Sequence[str],
        dest: str,
        text: Callable[[], str],
        help: str,
    ) -> None:
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help
        )
        self._text = text

    def __call__(self, *_: object) -> NoReturn:
        raise HelpRequested(self._text())


def _version() -> str:
    return f"pgtop {__version__}\n"


class OptionAdder:
    """Adds what the fields of a record declare to the parser of a command."""

    def __init__(self, parser: argparse.ArgumentParser, command: str) -> None:
        self._parser = parser
        self._command = command
        self._place: _Place = parser
        self._has_argument = True
        self._exclusive: dict[str, _Place] = {}

    def add(self, record: Any) -> None:
        """Add the options of the record, in the order of its fields."""
        for field in fields(record):
            if field.group:
                self._begin(field.group)
            if field.is_record:
                self.add(field.type)
            else:
                self._add_field(field)

    def _begin(self, group: OptionGroup) -> None:
        self._place = self._parser.add_argument_group(group.title)
        self._has_argument = group.has_argument

    def _add_field(self, field: Field) -> None:
        if field.argument and self._has_argument:
            _add_argument(self._place, field, field.argument)
        place = self._place_of(field)
        for option in field.options:
            if option.only_for in ("", self._command):
                _add_option(place, field, option)

    def _place_of(self, field: Field) -> _Place:
        """Return the place of options: a group of their own if they exclude others."""
        excludes = next((option.excludes for option in field.options), "")
        if not excludes:
            return self._place
        if excludes not in self._exclusive:
            self._exclusive[excludes] = self._place.add_mutually_exclusive_group()
        return self._exclusive[excludes]


def _add_argument(place: _Place, field: Field, argument: Argument) -> None:
    is_many = isinstance(field.default, tuple)
    optional = "*" if is_many else "?"
    place.add_argument(
        field.name,
        nargs=None if field.is_required else optional,
        default=field.default,
        choices=argument.choices or None,
        metavar=argument.metavar,
        help=argument.help,
    )


def _add_option(place: _Place, field: Field, option: Option) -> None:
    if option.is_flag:
        _add_flag(place, field, option)
        return
    has_word = field.argument is not None
    action = "append" if isinstance(field.default, tuple) else "store"
    place.add_argument(
        *option.names,
        dest=field.name + _SUFFIX if has_word else field.name,
        action=action,
        default=argparse.SUPPRESS,
        type=_argparse_type(option.parse),
        choices=option.choices or None,
        metavar=option.metavar,
        help=_with_default(option.help, field.default),
    )


def _add_flag(place: _Place, field: Field, option: Option) -> None:
    place.add_argument(
        *option.names,
        dest=field.name,
        action="store_const",
        const=option.constant if option.has_constant else not field.default,
        default=argparse.SUPPRESS,
        help=option.help,
    )


def _with_default(help_text: str, default: object) -> str:
    """Add a default that is a number, or a name, to the help of an option."""
    if not default or isinstance(default, tuple):
        return help_text
    shown = f"{default:g}" if isinstance(default, float) else default
    return f"{help_text} ({shown})"


def _argparse_type(parse: Parse) -> Parse:
    """Return a converter with an error message that argparse passes on."""

    def convert(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def read_record(record: type[_R], args: argparse.Namespace, **values: object) -> _R:
    """Return the record of the parsed arguments and of `values`. Raises UsageError."""
    chosen = set()
    for field in fields(record):
        if field.is_record:
            values[field.name] = read_record(field.type, args)
        elif field.is_declared:
            values[field.name] = _value(field, args)
            if hasattr(args, field.name):
                chosen.add(field.name)
    if hasattr(record, _CHOSEN):
        values[_CHOSEN] = frozenset(chosen)
    return record(**values)


def _value(field: Field, args: argparse.Namespace) -> object:
    """Return the value of a field, however it was given."""
    word = getattr(args, field.name, field.default)
    value = getattr(args, field.name + _SUFFIX, None)
    if word is not None and value is not None:
        name = field.options[0].names[0]
        raise UsageError(
            f"The database is given twice, with {name} and without.", "Give it once."
        )
    value = word if value is None else value
    return tuple(value) if isinstance(value, list) else value
