"""`pgtop budget`: the connection budget for people, or as a check for monitoring: what that cannot
know is UNKNOWN.
"""

import math

from pgtop.analysis.breakdown import Dimension
from pgtop.analysis.budget import budget
from pgtop.analysis.usage import Usage, usage, usage_of_database, usage_of_role
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.budget_options import BudgetCommand
from pgtop.cli.check_result import CheckResult, within
from pgtop.cli.exit_codes import Check, Exit
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, wrapped
from pgtop.view.banner import budget_line, legend_line, missing, server_line
from pgtop.view.breakdown import entries, entry_line

_WIDTH = 120
_SHARES = (Dimension.DATABASE, Dimension.ROLE)


def run(command: BudgetCommand) -> int:
    """Print or check the budget; returns the exit code. Raises PgtopError, and SourceError where it
    is no check.
    """
    return _check(command) if command.is_check else _print(command)


def _check(command: BudgetCommand) -> int:
    session = compose.connection_for(
        command.connection, compose.PasswordPrompt()
    )  # which may ask, before time runs
    with within(command.timeout):
        try:
            snapshot = interrupts.run(_sample(session))
        except SourceError as error:
            verdict = unasked(error.failure)
        else:
            verdict = check(_usage(snapshot, command), command.warn, command.crit)
            verdict = verdict if _names_one(command) else with_doubt(verdict, snapshot)
    return verdict.print()


def check(found: Usage, warn: float | None, crit: float | None) -> CheckResult:
    """Return the verdict on a usage. Its label is the same for every role and database, so that no
    name needs quotes.

    What is hidden from the check may be workers, which hold no slot: critical is only what is
    surely in use.
    """
    code = _code(found, warn, crit)
    about = "about " if found.approximate else ""
    surely = f", {found.at_least} for sure" if found.approximate and code is not Check.OK else ""
    words = (
        f"{found.name}: {about}{found.used} of {found.limit} used ({found.percent:.0f}%){surely}"
    )
    if (
        found.of_slots and found.used > found.limit
    ):  # the rest are slots that only some roles may take
        taken = found.used - found.limit
        words = f"{found.name}: {about}{found.limit} of {found.limit} used (100%), and {taken} reserved{surely}"
    data = f"used={found.used};{_level(found, warn)};{_level(found, crit)};0;{found.limit}"
    return CheckResult(code, words, data)


def _code(found: Usage, warn: float | None, crit: float | None) -> Check:
    if crit is not None and found.sure_percent >= crit:
        return Check.CRITICAL
    reached = [level for level in (warn, crit) if level is not None and found.percent >= level]
    return Check.WARNING if reached else Check.OK


def with_doubt(verdict: CheckResult, snapshot: Snapshot) -> CheckResult:
    """Add that logins in progress are not counted, where they are not and it may matter.

    An ordinary login would have been refused had they taken the last slot; one with reserved slots
    is let in.
    """
    server = snapshot.server
    reserves = [
        reserve.slots for reserve in server.limits.reserves if reserve.role in server.login.reserves
    ]
    if server.shows_logins or (
        verdict.code is Check.OK and not server.login.superuser and not reserves
    ):
        return verdict
    remedy = ": check as an ordinary role" if server.login.superuser or reserves else ""
    return verdict._replace(words=f"{verdict.words}; logins in progress not counted{remedy}")


def unasked(failure: Failure) -> CheckResult:
    """Return the verdict of a check that was let in nowhere: CRITICAL on a full server, else
    UNKNOWN.
    """
    code = Check.CRITICAL if failure.kind is FailureKind.FULL else Check.UNKNOWN
    return CheckResult.of_sentences(code, failure.what, failure.advice)


def _level(found: Usage, percent: float | None) -> str:
    """Return the end of the range below a level: the convention alarms outside of it."""
    return "" if percent is None else str(max(0, math.ceil(found.limit * percent / 100) - 1))


async def _sample(session: ServerConnection, wait: bool = False) -> Snapshot:
    source = PostgresSource(session)
    try:
        return await compose.first_sample(source, wait)
    finally:
        await source.close()


def _usage(snapshot: Snapshot, command: BudgetCommand) -> Usage:
    """Return the usage of what the options name. Raises UsageError for a name or a limit that is
    not known.
    """
    if command.role is not None:
        return _known(
            usage_of_role(snapshot, command.role), f"role {command.role!r}", snapshot, "pg_roles"
        )
    if command.database is not None:
        name = f"database {command.database!r}"
        return _known(usage_of_database(snapshot, command.database), name, snapshot, "pg_database")
    return usage(snapshot)


def _known(found: Usage | None, what: str, snapshot: Snapshot, catalog: str) -> Usage:
    """Return the usage. Raises UsageError if there is no such name, or its limit could not be read
    from `catalog`.
    """
    if unread := next(
        (words for words in snapshot.server.missing if words.startswith(catalog)), ""
    ):
        raise UsageError(f"The limit of {what} is not known: {unread}.")
    if found is None:
        raise UsageError(f"There is no {what}.")
    return found


def _names_one(command: BudgetCommand) -> bool:
    """Return whether the command asks about one role or database instead of the whole server."""
    return command.role is not None or command.database is not None


def _print(command: BudgetCommand) -> int:
    session = compose.connection_for(command.connection, compose.PasswordPrompt())
    snapshot = interrupts.run(_sample(session, command.connection.wait))
    if _names_one(command):
        output.write(clean(check(_usage(snapshot, command), None, None).words) + "\n")
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
