"""The options of what signals, of what guards it, and of what remembers. Nothing heavy is
loaded.
"""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pgtop.cli.args.parsers import CommandParser, ConnectionOptions, add_connection, connection_of
from pgtop.config.settings import Safety
from pgtop.errors import UsageError


class SignalCommand(NamedTuple):
    """`pgtop cancel` and `pgtop kill`"""

    signal: str
    """cancel or kill."""
    connection: ConnectionOptions = ConnectionOptions()
    pids: tuple[int, ...] = ()
    filter: tuple[str, ...] = ()
    """The arguments that are a filter, as the shell has grouped them."""
    all_clients: bool = False
    started: datetime | None = None
    dry_run: bool = False
    yes: bool = False
    json: bool = False
    timeout: float | None = None
    """Seconds that an outcome is watched for; None: as long as the dashboard does."""
    escalate: bool = False
    changed_too: bool = False
    reason: str = ""
    color: bool = True
    safety: Safety = Safety()


class AuditCommand(NamedTuple):
    """`pgtop audit`"""

    words: tuple[str, ...] = ()
    since: float | None = None
    unfinished: bool = False
    json: bool = False
    path: bool = False
    redact: bool = False


def add_redact(group: "argparse._ArgumentGroup") -> None:
    """Add the option of every command that shows queries."""
    group.add_argument(
        "--redact", action="store_true",
        help="mask literals, comments and the values of SET and the like in queries; names, application names, client"
        " addresses, advisory keys, gids of prepared transactions and reasons stay",
    )  # fmt: skip


def add_safety(parser: argparse.ArgumentParser) -> None:
    """Add the options that guard signals, for every command that can send one."""
    group = parser.add_argument_group("Safety (also in config.toml)")
    group.add_argument("--read-only", action="store_true", help="no cancel, no terminate")
    group.add_argument(
        "--protect", metavar="FILTER", action="append", default=[],
        help="sessions that are never one of many, such as 'user:replicator'; may be given more than once",
    )  # fmt: skip
    group.add_argument(
        "--require-audit",
        action="store_true",
        help="refuse to signal if the audit trail cannot be written",
    )
    add_redact(group)


def safety_of(given: argparse.Namespace) -> Safety:
    """What the options say."""
    return Safety(given.read_only, tuple(given.protect), given.require_audit, given.redact)


def signal_parser(name: str) -> CommandParser:
    """Of `pgtop cancel` and `pgtop kill`."""
    does = "Cancels the running queries" if name == "cancel" else "Ends the sessions"
    parser = CommandParser(
        f"pgtop {name}",
        "[OPTION]... [URI | CONNINFO] PID... | FILTER | --all-clients",
        f"{does} of the given pids, or of all sessions that a filter (the language of `/`) lets\n"
        "through. Prints the plan and asks; protected sessions are skipped.",
    )
    add_connection(parser, positional=False)
    group = parser.add_argument_group("Which sessions")
    group.add_argument(
        "words",
        nargs="*",
        metavar="PID | FILTER",
        help="4711 4712, or 'state:idle-in-tx age>10m app:x'",
    )
    group.add_argument(
        "--all-clients",
        action="store_true",
        help="every client backend but protected ones and our own",
    )
    group.add_argument(
        "--started", metavar="TIMESTAMP", type=_moment,
        help="one PID: only if its session began then (backend_start of `pgtop show --json`)",
    )  # fmt: skip
    _add_doing(parser.add_argument_group("How"), name)
    add_safety(parser)
    return parser


def _add_doing(how: "argparse._ArgumentGroup", name: str) -> None:
    how.add_argument("--dry-run", action="store_true", help="print the plan and signal nothing")
    how.add_argument(
        "--yes", action="store_true", help="do not ask; protected and hidden sessions are skipped"
    )
    how.add_argument("--json", action="store_true", help="plan and outcomes as one JSON object")
    how.add_argument(
        "--timeout", metavar="TIME", type=_duration, help="how long outcomes are watched for (5s)"
    )
    if name == "cancel":
        how.add_argument(
            "--escalate",
            action="store_true",
            help="terminate the sessions that a cancel did not help",
        )
    else:
        how.add_argument(
            "--changed-too", action="store_true",
            help="also what has begun another query or transaction, or has another application name, since the plan",
        )  # fmt: skip
    how.add_argument("--reason", metavar="TEXT", default="", help="why, for the audit trail")
    how.add_argument(
        "--no-color",
        action="store_true",
        help="no colours (as with NO_COLOR, or when not on a terminal)",
    )


def read_signal(name: str, words: Sequence[str]) -> SignalCommand:
    """Read the words after `pgtop cancel` or `pgtop kill`. Raises UsageError."""
    given = _parsed(name, words)
    given.target = _connection_uri(given)
    pids, terms = _selection(given)
    if given.started is not None and len(pids) != 1:
        raise UsageError("--started goes with exactly one PID.")
    return SignalCommand(
        signal=name,
        connection=connection_of(given),
        pids=pids,
        filter=terms,
        all_clients=given.all_clients,
        started=given.started,
        dry_run=given.dry_run,
        yes=given.yes,
        json=given.json,
        timeout=given.timeout,
        escalate=name == "cancel" and given.escalate,
        changed_too=name == "kill" and given.changed_too,
        reason=given.reason,
        color=not given.no_color,
        safety=safety_of(given),
    )


def _parsed(name: str, words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; an error for a term that was taken for an option says how to write it."""
    _check_is_no_term(name, words)
    try:
        return signal_parser(name).parse_args(words)
    except UsageError as error:
        if not _TERM.match(error.what):
            raise
        raise UsageError(
            error.what, f"As a term of a filter: pgtop {name} [OPTION]... -- FILTER."
        ) from error


_TERM = re.compile(r"Unrecognized option: -[a-z]")


def _check_is_no_term(name: str, words: Sequence[str]) -> None:
    """Raise UsageError for a negated term that would be read as an option: `-db:shop` as the
    database `b:shop`.
    """
    from pgtop.table.language.arguments import (
        negated_term,
    )  # late: nothing heavy is loaded for --help

    for word in words[: words.index("--")] if "--" in words else words:
        if term := negated_term(word):
            raise UsageError(
                f"-{term} would be read as an option.",
                f"Write 'not {term}…', or pgtop {name} [OPTION]... -- FILTER.",
            )


_URI = re.compile(r"\s*postgres(ql)?://", re.IGNORECASE)


def _connection_uri(given: argparse.Namespace) -> str | None:
    """Take the one URI out of the words. Raises UsageError for a second one.

    Nothing else among them names the server: `user=web` is a term of a filter, however libpq would
    read it.
    """
    uris = [word for word in given.words if _URI.match(word)]
    if len(uris) > 1:
        raise UsageError("There are two connection URIs.", "Give one.")
    given.words = [word for word in given.words if word not in uris]
    return uris[0] if uris else None


_NO_NUMBERS = "pgtop kill takes no signal numbers: give pids or a filter."
_NUMBER = re.compile(r"-[0-9.]+")
"""What is left of the shell's `kill -9` without a pid: as a filter it would match nearly every
session.
"""


def _selection(given: argparse.Namespace) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the pids, or the arguments of the filter. Raises UsageError unless exactly one of
    three ways is used.
    """
    words: list[str] = given.words
    if given.all_clients:
        if words:
            raise UsageError(
                "--all-clients goes with neither pids nor a filter.",
                "Give pids, a filter or --all-clients.",
            )
        return (), ()
    if not words:
        raise UsageError("No session is named.", "Give pids, a filter or --all-clients.")
    if numbered := next(filter(_NUMBER.fullmatch, words), None):
        raise UsageError(
            f"{numbered} is no pid, and as a filter it would match nearly every session.",
            _NO_NUMBERS,
        )
    numbers = [word for word in words if word.isascii() and word.isdecimal()]
    if not numbers:
        return (), tuple(words)
    if len(numbers) < len(words):
        raise UsageError(
            "Give pids or a filter, not both.",
            "In a filter a pid is pid:4711; the server is named with -h, -p, -U, -d or a URI.",
        )
    return tuple(dict.fromkeys(map(int, numbers))), ()


def audit_parser() -> CommandParser:
    """Of `pgtop audit`."""
    parser = CommandParser(
        "pgtop audit",
        "[OPTION]... [WORD]...",
        "Prints the signals that were asked for on this machine by this user, and what became of them.",
    )
    which = parser.add_argument_group("Which")
    which.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="only those with all these words in them, in any case",
    )
    which.add_argument(
        "--since", metavar="TIME", type=_duration, help="not older than this, such as 2h or 7d"
    )
    which.add_argument(
        "--unfinished", action="store_true", help="only those whose outcome was never written"
    )
    which.add_argument("--json", action="store_true", help="one JSON object on each line")
    which.add_argument(
        "--path", action="store_true", help="print where the trail is kept, and exit"
    )
    add_redact(which)
    return parser


def read_audit(words: Sequence[str]) -> AuditCommand:
    """Read the words after `pgtop audit`. Raises UsageError."""
    given = audit_parser().parse_args(words)
    return AuditCommand(
        tuple(given.words), given.since, given.unfinished, given.json, given.path, given.redact
    )


def _duration(text: str) -> float:
    from pgtop.text.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        example = "2026-03-10T14:25:07.250000+00:00"
        raise argparse.ArgumentTypeError(f"{text!r} is not a time with its zone, such as {example}")
    return moment
