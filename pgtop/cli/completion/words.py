"""The words that shells offer, taken from the parsers of the commands."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from pgtop.cli.args.command_list import commands
from pgtop.cli.args.options import parsers
from pgtop.config.settings import THEMES
from pgtop.help.topics import BY_NAME
from pgtop.table.language.help import FILTER_HELP
from pgtop.table.session_columns import COLUMNS


class WordSource(Enum):
    """A source of words that only the shell can read, when Tab is pressed."""

    FILES = "files"
    RECORDINGS = "recordings"
    SOCKETS = "sockets"
    """Folders with the socket of a server."""
    SERVICES = "services"
    """`service=NAME`, of the service files of libpq."""


class Offer(NamedTuple):
    """The words for a value or an argument: some that are known, or a source of them."""

    words: tuple[str, ...] = ()
    source: WordSource | None = None


class ShellOption(NamedTuple):
    """An option as a shell completes it."""

    names: tuple[str, ...]
    help: str
    """One line."""
    value: str = ""
    """The name of its value, or "" for a flag."""
    offer: Offer = Offer()


def options_of(parser: argparse.ArgumentParser) -> list[ShellOption]:
    """Return the parser's options."""
    return [
        _shell_option(action) for action in parser._actions if action.option_strings
    ]


def _shell_option(action: argparse.Action) -> ShellOption:
    is_flag = action.nargs == 0
    help_words = (action.help or "").split()
    names = tuple(action.option_strings)
    value = "" if is_flag else str(action.metavar)
    if set(names) & _READS_RECORDING:
        offer = Offer(source=WordSource.RECORDINGS)
    else:
        offer = _offered(value, tuple(action.choices or ()), _VALUE_SOURCES)
    return ShellOption(names, " ".join(help_words), value, offer)


def filter_keys() -> list[str]:
    """Return the keys of the filter language with their colon."""
    keys = {
        f"{entry.name}:" for entry in FILTER_HELP if f"{entry.name}:" in entry.example
    }
    return sorted(keys)


def _column_names() -> list[str]:
    return [column.name for column in COLUMNS]


def _help_words() -> list[str]:
    return [*BY_NAME, *commands()]


_WORDS: Mapping[str, Callable[[], list[str]]] = {
    "COLUMN": _column_names,
    "FILTER": filter_keys,
    "PID | FILTER": filter_keys,
    "THEME": lambda: list(THEMES),
    "TOPIC | COMMAND": _help_words,
}
"""Words for a value or an argument, by its name in `--help`."""
_VALUE_SOURCES = {"FILE": WordSource.FILES, "HOST": WordSource.SOCKETS}
_ARGUMENT_SOURCES = {
    "FILE": WordSource.RECORDINGS,
    "FILE | DIR": WordSource.RECORDINGS,
    "DBNAME | URI | CONNINFO": WordSource.SERVICES,
}
_READS_RECORDING = {"--from"}
"""Options with a FILE that is always a recording."""


def offer_of(parser: argparse.ArgumentParser) -> Offer:
    """Return the words that the parser takes without an option."""
    for action in parser._actions:
        if not action.option_strings:
            choices = tuple(action.choices or ())
            return _offered(str(action.metavar), choices, _ARGUMENT_SOURCES)
    return Offer()


def _offered(
    name: str, choices: tuple[str, ...], sources: Mapping[str, WordSource]
) -> Offer:
    words = tuple(_WORDS[name]()) if name in _WORDS else choices
    return Offer(words, sources.get(name))


def purposes() -> Mapping[str, str]:
    """Return what each command does, in a sentence."""
    lines = {}
    for name in commands():
        description = " ".join((parsers()[name].description or "").split())
        sentence, _, _ = description.partition(". ")
        lines[name] = sentence.rstrip(".:")
    return lines


def dashboard_last() -> list[tuple[str, argparse.ArgumentParser]]:
    """Return all parsers by name; the dashboard is the default of a shell's `case`."""
    named = parsers()
    return sorted(named.items(), key=lambda item: item[0] == "")


def names_of(options: Iterable[ShellOption]) -> list[str]:
    """Return all spellings of the options."""
    return [name for option in options for name in option.names]


def plain(text: str) -> str:
    """Remove the characters that have a meaning in a specification."""
    return "".join(character for character in text if character not in "'\"[]:`$\\%")


def quoted(words: Iterable[str]) -> str:
    """Quote the words as one word of a shell."""
    text = " ".join(words).replace("'", "'\\''")
    return f"'{text}'"


def is_unfinished(words: Sequence[str]) -> bool:
    """Return whether a value follows each word at once, as after the key of a filter."""
    return any(word.endswith(":") for word in words)


SHARED = """\
_pgtop_servers() {
    local user=${XDG_CONFIG_HOME:-$HOME/.config}/pgtop/config.toml
    [ "$(uname)" != Darwin ] || user="$HOME/Library/Application Support/pgtop/config.toml"
    command sed -n 's/^ *\\[servers\\.\\([A-Za-z0-9_-]*\\)\\] *\\(#.*\\)*$/\\1/p' \\
        "${PGTOP_CONFIG:-$user}" /etc/pgtop/config.toml 2>/dev/null
}
_pgtop_services() {
    local system=${PGSYSCONFDIR:-/etc/postgresql-common}/pg_service.conf
    command sed -n 's/^ *\\[\\([A-Za-z0-9_.-]*\\)\\] *$/\\1/p' \\
        "${PGSERVICEFILE:-$HOME/.pg_service.conf}" "$system" 2>/dev/null
}
_pgtop_sockets() {
    command find ${PGHOST:+"$PGHOST"} /var/run/postgresql /tmp -maxdepth 1 -type s \\
        -name '.s.PGSQL.*[0-9]' 2>/dev/null | command sed 's,/[^/]*$,,' | command sort -u
}
"""
"""Functions of bash and zsh that print the named servers, services and folders with sockets."""
