"""`pgtop statements`: what statements did between two readings of pg_stat_statements.

The names in JSON are stable, like those of `pgtop show`.
"""

import asyncio
import json
from typing import Any

from pgtop.analysis.statements import StatementRow, Statements, statements_of
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.filters import readable
from pgtop.cli.args.records import StatementsCommand
from pgtop.cli.commands.show import OPTION, option_sort
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.model.section import SESSIONS, STATEMENTS, USUAL
from pgtop.model.serialise import record
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import StatementCounters, StatementsReading
from pgtop.model.timestamp import written
from pgtop.sources.postgres.probes.statements import StatementsProbe
from pgtop.sources.postgres.probes.usual import UsualProbe
from pgtop.table.arrange import Arranged
from pgtop.table.fitting import layout
from pgtop.table.layout import header
from pgtop.table.options import TableOptions
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view import statements as view
from pgtop.view.banner import server_line
from pgtop.view.json_report import snapshot_record

_TOPICS = frozenset({SESSIONS, STATEMENTS, USUAL})
_ROWS = 40
"""Rows for people; programs get all."""


def run(command: StatementsCommand) -> int:
    """Print the statements; return the exit code. Raises PgtopError and SourceError."""
    options = _options(command)
    snapshot = interrupts.run(_sample(command, redacts(command.redact)))
    with readable((options.filter.text,), OPTION):  # a pattern may take too long
        arranged = view.arrange_statements(snapshot, options)
        if command.json:
            output.write_data(as_json(arranged, snapshot))
        else:
            lines = page(arranged, snapshot, output.page_width())
            output.write(output.page(lines, command.color))
    return Exit.DONE


def _options(command: StatementsCommand) -> TableOptions:
    """Return the table that the options describe. Raises UsageError."""
    text = command.filter or ""
    with readable((text,), OPTION):
        narrowed = view.STATEMENTS.filter(text)
    return TableOptions(narrowed, option_sort(command.sort, view.COLUMNS))


async def _sample(command: StatementsCommand, redact: bool) -> Snapshot:
    """Return the sample after the second reading, with the texts of its statements."""
    connection = compose.connection_for(command.connection)
    probes = (StatementsProbe(every=0), UsualProbe())
    source = compose.source_for(connection, redact, probes=probes)
    try:
        await first_sample(source, command.connection.wait)
        await source.sample(_TOPICS)  # finds the functions
        snapshot = await source.sample(_TOPICS)
        if statements_of(snapshot).reason:
            return snapshot
        if statements_of(snapshot).reading.lacks_texts:
            await source.sample(_TOPICS)
        await asyncio.sleep(command.seconds)
        snapshot = await source.sample(_TOPICS)
        is_whole = not statements_of(snapshot).reading.lacks_texts
        return snapshot if is_whole else await source.sample(_TOPICS)
    finally:
        await source.close()


def page(
    arranged: Arranged[StatementRow, Statements], snapshot: Snapshot, width: int
) -> list[Line]:
    """Return the server, what must be known of the figures, and the statements, for people."""
    table = arranged.context
    top = [server_line(snapshot, min(width, output.WIDEST_BANNER))]
    reason = view.reason_words(table)
    if reason:
        return [*top, *wrapped(line(f"No statements: {reason}.", Tone.NOTICE), width)]
    for words in view.note_lines(table, snapshot):
        top += wrapped(words, width)
    columns = layout(view.COLUMNS, width)
    rows = [view.STATEMENTS.line(columns, row, table) for row in arranged.rows[:_ROWS]]
    heading = header(columns, arranged.options.sort, end=(view.window_words(table),))
    return [*top, (), heading, *rows]


def as_json(arranged: Arranged[StatementRow, Statements], snapshot: Snapshot) -> str:
    """Return one object on one line, in ASCII."""
    table = arranged.context
    reading = table.reading
    whole = {
        **snapshot_record(snapshot),
        "sections": {},
        "understood": arranged.options.filter.understood or None,
        "seconds": reading.seconds,
        "reason": view.reason_words(table) or None,
        "note": reading.note,
        "own": reading.own,
        "departed": reading.departed,
        "evictions": reading.evictions,
        "reset_at": written(reading.reset_at),
        "all": _counters(reading.did, reading),
        "statements": [_record(row, table) for row in arranged.rows],
    }
    return json.dumps(whole) + "\n"


def _record(row: StatementRow, table: Statements) -> dict[str, Any]:
    activity = row.activity
    return {
        "query_id": activity.query_id,
        "datid": activity.datid,
        "database": row.database,
        **_counters(activity.did, table.reading),
        "share": view.share(row, table),
        "mean_seconds": view.mean(row),
        "usual_mean_seconds": view.usual(row),
        "total_calls": activity.total.calls,
        "sessions": row.sessions,
        "query": activity.text,
    }


def _counters(
    counters: StatementCounters, reading: StatementsReading
) -> dict[str, Any]:
    values = record(counters)
    del values["microseconds"]
    if not reading.has_wal:
        values["wal_bytes"] = None
    return {"calls": values.pop("calls"), "seconds": counters.seconds, **values}
