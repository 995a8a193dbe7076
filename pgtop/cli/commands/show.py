"""`pgtop show`: one sample, printed; a table for people, JSON and CSV for programs.

The names in JSON and CSV are a promise to scripts: they may grow in number and never change. Values
are raw and exact; whatever is meant for eyes is cleaned.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from pgtop.analysis.budget import Budget, budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.filters import filter_of, readable
from pgtop.cli.args.options import OutputFormat, ShowCommand
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.guards import redacts
from pgtop.errors import UsageError
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between, written
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.table.filter import Filter
from pgtop.table.layout import header, layout, line
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS, column
from pgtop.table.sessions import ArrangedSessions, arrange_sessions
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, wrapped
from pgtop.view.banner import budget_line, legend_line, missing, server_line

OPTION = "--filter"
_ALL = Filter()
_PAGE = 200
"""Cells of a table that does not go to a terminal, before its queries are given all the room they
need.
"""
_WIDEST_BANNER = 120

COLUMNS = (
    "datid", "datname", "pid", "leader_pid", "usesysid", "usename", "application_name", "client_addr",
    "client_hostname", "client_port", "backend_start", "xact_start", "query_start", "state_change",
    "wait_event_type", "wait_event", "state", "backend_xid", "backend_xmin", "query_id", "query", "backend_type",
    "blocked_by",
)  # fmt: skip
"""The columns of pg_stat_activity, and who blocks the session."""
BLOCKS = "blocks"
"""How many sessions it blocks, directly or through others."""
INSTANTS = frozenset({"backend_start", "xact_start", "query_start", "state_change"})
AGES = {
    "xact_age": "xact_start",
    "query_age": "query_start",
    "state_age": "state_change",
    "backend_age": "backend_start",
}
"""Seconds since an instant, at the instant of the sample."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of one."""
_SEPARATORS = frozenset(";\t\r\n")
_BEFORE_A_FORMULA = re.compile(r'([\s;"]++)([=+\-@＝＋－＠])?')
"""Taken as a whole, also where no formula follows: no character of a long run of spaces is looked
at twice.
"""


def run(command: ShowCommand) -> int:
    """Print one sample; returns the exit code. Raises PgtopError and SourceError."""
    query = _query(command)
    snapshot = interrupts.run(_sample(command.connection, redacts(command.redact)))
    with readable((query.filter.text,), OPTION):  # a pattern may take too long
        _print(arrange_sessions(DerivedSnapshot.of(snapshot), query), command)
    return Exit.DONE


def _print(table: ArrangedSessions, command: ShowCommand) -> None:
    if command.format is OutputFormat.JSON:
        output.write_data(as_json(table.context, _sessions(table), table.options.filter))
    elif command.format is OutputFormat.CSV:
        output.write_data(
            as_csv(table.context, _sessions(table), clean if output.is_terminal() else str)
        )
    else:
        output.write(_page(table, command.color))


async def _sample(connection: ConnectionOptions, redact: bool) -> Snapshot:
    source = compose.source_for(compose.connection_for(connection), redact, WHOLE)
    try:
        snapshot = await first_sample(source, connection.wait)
        return await source.sample() if _needs_the_locks(snapshot) else snapshot
    finally:
        await source.close()


def _needs_the_locks(snapshot: Snapshot) -> bool:
    """Return whether the locks show more than the sessions: holders or rivals, hidden waiters,
    replay.

    The first sample shows which sessions wait, the second reads their locks.
    """
    return bool(snapshot.waiting) or any(b.hidden and b.datid is not None for b in snapshot.busy)


def _query(command: ShowCommand) -> TableOptions:
    """What the options ask to see. Raises UsageError."""
    try:
        return TableOptions(
            option_filter(command.filter), _sort(command.sort), show_background=command.everything
        )
    except ValueError as error:
        raise UsageError(f"--sort: {error}.") from error


def option_filter(text: str | None) -> Filter:
    """Return the filter of the option --filter; an empty argument is refused, as a shell may have
    emptied it.
    """
    return Filter() if text is None else filter_of(text, OPTION)


def _sort(words: str) -> Sort:
    name, _, order = words.partition(":")
    if order not in ("", "asc", "desc"):
        raise ValueError(f"an order is asc or desc, not {order!r}")
    return Sort(column(name).name if name else None, descending=order != "asc")


def _sessions(table: ArrangedSessions) -> list[Backend]:
    """Return the rows that the filter selects, and without --all only those that `used` counts.

    The table shows people the parallel workers of a session below it, whether or not they match; a
    program gets what it has asked for.
    """
    matches = table.options.filter.on(table.context)
    return [
        row
        for row in table.rows
        if (row.is_client or table.options.show_background) and matches(row)
    ]


def as_json(picture: DerivedSnapshot, backends: Iterable[Backend], narrowed: Filter = _ALL) -> str:
    """One object on one line, in ASCII, so that neither a locale nor a terminal can spoil it."""
    snapshot = picture.snapshot
    whole = {
        "server": server_record(snapshot),
        "understood": narrowed.understood or None,
        "note": _unknown(snapshot) or snapshot.locks.note,
        "budget": _budget_record(budget(snapshot)),
        "sessions": [session_record(backend, picture) for backend in backends],
    }
    return json.dumps(whole) + "\n"


def session_record(backend: Backend, picture: DerivedSnapshot) -> dict[str, Any]:
    """One session as scripts see it."""
    values = {name: getattr(backend, name) for name in COLUMNS}
    times = {name: written(values[name]) for name in INSTANTS}
    ages = {name: _age(values[start], picture.now) for name, start in AGES.items()}
    blocks: int | None = picture.blocks.get(backend.pid, 0)
    if _unknown(
        picture.snapshot
    ):  # no number is known, and no waiter without a blocker is known to have none
        blocks = blocks or None
        may_wait = backend.hidden or backend.waits_for_lock
        values["blocked_by"] = backend.blocked_by or (None if may_wait else ())
    return {**values, **times, **ages, BLOCKS: blocks}


def _unknown(snapshot: Snapshot) -> str:
    """Return why some sessions' blockers are not known; empty if all are."""
    locks = snapshot.locks
    if (
        locks.failure
        or locks.is_current
        or not any(b.hidden and b.datid is not None for b in snapshot.busy)
    ):
        return locks.failure
    return "the locks that hidden sessions wait for were not asked for"


def server_record(snapshot: Snapshot) -> dict[str, Any]:
    """The server as scripts see it."""
    server = snapshot.server
    names = ("version", "version_num", "host", "port", "database", "user", "pid", "in_recovery")
    return {
        **{name: getattr(server, name) for name in names},
        "login": server.login.name or server.user,
        "started_at": written(server.started_at),
        "taken_at": written(snapshot.taken_at),
        "missing": list(server.missing),
    }


def _budget_record(found: Budget) -> dict[str, Any]:
    names = (
        "max_connections", "superuser_reserved_connections", "reserved_connections", "used", "free",
        "approximate", "ordinary", "reserved_left", "openable", "openable_limit", "walsenders", "max_wal_senders",
        "visible", "hidden", "used_at_least", "openable_is_exact", "sees_logins",
    )  # fmt: skip
    reserves = [reserve._asdict() for reserve in found.reserves]
    return {
        **{name: getattr(found, name) for name in names},
        "reserves": reserves,
        "states": dict(found.states),
    }


def _age(start: Instant | None, now: Instant) -> float | None:
    return None if start is None else seconds_between(start, now)


def as_csv(
    picture: DerivedSnapshot, backends: Iterable[Backend], safe: Callable[[str], str] = str
) -> str:
    """A header and one record for each session, as RFC 4180 has it; texts pass through `safe`."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow((*COLUMNS, *AGES, BLOCKS))
    for backend in backends:
        writer.writerow([_cell(value, safe) for value in session_record(backend, picture).values()])
    return lines.getvalue()


def _cell(value: object, safe: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return _inert(safe(value))
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _inert(text: str) -> str:
    """A spreadsheet runs what begins like a formula, and anybody who may connect can send one as a
    query.

    One that separates by semicolons or tabs sees no quotes within what it takes for a cell, and
    begins a new one, or a new row, in the middle of a text.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    held = _BEFORE_A_FORMULA.sub(_held, text)
    return f"'{held}" if held.startswith(_FORMULA) else held


def _held(found: re.Match[str]) -> str:
    before, formula = found.groups("")
    begins = found.start() == 0 or _SEPARATORS.intersection(before)
    return f"{before}'{formula}" if formula and begins else found[0]


def _page(table: ArrangedSessions, color: bool) -> str:
    """The table for people: as wide as the terminal, or as wide as it needs to be."""
    return output.page(page(table, output.columns() or _wide_enough(table)), color)


def page(table: ArrangedSessions, width: int) -> list[Line]:
    """The lines about the server, an empty one, the table, and how many rows a filter left."""
    snapshot, narrow = table.context.snapshot, min(width, _WIDEST_BANNER)
    found = budget(snapshot)
    columns = layout(SESSION_COLUMNS, width)
    banner = [
        server_line(snapshot, narrow),
        budget_line(found, narrow),
        legend_line(found, narrow),
    ]
    unread = missing(found, snapshot.server)
    rows = [line(columns, row, table.context) for row in table.rows]
    count = table.counts if table.options.filter.text else ""
    notes = [
        row
        for text in (unread, count)
        if text
        for row in wrapped((Span(text, Tone.NOTICE),), narrow)
    ]
    return [*banner, *notes, (), header(columns, table.options.sort), *rows]


def _wide_enough(table: ArrangedSessions) -> int:
    text = column("query").text
    return _PAGE + max((cells(clean(text(row, table.context))) for row in table.rows), default=0)
