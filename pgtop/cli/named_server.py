"""`@NAME` on the command line: the server that [servers.NAME] describes.

A word that begins with @ is a server wherever a database could stand, and never a saved filter:
those are values of `--filter`, or typed into the dashboard. A database whose name begins with @ is
reached with -d.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.config.log_options import LogOptions
from pgtop.config.schema import options_with_value
from pgtop.errors import UsageError

if TYPE_CHECKING:
    from pgtop.config.servers import ServerProfile

_SIGN = "@"
_RANGE = re.compile(r"@[^:]*:.*")
"""A range such as @10:20 after -w, which is short for --warn; no name has a colon."""
_END = "--"


def take_server(record: Any, words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the name of the server among the words, and the other words. Raises UsageError."""
    places = list(_places(options_with_value(record, LogOptions), words))
    if not places:
        return "", words
    if len(places) > 1:
        raise UsageError("There are two servers with an @.", "Give one.")
    place = places[0]
    return words[place][1:], [*words[:place], *words[place + 1 :]]


def _places(with_value: frozenset[str], words: Sequence[str]) -> Iterator[int]:
    """Yield where a server is named: not as the value of an option, and not behind --."""
    before = ""
    for place, word in enumerate(words):
        if word == _END:
            return
        is_value = before in with_value or (before == "-w" and _RANGE.fullmatch(word))
        if word.startswith(_SIGN) and not is_value:
            yield place
        before = word


def with_server(options: ConnectionOptions, name: str) -> ConnectionOptions:
    """Return the options with the name of the server. Raises UsageError if they name another."""
    target = options.target or ""
    is_conninfo = "=" in target or "://" in target
    if options.host or options.port or is_conninfo:
        raise UsageError(
            f"@{name} is a server already.",
            "Only -U and the name of a database go with it.",
        )
    return options._replace(server_name=name)


def resolved(options: ConnectionOptions) -> ConnectionOptions:
    """Return the options with the profile of their named server. Raises UsageError."""
    if not options.server_name:
        return options
    return options._replace(server=profile_of(options.server_name))


def label_of(options: ConnectionOptions) -> str:
    """Return the label of a named server with a blank behind it; "" for any other server."""
    server = options.server
    return f"{server.label or server.name} " if server else ""


def profile_of(name: str) -> "ServerProfile":
    """Return the profile of a server. Raises UsageError if there is none, or it is wrong."""
    from pgtop.cli import configuration
    from pgtop.config.tables import SERVERS, TABLES

    read = configuration.read()
    names = read.names(SERVERS)
    if name not in names:
        raise _unknown(name, names, read)
    try:
        profile: ServerProfile = read.record(TABLES[SERVERS], name)
    except ValueError as error:
        raise configuration.as_error(read.problems) from error
    return profile


def _unknown(name: str, names: Sequence[str], read: Any) -> UsageError:
    from pgtop.cli import configuration
    from pgtop.config.mistakes import nearest

    if read.problems:
        return configuration.as_error(read.problems)
    word = nearest(name, names)
    listed = ", ".join(f"@{each}" for each in names) or "none"
    hint = f"Did you mean @{word}? " if word else ""
    return UsageError(
        f"There is no server @{name}.",
        f"{hint}The configuration has {listed}; a database of that name: -d @{name}.",
    )
