"""`pgtop show`: one sample, printed; a table for people, JSON and CSV for programs."""

import asyncio
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pgtop.analysis.budget import budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress_commands import views_of
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.filters import SAVED_SIGN, filter_of, readable
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.args.records import OutputFormat, ShowCommand
from pgtop.cli.configuration import host_figures, redacts, saved_filters
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.recorded import recorded_sample
from pgtop.errors import UsageError
from pgtop.model.backend import Backend
from pgtop.model.pools import PoolsReading, pools_of
from pgtop.model.section import HOST, PROGRESS, SESSIONS, USUAL
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Source
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.table.columns import ColumnSet
from pgtop.table.filter import Filter
from pgtop.table.fitting import layout
from pgtop.table.layout import header, line
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS, column
from pgtop.table.session_contents import contents
from pgtop.table.sessions import ArrangedSessions, arrange_sessions
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, wrapped
from pgtop.view.banner import budget_line, legend_line, server_line
from pgtop.view.csv_report import as_csv
from pgtop.view.json_report import sessions_report
from pgtop.view.slot_words import missing

if TYPE_CHECKING:
    from pgtop.sources.host.late import LateHostEnricher

OPTION = "--filter"
_TOPICS = frozenset({SESSIONS, PROGRESS})
_ALL = Filter()
_PAGE = 200
"""Cells of a table that does not go to a terminal, before its queries are given all the room they
need.
"""


def run(command: ShowCommand) -> int:
    """Print one sample; return the exit code. Raises PgtopError and SourceError."""
    if command.format is not OutputFormat.JSON:
        _refuse_figures(command)
    query = _query(command)
    check_past(command.past, command.connection)
    snapshot = interrupts.run(_sample(command, redacts(command.redact)))
    with readable((query.filter.text,), OPTION):  # a pattern may take too long
        _print(arrange_sessions(DerivedSnapshot.of(snapshot), query), command)
    return Exit.DONE


def _refuse_figures(command: ShowCommand) -> None:
    """Raise UsageError for options whose figures only JSON has."""
    if command.usual:
        raise UsageError("--usual needs --json.")
    if command.host_figures:
        raise UsageError("--host-figures needs --json.")


def _print(table: ArrangedSessions, command: ShowCommand) -> None:
    if command.format is OutputFormat.JSON:
        narrowed = table.options.filter
        output.write_data(
            as_json(table.context, _sessions(table), narrowed, with_usual=command.usual)
        )
    elif command.format is OutputFormat.CSV:
        output.write_data(
            as_csv(
                table.context, _sessions(table), clean if output.is_terminal() else str
            )
        )
    else:
        output.write(_page(table, command.color))


async def _sample(command: ShowCommand, redact: bool) -> Snapshot:
    past = command.past
    if past.file is not None:
        return await recorded_sample(past.file, past.at, redact)
    poolers = compose.poolers_for(command.connection)
    host = _host_enricher(command)
    source = compose.source_for(
        compose.connection_for(command.connection),
        redact,
        WHOLE,
        enrichers=() if poolers is None else (poolers,),
    )
    try:
        first = await first_sample(source, command.connection.wait)
        if poolers is not None:
            await poolers.read()
        if host is not None:
            first = await host.read_now(first)
        has_host = HOST in first.sections and not first.sections[HOST].reason
        if has_host:
            await asyncio.sleep(_HOST_SECONDS)
        is_outdated = poolers is not None or has_host
        snapshot = await _last_sample(source, first, command, is_outdated)
        report_silent(pools_of(snapshot))
        return snapshot if host is None else await host.read_now(snapshot)
    finally:
        await source.close()


_HOST_SECONDS = 0.5
"""Seconds between the two readings of what sessions use, where the server runs on this machine."""


def _host_enricher(command: ShowCommand) -> "LateHostEnricher | None":
    """Return what reads the machine; None for outputs that do not show it."""
    if command.format is not OutputFormat.JSON:
        return None
    wanted = host_figures(command.host_figures, command.connection.server)
    return compose.host_enricher(wanted)


async def _last_sample(
    source: Source,
    first: Snapshot,
    command: ShowCommand,
    is_outdated: bool,
) -> Snapshot:
    """Return the sample to print: the first one, if it is new and another one shows no more."""
    if command.usual:
        await source.sample(_TOPICS | {USUAL})  # finds the functions
        return await source.sample(_TOPICS | {USUAL})
    if is_outdated or _needs_the_locks(first) or views_of(first):
        return await source.sample(_TOPICS)
    return first


def report_silent(reading: PoolsReading | None) -> None:
    """Report on stderr which poolers could not be read, and why."""
    for pooler in () if reading is None else reading.poolers:
        if pooler.reason:
            output.report(pooler.sentence)


def _needs_the_locks(snapshot: Snapshot) -> bool:
    """Return whether the locks show more than the sessions: holders or rivals, hidden waiters,
    replay.

    The first sample shows which sessions wait, the second reads their locks.
    """
    return bool(snapshot.waiting) or any(
        b.hidden and b.datid is not None for b in snapshot.busy
    )


def _query(command: ShowCommand) -> TableOptions:
    """Return the table that the options describe. Raises UsageError."""
    return TableOptions(
        option_filter(command.filter),
        option_sort(command.sort, SESSION_COLUMNS),
        show_background=command.everything,
    )


def option_filter(text: str | None) -> Filter:
    """Return the filter of the option --filter; an empty argument is refused, as a shell may have
    emptied it.
    """
    if text is None:
        return Filter()
    if SAVED_SIGN not in text:
        return filter_of(text, OPTION)
    named = filter_of(text, OPTION, saved_filters())
    return Filter(named.canonical)


def option_sort(words: str, columns: ColumnSet[Any, Any]) -> Sort:
    """Return the order in the option --sort, by one of these columns. Raises UsageError."""
    name, _, order = words.partition(":")
    if order not in ("", "asc", "desc"):
        raise UsageError(f"--sort: an order is asc or desc, not {order!r}.")
    try:
        column_name = columns.written(name).name if name else None
    except ValueError as error:
        raise UsageError(f"--sort: {error}.") from error
    return Sort(column_name, descending=order != "asc")


def _sessions(table: ArrangedSessions) -> list[Backend]:
    """Return the rows that the filter selects, and without --all only those that `used` counts.

    The table shows people the parallel workers of a session below it, whether or not they match; a
    program gets exactly the matches.
    """
    matches = table.options.filter.on(table.context)
    return [
        row
        for row in table.rows
        if (row.is_client or table.options.show_background) and matches(row)
    ]


def as_json(
    derived: DerivedSnapshot,
    backends: Iterable[Backend],
    narrowed: Filter = _ALL,
    *,
    with_usual: bool = False,
) -> str:
    """Return one object on one line, in ASCII: neither a locale nor a terminal can spoil it."""
    whole = sessions_report(
        derived,
        backends,
        narrowed,
        with_usual=with_usual,
    )
    return json.dumps(whole) + "\n"


def _page(table: ArrangedSessions, color: bool) -> str:
    """Return the table for people: as wide as the terminal, or as its longest query needs."""
    return output.page(page(table, output.columns() or _wide_enough(table)), color)


def page(table: ArrangedSessions, width: int) -> list[Line]:
    """Return lines about the server, the filter and its count, an empty one, and the table."""
    snapshot = table.context.snapshot
    narrow = min(width, output.WIDEST_BANNER)
    slots = budget(snapshot)
    needed = contents(table.rows, table.context, table.options)
    columns = layout(SESSION_COLUMNS, width, contents=needed)
    banner = [
        server_line(snapshot, narrow),
        budget_line(slots, narrow),
        legend_line(slots, narrow),
    ]
    unread = missing(slots, snapshot.server)
    rows = [line(columns, row, table.context) for row in table.rows]
    count = table.counts if table.options.filter.text else ""
    words: list[Line] = filter_line(table.options.filter)
    words += [(Span(text, Tone.NOTICE),) for text in (unread, count) if text]
    notes: list[Line] = []
    for spans in words:
        notes += wrapped(spans, narrow)
    return [
        *banner,
        *notes,
        (),
        header(columns, table.options.sort),
        *rows,
    ]


def filter_line(filter: Filter) -> list[Line]:
    """Return the filter in plain words, as pgtop has read it; nothing without a filter."""
    understood = filter.understood
    return (
        [(Span(clean(f"Filter: sessions {understood}"), Tone.STRONG),)]
        if understood
        else []
    )


def _wide_enough(table: ArrangedSessions) -> int:
    """Return the cells that show every query whole, except pgtop's own long one."""
    text = column("query").text
    own = table.context.snapshot.server.pid
    queries = [text(row, table.context) for row in table.rows if row.pid != own]
    widths = [cells(clean(query)) for query in queries]
    return _PAGE + max(widths, default=0)
