"""The options of the commands that write and read recordings. Nothing heavy is loaded."""

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pgtop.cli.args.connection import ConnectionOptions, NamedConnection, Poolers
from pgtop.cli.args.output_options import JSON, NO_COLOR
from pgtop.cli.args.values import duration
from pgtop.config.schema import Argument, Number, OptionGroup, option
from pgtop.config.settings import (
    MAX_INTERVAL,
    MIN_INTERVAL,
    REDACT,
    host_figures_option,
)
from pgtop.errors import UsageError

TEXTS = ("all", "redacted", "none")
_SIZE = r"([0-9]{1,6}(?:\.[0-9]+)?)\s*([kMGT]?)i?B?"
_UNITS = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LEAST_SIZE = 1 << 20


def size(text: str) -> int:
    """Return the bytes of a size such as 500M or 2G. Raises ValueError."""
    match = re.fullmatch(_SIZE, text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size, such as 500M or 2G")
    result = int(float(match[1]) * _UNITS[match[2]])
    if result < _LEAST_SIZE:
        raise ValueError(f"{text!r} is too small: a recording needs at least 1M")
    return result


_WITH_TIME = ("--at", "--since", "--until")
_OFFSET = r"[-\u2212][0-9.]"


def join_offsets(words: Sequence[str]) -> list[str]:
    """Return the words with each offset such as -5m joined to its option: a parser would take it
    for an option.
    """
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _WITH_TIME and re.match(_OFFSET, word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


class RecordCommand(NamedTuple):
    """Options of `pgtop record`."""

    connection: NamedConnection = ConnectionOptions()
    poolers: Poolers = ()
    path: Annotated[
        str,
        OptionGroup("Recording"),
        Argument("FILE | DIR", help="the file, or the folder of one file a server"),
    ] = "."
    interval: Annotated[
        float,
        option(
            "--interval",
            metavar="SECONDS",
            parse=Number(MIN_INTERVAL, MAX_INTERVAL, "number of seconds"),
            help=f"time between samples, {MIN_INTERVAL:g} to {MAX_INTERVAL:g}",
        ),
    ] = 1.0
    keep: Annotated[
        float | None,
        option(
            "--keep",
            metavar="TIME",
            parse=duration,
            help="drop what is older than this (7d)",
        ),
    ] = None
    max_size: Annotated[
        int | None,
        option(
            "--max-size",
            metavar="SIZE",
            parse=size,
            help="drop the oldest minutes of a larger file (2G)",
        ),
    ] = None
    texts: Annotated[
        str,
        option(
            "--texts",
            metavar="WHICH",
            choices=TEXTS,
            help="queries to write: all, redacted (without literals) or none",
        ),
    ] = "all"
    host_figures: Annotated[
        str,
        host_figures_option("write CPU, memory and storage of sessions"),
    ] = ""
    """Empty for that of the configuration."""
    and_watch: Annotated[
        bool,
        option("--and-watch", help="open the dashboard, and record until it ends"),
    ] = False


class PastOptions(NamedTuple):
    """The recording that a command reads instead of a server, and the time in it."""

    file: Annotated[
        str | None,
        OptionGroup("Recording"),
        option("--from", metavar="FILE", help="read a recording, not a server"),
    ] = None
    at: Annotated[
        str | None,
        option(
            "--at",
            metavar="TIME",
            help="the time in it: 03:12:41, -5m from its end, or ISO 8601 (its end)",
        ),
    ] = None


def check_past(past: PastOptions, connection: ConnectionOptions) -> None:
    """Raise UsageError if a server is named beside a recording, or a time without one."""
    if past.file is None and past.at is not None:
        raise UsageError("--at needs a recording.", "Add --from FILE.")
    if past.file is not None and connection != ConnectionOptions():
        raise UsageError(
            "--from reads a recording, so no server can be named beside it.",
            "Leave the connection out.",
        )


class DiffCommand(NamedTuple):
    """Options of `pgtop diff`."""

    file: Annotated[
        str,
        OptionGroup("Recording"),
        Argument("FILE", help="the recording"),
    ]
    at: Annotated[
        tuple[str, ...],
        option(
            "--at",
            metavar="TIME",
            help="given twice: the times to compare, as in `pgtop show --at`",
        ),
    ] = ()
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class ReportCommand(NamedTuple):
    """Options of `pgtop report`."""

    file: Annotated[
        str,
        OptionGroup("Recording"),
        Argument("FILE", help="the recording"),
    ]
    since: Annotated[
        str | None,
        option(
            "--since", metavar="TIME", help="the first time, as in `pgtop show --at`"
        ),
    ] = None
    until: Annotated[
        str | None,
        option("--until", metavar="TIME", help="the last time"),
    ] = None
    html: Annotated[
        bool,
        OptionGroup("Output"),
        option("--html", help="one HTML file with charts, instead of Markdown"),
    ] = False
    output: Annotated[
        str | None,
        option("--output", metavar="FILE", help="write a new file, not stdout"),
    ] = None
    redact: Annotated[bool, REDACT] = False
