"""`pgtop budget`: the connection budget for people, or as a check for monitoring: what that cannot know is UNKNOWN."""

import math

from pgtop.analysis.breakdown import Dimension
from pgtop.analysis.budget import budget
from pgtop.analysis.usage import Usage, usage, usage_of_database, usage_of_role
from pgtop.cli import compose, interrupts, output
from pgtop.cli.exits import Check, Exit
from pgtop.cli.options import Budget, Connection
from pgtop.cli.report import report_bug
from pgtop.cli.verdict import Verdict
from pgtop.errors import PgtopError, UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.postgres.sampler import PostgresSource
from pgtop.view.banner import budget_line, legend_line, missing, server_line
from pgtop.view.breakdown import entries, entry_line
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone
from pgtop.view.wrap import Line, wrapped

_WIDTH = 120
_SHARES = (Dimension.DATABASE, Dimension.ROLE)


def run(command: Budget) -> int:
    """Print or check the budget; returns the exit code. Raises PgtopError, and SourceError where it is no check."""
    if not command.checks:
        return _print(command)
    try:
        snapshot = interrupts.run(_sample(command.connection))
        verdict = check(_usage(snapshot, command), command.warn, command.crit)
    except SourceError as error:
        verdict = unasked(error.failure)
    except PgtopError:  # the front door makes it UNKNOWN, as it does with the words that no parser takes
        raise
    except Exception as bug:  # noqa: BLE001  # the 1 that Python exits with would be WARNING
        report_bug(type(bug), bug, bug.__traceback__)
        verdict = Verdict(Check.UNKNOWN, f"This is a bug in pgtop ({type(bug).__name__}): stderr tells more.")
    return verdict.tell()


def check(found: Usage, warn: float | None, crit: float | None) -> Verdict:
    """The verdict on a usage. The label is the same for every role and database, so no name has to be quoted in it."""
    code = Check.OK
    if warn is not None and found.percent >= warn:
        code = Check.WARNING
    if crit is not None and found.percent >= crit:
        code = Check.CRITICAL
    about = "about " if found.approximate else ""
    words = f"{found.name}: {about}{found.used} of {found.limit} used ({found.percent:.0f}%)"
    data = f"used={found.used};{_level(found, warn)};{_level(found, crit)};0;{found.limit}"
    return Verdict(code, words, data)


def unasked(failure: Failure) -> Verdict:
    """A server without a free slot is what such a check is there to find; anything else is not known."""
    code = Check.CRITICAL if failure.kind is FailureKind.FULL else Check.UNKNOWN
    return Verdict(code, f"{failure.what} {failure.advice}".strip())


def _level(found: Usage, percent: float | None) -> str:
    """The smallest number that a level begins at; the convention alarms outside a range, so one below it."""
    return "" if percent is None else str(max(0, math.ceil(found.limit * percent / 100) - 1))


async def _sample(connection: Connection) -> Snapshot:
    source = PostgresSource(compose.session_for(connection, compose.Asker()))
    try:
        return await compose.first_sample(source, connection.wait)
    finally:
        await source.close()


def _usage(snapshot: Snapshot, command: Budget) -> Usage:
    """Of what the options name. Raises UsageError for a name that the server does not know."""
    if command.role is not None:
        found, what = usage_of_role(snapshot, command.role), f"role {command.role!r}"
    elif command.database is not None:
        found, what = usage_of_database(snapshot, command.database), f"database {command.database!r}"
    else:
        found, what = usage(snapshot), ""
    if found is None:
        raise UsageError(f"There is no {what}.")
    return found


def _print(command: Budget) -> int:
    snapshot = interrupts.run(_sample(command.connection))
    if command.role is not None or command.database is not None:
        found = _usage(snapshot, command)
        output.write(clean(f"{found.name}: {found.used} of {found.limit} used ({found.percent:.0f}%)") + "\n")
        return Exit.DONE
    output.write(output.page(page(snapshot, output.columns() or _WIDTH), command.color))
    return Exit.DONE


def page(snapshot: Snapshot, width: int) -> list[Line]:
    """The server, its slots, and who holds them by database and by role."""
    found = budget(snapshot)
    unread = missing(found, snapshot.server)
    return [
        server_line(snapshot, width),
        budget_line(found, width),
        legend_line(found, width),
        *(wrapped((Span(unread, Tone.NOTICE),), width) if unread else ()),
        (),
        *(entry_line(entry, width) for entry in entries(snapshot) if entry.dimension in _SHARES),
    ]
