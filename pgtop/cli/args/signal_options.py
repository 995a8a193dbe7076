"""The options of `pgtop cancel` and `pgtop kill`. Nothing heavy is loaded."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from pgtop.cli.args.command import CommandSpec
from pgtop.cli.args.connection import ConnectionOptions, NamedConnection
from pgtop.cli.args.output_options import NO_COLOR
from pgtop.cli.args.values import duration, timestamp
from pgtop.config.schema import Argument, OptionGroup, option
from pgtop.config.settings import Safety
from pgtop.errors import UsageError


class SignalCommand(NamedTuple):
    """Options of `pgtop cancel` and `pgtop kill`."""

    signal: str
    """Either cancel or kill."""
    connection: NamedConnection = ConnectionOptions()
    words: Annotated[
        tuple[str, ...],
        OptionGroup("Which sessions"),
        Argument("PID | FILTER", help="4711 4712, or 'state:idle-in-tx age>10m app:x'"),
    ] = ()
    """Words that are not sorted into the next two yet; empty afterwards."""
    pids: tuple[int, ...] = ()
    filter: tuple[str, ...] = ()
    """The arguments that are a filter, as the shell has grouped them."""
    all_clients: Annotated[
        bool,
        option(
            "--all-clients",
            help="every client backend except protected ones and our own",
        ),
    ] = False
    started: Annotated[
        datetime | None,
        option(
            "--started",
            metavar="TIMESTAMP",
            parse=timestamp,
            help="one PID, only if its session began then (backend_start of `pgtop show --json`)",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        OptionGroup("How"),
        option("--dry-run", help="print the plan and signal nothing"),
    ] = False
    yes: Annotated[
        bool,
        option("--yes", help="do not ask; protected and hidden sessions are skipped"),
    ] = False
    json: Annotated[
        bool,
        option("--json", help="print plan and outcomes as one JSON object"),
    ] = False
    timeout: Annotated[
        float | None,
        option(
            "--timeout",
            metavar="TIME",
            parse=duration,
            help="how long outcomes are observed (5s)",
        ),
    ] = None
    """Seconds in which outcomes are observed; None: as in the dashboard."""
    escalate: Annotated[
        bool,
        option(
            "--escalate",
            only_for="cancel",
            help="terminate the sessions that survive the cancel",
        ),
    ] = False
    changed_too: Annotated[
        bool,
        option(
            "--changed-too",
            only_for="kill",
            help="also sessions with a new query, transaction or application name since the plan",
        ),
    ] = False
    reason: Annotated[
        str,
        option("--reason", metavar="TEXT", help="the reason, for the audit log"),
    ] = ""
    color: Annotated[bool, NO_COLOR] = True
    safety: Safety = Safety()


def read_signal(spec: CommandSpec, words: Sequence[str]) -> SignalCommand:
    """Read the words after `pgtop cancel` or `pgtop kill`. Raises UsageError."""
    _check_is_no_term(spec.name, words)
    try:
        command: SignalCommand = spec.parse(words, signal=spec.name)
    except UsageError as error:
        if not _TERM.match(error.what):
            raise
        advice = f"As a term of a filter: pgtop {spec.name} [OPTION]... -- FILTER."
        raise UsageError(error.what, advice) from error
    command = _with_selection(command)
    if command.started is not None and len(command.pids) != 1:
        raise UsageError("--started goes with exactly one PID.")
    return command


_TERM = re.compile(r"Unrecognized option: -[a-z]")


def _check_is_no_term(name: str, words: Sequence[str]) -> None:
    """Raise UsageError for a negated term that would be read as an option: `-db:shop` as the
    database `b:shop`.
    """
    from pgtop.table.language.arguments import negated_term

    options_end = words.index("--") if "--" in words else len(words)
    for word in words[:options_end]:
        if term := negated_term(word):
            raise UsageError(
                f"-{term} would be read as an option.",
                f"Write 'not {term}…', or pgtop {name} [OPTION]... -- FILTER.",
            )


_URI = re.compile(r"\s*postgres(ql)?://", re.IGNORECASE)


def _with_selection(command: SignalCommand) -> SignalCommand:
    """Sort the words into a connection URI, pids and a filter. Raises UsageError.

    No other word names the server: `user=web` is a term of a filter, although libpq would read it
    as a connection string.
    """
    uris = [word for word in command.words if _URI.match(word)]
    words = [word for word in command.words if word not in uris]
    connection = command.connection
    if uris:
        connection = connection._replace(target=_one_uri(uris, connection))
    pids, terms = _selection(words, command.all_clients)
    return command._replace(connection=connection, words=(), pids=pids, filter=terms)


def _one_uri(uris: Sequence[str], connection: ConnectionOptions) -> str:
    if len(uris) > 1:
        raise UsageError("There are two connection URIs.", "Give one.")
    if connection.target is not None:
        raise UsageError(
            "The database is given twice, with -d and without.", "Give it once."
        )
    return uris[0]


_WAYS = "Give a pid, a filter or --all-clients."
_NO_NUMBERS = (
    "pgtop kill takes no signal numbers: give a pid, a filter or --all-clients."
)
_NUMBER = re.compile(r"-[0-9.]+")
"""The rest of a shell's `kill -9` without a pid. As a filter it would match nearly every
session.
"""


def _selection(
    words: Sequence[str], is_for_all: bool
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the pids, or the arguments of the filter. Raises UsageError unless exactly one of
    three ways is used.
    """
    if is_for_all:
        if words:
            raise UsageError(
                "--all-clients goes with neither pids nor a filter.", _WAYS
            )
        return (), ()
    if not words:
        raise UsageError("No session is named.", _WAYS)
    _check_has_no_number(words)
    pids = [word for word in words if word.isascii() and word.isdecimal()]
    if pids:
        return _checked_pids(pids, words), ()
    return (), tuple(words)


def _check_has_no_number(words: Sequence[str]) -> None:
    if number := next(filter(_NUMBER.fullmatch, words), None):
        raise UsageError(
            f"{number} is not a pid, and as a filter it would match nearly every session.",
            _NO_NUMBERS,
        )


def _checked_pids(pids: Sequence[str], words: Sequence[str]) -> tuple[int, ...]:
    """Return each pid once. Raises UsageError if the words have anything else."""
    if len(pids) < len(words):
        raise UsageError(
            "Give pids or a filter, not both.",
            "In a filter a pid is pid:4711; the server is named with -h, -p, -U, -d or a URI.",
        )
    return tuple(dict.fromkeys(map(int, pids)))
