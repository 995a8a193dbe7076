"""`pgtop budget`: the connection budget for people, or as a check for monitoring.

A check that finds no answer is UNKNOWN.
"""

import json
import math
from typing import Any

from pgtop.analysis.breakdown import Dimension
from pgtop.analysis.budget import budget
from pgtop.analysis.usage import Usage, usage_of_database, usage_of_role
from pgtop.analysis.usage import usage as total_usage
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.budget_options import BudgetCommand
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.check_result import CheckResult, within
from pgtop.cli.exit_codes import Check, Exit
from pgtop.cli.first_sample import first_sample, sample_of
from pgtop.cli.recorded import recorded_source
from pgtop.config.percent_range import PercentRange, Threshold
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.replication import reading_of
from pgtop.model.section import REPLICATION, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Source, SourceError
from pgtop.sources.postgres.probes.replication import ReplicationProbe
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, wrapped
from pgtop.view import breakdown
from pgtop.view.banner import budget_line, legend_line, server_line
from pgtop.view.json_report import budget_report
from pgtop.view.slot_words import missing

_WIDTH = 120
_TOPICS = frozenset({SESSIONS, REPLICATION})
"""Replication has the replication slots in use."""
_SHARES = (Dimension.DATABASE, Dimension.ROLE)


def run(command: BudgetCommand) -> int:
    """Print or check the budget; return the exit code. Raises PgtopError, and SourceError without
    a check.
    """
    return _check(command) if command.is_check else _print(command)


def _check(command: BudgetCommand) -> int:
    # May prompt, before the time runs.
    source = _source(command)
    with within(command.timeout):
        try:
            snapshot = interrupts.run(_sample(source))
        except SourceError as error:
            result = failed(error.failure)
        else:
            result = check(_usage(snapshot, command), command.warn, command.crit)
            result = result if _names_one(command) else with_doubt(result, snapshot)
    return result.print()


def check(usage: Usage, warn: Threshold | None, crit: Threshold | None) -> CheckResult:
    """Return the result for a usage.

    Sessions that are hidden from this role may be workers, which hold no slot: only the connections
    that are surely in use make the result CRITICAL. The label of the performance data is the same
    for every role and database, so that no name needs quotes.
    """
    code = _code(usage, warn, crit)
    about = "about " if usage.approximate else ""
    is_doubtful = usage.approximate and code is not Check.OK
    surely = f", {usage.at_least} for sure" if is_doubtful else ""
    share = f"{usage.used} of {usage.limit} used ({usage.percent:.0f}%)"
    # Slots that only some roles may use.
    if usage.of_slots and usage.used > usage.limit:
        reserved = usage.used - usage.limit
        share = f"{usage.limit} of {usage.limit} used (100%), and {reserved} reserved"
    data = (
        f"used={usage.used};{_level(usage, warn)};{_level(usage, crit)};0;{usage.limit}"
    )
    return CheckResult(code, f"{usage.name}: {about}{share}{surely}", data)


def _code(usage: Usage, warn: Threshold | None, crit: Threshold | None) -> Check:
    if crit is not None and _is_surely_reached(crit, usage):
        return Check.CRITICAL
    levels = [level for level in (warn, crit) if level is not None]
    is_reached = any(_may_be_reached(level, usage) for level in levels)
    return Check.WARNING if is_reached else Check.OK


def _is_surely_reached(level: Threshold, usage: Usage) -> bool:
    if isinstance(level, PercentRange):
        return level.is_surely_alert(usage.sure_percent, usage.percent)
    return usage.sure_percent >= level


def _may_be_reached(level: Threshold, usage: Usage) -> bool:
    if isinstance(level, PercentRange):
        return level.may_be_alert(usage.sure_percent, usage.percent)
    return usage.percent >= level


def with_doubt(result: CheckResult, snapshot: Snapshot) -> CheckResult:
    """Add that logins in progress are not counted, if they may matter.

    If such logins held the last slot, an ordinary login would have been refused. A login with
    reserved slots would not.
    """
    server = snapshot.server
    login = server.login
    has_reserves = any(
        reserve.role in login.reserves for reserve in server.limits.reserves
    )
    can_exceed = login.superuser or has_reserves
    if server.shows_logins or (result.code is Check.OK and not can_exceed):
        return result
    advice = ": check as an ordinary role" if can_exceed else ""
    return result._replace(
        words=f"{result.words}; logins in progress not counted{advice}"
    )


def failed(failure: Failure) -> CheckResult:
    """Return the result of a check that could not connect: CRITICAL on a full server, else
    UNKNOWN.
    """
    code = Check.CRITICAL if failure.kind is FailureKind.FULL else Check.UNKNOWN
    return CheckResult.of_sentences(code, failure.what, failure.advice)


def _level(usage: Usage, level: Threshold | None) -> str:
    """Return the level in connections: monitoring alarms outside of a range, which for a percentage
    ends below it.
    """
    if level is None:
        return ""
    if isinstance(level, PercentRange):
        return level.of(usage.limit)
    first = math.ceil(usage.limit * level / 100)
    return str(max(0, first - 1))


def _source(command: BudgetCommand) -> Source:
    """Return the server or the recording. Raises UsageError and RecordingError."""
    past = command.past
    check_past(past, command.connection)
    if past.file is not None:
        return recorded_source(past.file, past.at, redact=False)
    probes = (ReplicationProbe(searches=False),)
    return PostgresSource(compose.connection_for(command.connection), probes)


async def _sample(source: Source) -> Snapshot:
    try:
        return await first_sample(source, wait=False)
    finally:
        await source.close()


def _usage(snapshot: Snapshot, command: BudgetCommand) -> Usage:
    """Return the usage of what the options name. Raises UsageError for an unknown name or limit."""
    if command.role is not None:
        role_usage = usage_of_role(snapshot, command.role)
        return _known(
            role_usage,
            f"role {command.role!r}",
            snapshot,
            "pg_roles",
        )
    if command.database is not None:
        database_usage = usage_of_database(snapshot, command.database)
        return _known(
            database_usage, f"database {command.database!r}", snapshot, "pg_database"
        )
    return total_usage(snapshot)


def _known(
    usage: Usage | None,
    name: str,
    snapshot: Snapshot,
    catalog: str,
) -> Usage:
    """Return the usage. Raises UsageError if the name does not exist, or its limit could not be
    read from the catalog.
    """
    reasons = (
        reason for reason in snapshot.server.missing if reason.startswith(catalog)
    )
    if reason := next(reasons, ""):
        raise UsageError(f"The limit of {name} is not known: {reason}.")
    if usage is None:
        raise UsageError(f"There is no {name}.")
    return usage


def _names_one(command: BudgetCommand) -> bool:
    """Return whether the command names one role or database instead of the whole server."""
    return command.role is not None or command.database is not None


def _print(command: BudgetCommand) -> int:
    source = _source(command)
    sampling = sample_of(source, _TOPICS, command.connection.wait)
    snapshot = interrupts.run(sampling)
    if command.json:
        output.write_data(json.dumps(as_json(snapshot), ensure_ascii=False) + "\n")
        return Exit.DONE
    if _names_one(command):
        result = check(_usage(snapshot, command), None, None)
        output.write(clean(result.words) + "\n")
        return Exit.DONE
    lines = page(snapshot, output.columns() or _WIDTH)
    output.write(output.page(lines, command.color))
    return Exit.DONE


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return the budget as `pgtop show --json` has it, with the use of each role and database."""
    server = snapshot.server
    roles = [
        _group(usage_of_role(snapshot, role.name), role.name, role.connection_limit)
        for role in server.roles.values()
    ]
    databases = [
        _group(usage_of_database(snapshot, each.name), each.name, each.connection_limit)
        for each in server.databases.values()
    ]
    return {**budget_report(snapshot), "roles": roles, "databases": databases}


def _group(usage: Usage | None, name: str, limit: int | None) -> dict[str, Any]:
    """Return the use of a role or a database; a superuser's limit is not enforced."""
    used = usage.used if usage else 0
    at_least = usage.at_least if usage else None
    return {
        "name": name,
        "used": used,
        "used_at_least": used if at_least is None else at_least,
        "limit": limit,
    }


def _replication_slots(snapshot: Snapshot) -> str:
    """Return how many replication slots are in use; "" if that is not known."""
    reading = reading_of(snapshot)
    if reading is None:
        return ""
    return f"replication slots {len(reading.slots)}/{reading.max_replication_slots}"


def page(snapshot: Snapshot, width: int) -> list[Line]:
    """Return lines about the server, its slots, and the databases and roles that hold them."""
    slots = budget(snapshot)
    lines = [
        server_line(snapshot, width),
        budget_line(slots, width),
        legend_line(slots, width, _replication_slots(snapshot)),
    ]
    if unread := missing(slots, snapshot.server):
        lines += wrapped((Span(unread, Tone.NOTICE),), width)
    lines.append(())
    lines += breakdown.lines(snapshot, _SHARES, width)
    return lines
