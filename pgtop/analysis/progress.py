"""Progress of a command: its step, its share of the present phase, and the time left of that phase.

There is no estimate of a whole command: counters belong to a phase, and no server knows how long
the next one takes.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from pgtop.model.progress import Operation, Point, SeenPhase
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

WINDOW = 30 * MICROSECONDS
"""An estimate stands on the work of this time."""
_LEAST_SECONDS = 0.9
"""Two samples of a dashboard are a second apart; an estimate needs as much."""
_PARTS = 3
_STEADY = 1.5
"""How many times the slowest part of that time the fastest one may have done: the time left by the
mean pace is then off by a fifth at most if the pace stays in that range."""
_SPACING = 3 * MICROSECONDS
"""Between two points that are kept, except the newest."""
_PHASES_KEPT = 24
"""A vacuum with little memory goes through its phases again and again."""


# Steps.


class Step(NamedTuple):
    """One of the parts of a command, in their order, and the server's phases in it."""

    title: str
    phases: tuple[str, ...]


def _steps(*titles: str) -> tuple[Step, ...]:
    """Return steps from `title` or `title|phase|phase`."""
    steps = []
    for words in titles:
        title, _, phases = words.partition("|")
        steps.append(Step(title, tuple(phases.split("|")) if phases else (title,)))
    return tuple(steps)


_VACUUM = _steps(
    "scanning heap|initializing|scanning heap",
    "vacuuming indexes",
    "vacuuming heap",
    "cleaning up|cleaning up indexes|truncating heap|performing final cleanup",
)
_ANALYZE = _steps(
    "acquiring sample rows|initializing|acquiring sample rows"
    "|acquiring inherited sample rows",
    "computing statistics|computing statistics|computing extended statistics",
    "finalizing analyze",
)
_BUILD = _steps(
    "building index: scanning table|initializing|building index: initializing"
    "|building index: scanning table",
    "building index: sorting tuples|building index: sorting live tuples"
    "|building index: sorting dead tuples",
    "building index: loading tuples in tree",
)
_BUILD_AT_ONCE = _steps("building index|initializing|building index")
"""Only B-trees name the parts of a build."""
_VALIDATE = _steps(
    "waiting for writers before validation",
    "index validation: scanning index",
    "index validation: sorting tuples",
    "index validation: scanning table",
    "waiting for old snapshots",
)
_WAIT = _steps(
    "waiting for writers before build|initializing|waiting for writers before build"
)
_SWAP = _steps(
    "waiting for readers before marking dead",
    "waiting for readers before dropping",
)
_REBUILD = _steps(
    "rebuilding index|swapping relation files|rebuilding index|performing final cleanup"
)
_COPY_TABLE = (
    *_steps("scanning heap|initializing|seq scanning heap|index scanning heap"),
    *_REBUILD,
)
_SORT_TABLE = (
    *_steps(
        "seq scanning heap|initializing|seq scanning heap",
        "sorting tuples",
        "writing new heap",
    ),
    *_REBUILD,
)
_BACKUP = _steps(
    "waiting for checkpoint to finish|initializing|waiting for checkpoint to finish",
    "estimating backup size",
    "streaming database files",
    "transferring wal files|waiting for wal archiving to finish|transferring wal files",
)


def steps_of(operation: Operation) -> tuple[Step, ...]:
    """Return the steps of a command; none if they are not known, or if it has only one."""
    seen = {each.phase for each in operation.seen}
    match operation.view:
        case "vacuum":
            return _VACUUM
        case "analyze":
            return _ANALYZE
        case "create_index":
            return _index_steps(operation.command, seen)
        case "cluster" | "repack":
            return _table_steps(operation, seen)
        case "basebackup":
            return _BACKUP
    return ()


def _index_steps(command: str, seen: set[str]) -> tuple[Step, ...]:
    build = _BUILD_AT_ONCE if "building index" in seen else _BUILD
    if not command.endswith("CONCURRENTLY"):
        return build
    swap = _SWAP if command.startswith("REINDEX") else ()
    return (*_WAIT, *build, *_VALIDATE, *swap)


def _table_steps(operation: Operation, seen: set[str]) -> tuple[Step, ...]:
    """Return the steps of a rewrite of a table. With an index the server either follows that or
    sorts, which its first phase shows.
    """
    counters = operation.counters
    index = counters.get("cluster_index_relid") or counters.get("repack_index_relid")
    if not index or "index scanning heap" in seen:
        return _COPY_TABLE
    return _SORT_TABLE if "seq scanning heap" in seen else ()


def step_number(operation: Operation) -> int | None:
    """Return the number of the present step, from 1; None for a phase that is not known."""
    for place, step in enumerate(steps_of(operation), start=1):
        if operation.phase in step.phases:
            return place
    return None


# Work.

BYTES = "bytes"
"""The unit of copies and base backups."""
_COARSE = frozenset({"indexes", "tables"})
"""Units that may take minutes each: from their number no pace follows."""


class Measure(NamedTuple):
    """The work of a phase: how much is done, and of how much; None if there is no total."""

    done: int
    total: int | None
    unit: str


class _Counter(NamedTuple):
    """The columns that measure a phase."""

    done: str
    total: str
    unit: str


_HEAP = _Counter("heap_blks_scanned", "heap_blks_total", "blocks")
_INDEXES = _Counter("indexes_processed", "indexes_total", "indexes")
_BLOCKS = _Counter("blocks_done", "blocks_total", "blocks")
_COUNTERS: Mapping[tuple[str, str], _Counter] = {
    ("vacuum", "scanning heap"): _HEAP,
    ("vacuum", "vacuuming indexes"): _INDEXES,
    # a pass ends at the last block that was scanned before it
    ("vacuum", "vacuuming heap"): _Counter(
        "heap_blks_vacuumed", "heap_blks_scanned", "blocks"
    ),
    ("vacuum", "cleaning up indexes"): _INDEXES,
    ("analyze", "acquiring sample rows"): _Counter(
        "sample_blks_scanned", "sample_blks_total", "blocks"
    ),
    ("analyze", "acquiring inherited sample rows"): _Counter(
        "child_tables_done", "child_tables_total", "tables"
    ),
    ("create_index", "building index"): _BLOCKS,
    ("create_index", "building index: scanning table"): _BLOCKS,
    ("create_index", "building index: loading tuples in tree"): _Counter(
        "tuples_done", "tuples_total", "rows"
    ),
    ("create_index", "index validation: scanning index"): _BLOCKS,
    ("create_index", "index validation: scanning table"): _BLOCKS,
    ("cluster", "seq scanning heap"): _HEAP,
    ("cluster", "index scanning heap"): _Counter("heap_tuples_scanned", "", "rows"),
    ("cluster", "writing new heap"): _Counter(
        "heap_tuples_written", "heap_tuples_scanned", "rows"
    ),
    ("copy", ""): _Counter("bytes_processed", "bytes_total", BYTES),
    ("basebackup", "streaming database files"): _Counter(
        "backup_streamed", "backup_total", BYTES
    ),
}


def measure(operation: Operation) -> Measure | None:
    """Return the work of the present phase; None if the server counts none."""
    view = "cluster" if operation.view == "repack" else operation.view
    counter = _COUNTERS.get((view, operation.phase or ""))
    if counter is None:
        return None
    done = operation.counters.get(counter.done)
    total = operation.counters.get(counter.total, 0)
    return None if done is None else Measure(done, total or None, counter.unit)


def percent(operation: Operation) -> float | None:
    """Return the share of the present phase that is done, 0 to 100 with one decimal, rounded down;
    None without a total.
    """
    work = measure(operation)
    if work is None or work.total is None:
        return None
    return min(1000, 1000 * work.done // work.total) / 10


# Time.


def remaining_seconds(operation: Operation) -> float | None:
    """Return the time that is left of the present phase, at the pace of the last half minute; None
    without a total in small units, two samples or any work between them, and while the pace is not
    steady.
    """
    work = measure(operation)
    seconds = pace_seconds(operation)
    if work is None or work.total is None or seconds < _LEAST_SECONDS:
        return None
    if work.unit in _COARSE or not is_steady(operation):
        return None
    left = work.total - work.done
    step = operation.points[-1].done - operation.points[0].done
    return left * seconds / step if left > 0 and step > 0 else None


def pace_seconds(operation: Operation) -> float:
    """Return the time that an estimate stands on."""
    points = operation.points
    return seconds_between(points[0].at, points[-1].at) if points else 0.0


def is_steady(operation: Operation) -> bool:
    """Return whether the work of the last half minute went on at much the same pace; a time too
    short to be divided counts as steady. A counter that pauses goes in steps, of which one may be
    missing in a part.
    """
    points = operation.points
    if len(points) <= _PARTS:
        return True
    first, last = points[0].at, points[-1].at
    length = (last - first) / _PARTS
    ends = [first + part * length for part in range(_PARTS + 1)]
    done = [_done_at(points, end) for end in ends]
    steps = [after - before for before, after in pairwise(done)]
    jumps = [later.done - earlier.done for earlier, later in pairwise(points)]
    grain = 0 if all(jumps) else max(jumps)
    return max(steps) <= _STEADY * min(steps) + grain


def _done_at(points: Sequence[Point], at: float) -> float:
    """Return the work that was done at a time between the first and the last point."""
    place = bisect_left(points, at, key=attrgetter("at"))
    later = points[min(place, len(points) - 1)]
    earlier = points[max(0, place - 1)]
    if later.at <= at or later.at == earlier.at:
        return later.done
    part = (at - earlier.at) / (later.at - earlier.at)
    return earlier.done + part * (later.done - earlier.done)


def stands_still(operation: Operation) -> bool:
    """Return whether a phase that has more to do has done nothing for half a minute."""
    work = measure(operation)
    if work is None or work.total is None or is_all_counted(operation):
        return False
    if work.unit in _COARSE:
        return False
    is_long = pace_seconds(operation) >= seconds_between(_SPACING, WINDOW)
    return is_long and operation.points[0].done == operation.points[-1].done


def is_all_counted(operation: Operation) -> bool:
    """Return whether a phase has reached its total; indexes other than B-trees sort and write
    after that without a counter.
    """
    work = measure(operation)
    return work is not None and work.total is not None and work.done >= work.total


def share_asleep(operation: Operation) -> float | None:
    """Return the share of the time, 0 to 1, that cost delay has made it sleep over the last half
    minute; None if the server does not measure that.
    """
    seconds = pace_seconds(operation)
    if seconds < _LEAST_SECONDS or not operation.points[-1].slept_ms:
        return None
    slept = operation.points[-1].slept_ms - operation.points[0].slept_ms
    return max(0.0, min(1.0, slept / 1000 / seconds))


# From sample to sample.


def followed(now: Operation, before: Operation | None, at: Instant) -> Operation:
    """Return an operation with what the samples before `at` have seen of it."""
    if before is not None and not before.goes_on_in(now):
        before = None
    seen = () if before is None else before.seen
    points = () if before is None else before.points
    phase = now.phase or ""
    if not seen or seen[-1].phase != phase:
        seen = (*seen, SeenPhase(phase, at, is_since_exact=bool(seen)))[-_PHASES_KEPT:]
        points = ()
    return now._replace(seen=seen, points=_points_with(points, _point(now, at)))


def _point(operation: Operation, at: Instant) -> Point:
    work = measure(operation)
    slept_ms = operation.counters.get("delay_time", 0)
    return Point(at, work.done if work else 0, slept_ms)


def _points_with(points: tuple[Point, ...], point: Point) -> tuple[Point, ...]:
    """Return the points of the last half minute with one more; only that one after a counter was
    set back.
    """
    if points and (points[-1].done > point.done or points[-1].at >= point.at):
        return (point,)
    kept = [each for each in points if each.at >= point.at - WINDOW]
    if len(kept) > 1 and kept[-1].at - kept[-2].at < _SPACING:
        kept.pop()
    return (*kept, point)
