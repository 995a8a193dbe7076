"""The pools view: each pool, what the server has room for, and the clients that wait."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from pgtop.analysis.pools import age_of, demand, leads_elsewhere, worst_first
from pgtop.model.pools import PoolerReading, PoolsReading, pools_of
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.table.arrange import Arranged, in_order
from pgtop.table.language.quoting import quoted
from pgtop.table.options import Sort, TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted, stepped_span
from pgtop.text.wrap import Line, line, plain_text, wrapped
from pgtop.view.pool_line import reason_words
from pgtop.view.pool_rows import COLUMNS, PoolRow, layout, row_line

Matches: TypeAlias = Callable[[PoolRow], bool]

_MANY_CLIENTS = 0.8
"""Share of a pooler's own client connections from which their number matters."""
_YOUNG = 2.0
"""Seconds up to which a reading is as new as the sample."""
_ONLY_READS = "pgtop only reads there."
_WIDTH = 80


@dataclass(frozen=True)
class ArrangedPools(Arranged[PoolRow, Snapshot]):
    """The rows of the view. `total` counts pools and waiting clients before the filter."""

    matching: int = 0
    """Number of pools and waiting clients that match."""


def arrange_pools(
    snapshot: Snapshot, options: TableOptions, width: int = _WIDTH
) -> ArrangedPools:
    """Return the pools worst first, the clients that wait, and what a reader must know, wrapped at
    `width` cells. Raises FilterError when a pattern of the filter takes too long.
    """
    reading = pools_of(snapshot) or PoolsReading()
    matches = options.filter.on(snapshot)
    is_filtered = bool(options.filter.text)
    pools = list(_pools_in_order(snapshot, reading, matches, options.sort, width))
    clients = list(filter(matches, chain(*map(_clients, reading.poolers))))
    matching = sum([row.pool is not None for row in pools]) + len(clients)
    total = sum([len(each.pools) + len(each.clients) for each in reading.poolers])
    is_empty = not reading.poolers or (is_filtered and not matching)
    rows = [
        *pools,
        *_notes(snapshot, reading, width),
        *_waiting(reading, clients, is_filtered=is_filtered),
        *_sources(reading, snapshot.taken_at, width),
    ]
    return ArrangedPools(
        () if is_empty else tuple(rows),
        total,
        snapshot,
        options,
        matching,
    )


def _pools_in_order(
    snapshot: Snapshot,
    reading: PoolsReading,
    matches: Matches,
    sort: Sort,
    width: int,
) -> Iterator[PoolRow]:
    """Yield the pools that match; those of several poolers below what was read of each."""
    for pooler in reading.poolers:
        if len(reading.poolers) > 1:
            yield from _words(_source(pooler, snapshot.taken_at), width)
        pools = list(filter(matches, _pools(pooler)))
        yield from in_order(pools, COLUMNS, sort, snapshot)


def _pools(pooler: PoolerReading) -> Iterator[PoolRow]:
    is_old = bool(pooler.reason)
    for pool in worst_first(pooler.pools):
        yield PoolRow(pool, pooler=pooler.endpoint, is_old=is_old)


def _clients(pooler: PoolerReading) -> Iterator[PoolRow]:
    is_old = bool(pooler.reason)
    for client in pooler.clients:
        yield PoolRow(client=client, pooler=pooler.endpoint, is_old=is_old)


def _waiting(
    reading: PoolsReading, clients: Sequence[PoolRow], *, is_filtered: bool
) -> Iterator[PoolRow]:
    """Yield the clients that wait below their titles, and how many more there are."""
    kept = sum([len(pooler.clients) for pooler in reading.poolers])
    more = sum([pooler.waiting for pooler in reading.poolers]) - kept
    if clients:
        yield PoolRow()
        yield PoolRow(is_heading=True)
        yield from clients
    if clients and more > 0 and not is_filtered:
        yield PoolRow(words=line(f" {more} more", Tone.QUIET))


# Words.


def _words(words: Line, width: int) -> list[PoolRow]:
    return [PoolRow(words=each) for each in wrapped(words, width, indent=1)]


def _warning(text: str) -> Line:
    return (Span("! ", Tone.WARN), Span(text, Tone.PLAIN))


def _notes(snapshot: Snapshot, reading: PoolsReading, width: int) -> Iterator[PoolRow]:
    """Yield what the pools may take of the server, and what limits the poolers themselves."""
    notes = [
        *_silent_notes(reading, snapshot.taken_at),
        *_place_notes(snapshot, reading),
        *_demand_notes(snapshot, reading),
        *_client_notes(reading),
    ]
    if notes:
        yield PoolRow()
    for note in notes:
        yield from _words(note, width)


def _silent_notes(reading: PoolsReading, now: Instant) -> Iterator[Line]:
    for pooler in reading.poolers:
        if not pooler.reason:
            continue
        age = age_of(pooler, now)
        old = f" The figures are {stepped_span(age)} old." if age is not None else ""
        yield _warning(f"{reason_words(pooler)}.{old}")


def _place_notes(snapshot: Snapshot, reading: PoolsReading) -> Iterator[Line]:
    """Yield the poolers that are not in front of this server, as far as that is known."""
    for pooler in reading.poolers:
        if not leads_elsewhere(pooler, snapshot):
            continue
        count = counted(len(pooler.servers), "server connection")
        name = clean(pooler.endpoint)
        place = "it leads to another server, or to another pooler"
        yield _warning(f"{name} has {count}, and none to this server: {place}.")


def _demand_notes(snapshot: Snapshot, reading: PoolsReading) -> Iterator[Line]:
    needs = demand(snapshot, reading)
    if not needs.pools or not needs.slots:
        return
    words = f"Pool sizes add up to {needs.total}"
    slots = f"the server has {needs.slots} slots for ordinary roles."
    if not needs.exceeds:
        yield line(f" {words}; {slots}", Tone.QUIET)
        return
    first = needs.pools[:_NAMED]
    names = ", ".join([f"{clean(pool.name)} {pool.size}" for pool in first])
    rest = len(needs.pools) - len(first)
    more = f", {rest} more" if rest else ""
    listed = f" ({names}{more})" if len(needs.pools) > 1 else ""
    yield _warning(f"{words}{listed}; {slots}")


_NAMED = 3
"""The largest pools are named if the server has no room for all."""


def _client_notes(reading: PoolsReading) -> Iterator[Line]:
    for pooler in reading.poolers:
        if pooler.note:
            yield _warning(clean(f"{pooler.endpoint} {pooler.note}."))
        most = pooler.max_clients
        if most and pooler.client_count >= _MANY_CLIENTS * most:
            name = clean(pooler.endpoint)
            count = pooler.client_count
            yield _warning(f"{count} of {most} client connections of {name} are used.")


def _sources(reading: PoolsReading, now: Instant, width: int) -> Iterator[PoolRow]:
    """Yield which poolers were read, and when."""
    if not reading.poolers:
        return
    yield PoolRow()
    if len(reading.poolers) > 1:
        yield from _words(line(f" {_ONLY_READS}", Tone.QUIET), width)
        return
    source = _source(reading.poolers[0], now)
    words = (*source, Span(f" {_ONLY_READS}", Tone.QUIET))
    yield from _words(words, width)


def _source(pooler: PoolerReading, now: Instant) -> Line:
    """Return which pooler was read, and how long ago."""
    age = age_of(pooler, now)
    name = clean(pooler.endpoint)
    if age is None:
        words = "not read yet" if not pooler.reason else "not read"
        return line(f" {name}: {words}.", Tone.QUIET)
    ago = "just now" if age < _YOUNG else f"{stepped_span(age)} ago"
    version = clean(pooler.version) or "the pooler"
    return line(f" Read from {version} at {name}, {ago}.", Tone.QUIET)


NOT_NAMED = (
    "pgtop was given no pooler: name its console with --pooler, or in a profile."
)
NOT_READ_THEN = "No pooler was read then."
"""Why there is nothing to show, now or in the past."""


def sessions_filter(row: PoolRow) -> str:
    """Return the filter of the sessions that clients of the pool use."""
    return f"pool:={quoted(row.name)}"


def copied(row: PoolRow, snapshot: Snapshot) -> str:
    """Return a row as a text to copy."""
    spans = row_line(layout(_WIDTH), row, snapshot)
    return " ".join(plain_text(spans).split())


POOLS = TableSpec(
    COLUMNS,
    identity=lambda row: row.identity,
    line=row_line,
    place_columns=layout,
)
