"""Declarations of options: each stands beside the field that holds its value.

    class Settings(NamedTuple):
        interval: Annotated[float, option("--interval", metavar="SECONDS", help="…")] = 1.0

The parsers, `--help`, the completion scripts and the man page are made from these fields, so a new
option is a new field and the code that reads it. With a `setting("display")` beside the option, the
field is a key of the configuration file and a variable of the environment, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

_T = TypeVar("_T")

Parse: TypeAlias = Callable[[str], Any]
"""Turns the text of a value into the value. Raises ValueError with the reason."""

_MISSING = object()


class Option(NamedTuple):
    """An option, which sets the field that it stands beside."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    """The name of its value in `--help`; empty for a flag. The completion scripts know what FILTER
    and COLUMN stand for.
    """
    parse: Parse = str
    choices: tuple[str, ...] = ()
    constant: Any = _MISSING
    """The value of a flag; without one, a flag turns its default round."""
    only_for: str = ""
    """The one command that has this option, if its record serves several commands."""
    excludes: str = ""
    """A name that this option shares with those that it excludes."""

    @property
    def is_flag(self) -> bool:
        """True if the option has no value."""
        return not self.metavar

    @property
    def has_constant(self) -> bool:
        """True if the flag stands for a value of its own."""
        return self.constant is not _MISSING


def option(*names: str, help: str, **rest: Any) -> Option:
    """Declare an option: its spellings, its help, and the fields of `Option` that differ."""
    return Option(names, help, **rest)


class Argument(NamedTuple):
    """Words without an option."""

    metavar: str
    help: str
    choices: tuple[str, ...] = ()


class OptionGroup(NamedTuple):
    """The heading of a field in `--help`, and of the fields after it."""

    title: str
    has_argument: bool = True
    """False if the group's words without an option are not taken here."""


class Setting(NamedTuple):
    """The place of a field in the configuration file, and in the environment.

    The key is the field's name, the variable `PGTOP_` and that name in capitals. The kind of the
    value follows from the field's type, its bounds and choices from the field's option.
    """

    section: str = ""
    """The table of the key; empty for a key above all tables, and for a record of its own table."""
    help: str = ""
    """The meaning of the key; empty for that of the option."""
    choices: tuple[str, ...] = ()
    parse: Callable[[Any], Any] | None = None
    """Turns the value of the file into the field's. Raises ValueError with the end of a sentence,
    such as "must be a name".
    """
    schema: Mapping[str, Any] = {}
    """What JSON Schema adds to the kind of the value."""
    is_guard: bool = False
    """True if a later layer can only tighten the value."""


def setting(section: str = "", **rest: Any) -> Setting:
    """Declare a key of the configuration file: its table, and what differs from `Setting`."""
    return Setting(section, **rest)


class Field(NamedTuple):
    """A field of a record, with what is declared beside it."""

    name: str
    type: Any
    default: Any
    is_required: bool
    options: tuple[Option, ...] = ()
    argument: Argument | None = None
    group: OptionGroup | None = None
    setting: Setting | None = None

    @property
    def is_declared(self) -> bool:
        """True if the command line can set the field itself."""
        return bool(self.options or self.argument)

    @property
    def is_record(self) -> bool:
        """True if the field holds a record with fields of its own."""
        return hasattr(self.type, "_fields")


def fields(record: Any) -> Iterator[Field]:
    """Yield the fields of a record, which is a class of named tuples."""
    defaults = record._field_defaults
    for name, annotation in record.__annotations__.items():
        notes = getattr(annotation, "__metadata__", ())
        yield Field(
            name=name,
            type=annotation.__origin__ if notes else annotation,
            default=defaults.get(name),
            is_required=name not in defaults,
            options=tuple(_of_kind(notes, Option)),
            argument=next(_of_kind(notes, Argument), None),
            group=next(_of_kind(notes, OptionGroup), None),
            setting=next(_of_kind(notes, Setting), None),
        )


def _of_kind(notes: Iterable[object], kind: type[_T]) -> Iterator[_T]:
    """Yield the notes that are instances of `kind`."""
    for note in notes:
        if isinstance(note, kind):
            yield note


def options_with_value(*records: Any) -> frozenset[str]:
    """Return the spellings of all options of these records that a value follows."""
    names: set[str] = set()
    for record in records:
        for field in fields(record):
            if field.is_record:
                names |= options_with_value(field.type)
            for each in field.options:
                if not each.is_flag:
                    names.update(each.names)
    return frozenset(names)


class Number(NamedTuple):
    """Reads a plain decimal number within bounds, perhaps followed by the sign of its unit."""

    least: float
    most: float
    noun: str
    sign: str = ""

    def __call__(self, text: str) -> float:
        """Return the number. Raises ValueError."""
        match = _NUMBER.fullmatch(text.removesuffix(self.sign).strip())
        if match and self.least <= float(match[0]) <= self.most:
            return float(match[0])
        shown = repr(text) if len(text) <= _LONGEST_QUOTED else "that"
        bounds = f"{self.least:g} to {self.most:g}"
        raise ValueError(f"{shown} is not a {self.noun} ({bounds})")


class Duration(NamedTuple):
    """Reads a time: seconds, or a text such as 90s or 1h30m."""

    least: float = 0.0
    most: float = 30 * 86_400.0

    def __call__(self, value: Any) -> float:
        """Return the seconds. Raises ValueError."""
        from pgtop.text.units import parse_duration

        seconds = parse_duration(value) if isinstance(value, str) else float(value)
        if not self.least <= seconds <= self.most:
            raise ValueError("must be 0 s to 30 days")
        return seconds


DURATION = Duration()
PERCENT = Number(0, 100, "percentage", sign="%")

_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)")
_LONGEST_QUOTED = 40
