"""Wait profiles: what sessions wait for on average, from samples, with the error of sampling.

A sample counts the sessions at one instant, so the mean of the counts is the average number of
active sessions. The standard error comes from the differences between neighbouring samples, as is
usual for samples at regular times. For waits that are short against the interval it is the error
of independent samples; for long waits it is somewhat too large, and never too small. One step more
than was seen is counted: samples that are all alike prove only that nothing lasted an interval.
Wolter, Introduction to Variance Estimation, 2nd edition, chapter 8 (estimator v2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from operator import attrgetter
from typing import NamedTuple

from pgtop.model.backend import PARALLEL_WORKER, Backend
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.model.waits import WaitClass, WaitSample, event_name, wait_class

LOCAL = "local"
"""The client of sessions that came through a socket on the server itself."""


class SliceBy(StrEnum):
    """The property by which a profile is sliced."""

    CLASS = "class"
    EVENT = "event"
    QUERY = "query"
    ROLE = "role"
    APPLICATION = "application"
    DATABASE = "database"
    CLIENT = "client"


OF_WAITS = frozenset({SliceBy.CLASS, SliceBy.EVENT})
"""Slices that belong to one class each; `idle in transaction` is among them, without a share."""
_OF_THE_LEADER = frozenset({SliceBy.QUERY, SliceBy.APPLICATION, SliceBy.CLIENT})
"""What a parallel worker does not have itself, in some version or in all."""

Namer = Callable[[Backend], str]
SliceKey = tuple[str, WaitClass]


def _query(backend: Backend) -> str:
    return backend.query or ""


def _class_name(backend: Backend) -> str:
    return wait_class(backend) or ""


def _application(backend: Backend) -> str:
    return backend.application_name or ""


_NAMES: Mapping[SliceBy, Namer] = {
    SliceBy.CLASS: _class_name,
    SliceBy.EVENT: event_name,
    SliceBy.ROLE: lambda backend: backend.usename or "",
    SliceBy.APPLICATION: _application,
    SliceBy.DATABASE: lambda backend: backend.datname or "",
    SliceBy.CLIENT: lambda backend: backend.client_addr or LOCAL,
}


class Tally(NamedTuple):
    """One sample in numbers: how many sessions each slice had, class by class."""

    at: Instant
    counts: Mapping[SliceKey, int]
    classes: Mapping[WaitClass, int]
    """The sessions of each class."""

    @property
    def load(self) -> int:
        """The sessions at work."""
        idle = self.classes.get(WaitClass.IDLE_IN_TRANSACTION, 0)
        return sum(self.classes.values()) - idle

    @property
    def by_class(self) -> "Tally":
        """The same sample, sliced by class."""
        named = {(kind.value, kind): count for kind, count in self.classes.items()}
        return self._replace(counts=named)


def tally(
    at: Instant,
    backends: Sequence[Backend],
    by: SliceBy,
    own_pid: int = 0,
    query_name: Namer = _query,
) -> Tally:
    """Count the sessions of each slice; `own_pid` is pgtop's own, which does not count.

    A parallel worker counts under the name of its leader. `query_name` makes queries alike that
    differ only in their literals.
    """
    name_of = _NAMES.get(by, query_name)
    counts: dict[SliceKey, int] = {}
    classes: dict[WaitClass, int] = {}
    leaders: Mapping[int, Backend] | None = None
    for backend in backends:
        kind = wait_class(backend)
        if kind is None or backend.pid == own_pid:
            continue
        named = backend
        if backend.backend_type == PARALLEL_WORKER and by in _OF_THE_LEADER:
            leaders = leaders or {each.pid: each for each in backends}
            named = leaders.get(backend.leader_pid or 0, backend)
        key = name_of(named), kind
        counts[key] = counts.get(key, 0) + 1
        classes[kind] = classes.get(kind, 0) + 1
    return Tally(at, _largest(counts), classes)


_MOST_SLICES = 100
"""Slices of a sample that keep their name: an application may put a number into each query."""
REST = "(others)"


def _largest(counts: dict[SliceKey, int]) -> dict[SliceKey, int]:
    """Return the counts, with those of the smallest slices under one name if there are many."""
    if len(counts) <= _MOST_SLICES:
        return counts
    keys = sorted(counts, key=counts.__getitem__, reverse=True)
    kept = {key: counts[key] for key in keys[:_MOST_SLICES]}
    for name, kind in keys[_MOST_SLICES:]:
        rest = REST, kind
        kept[rest] = kept.get(rest, 0) + counts[name, kind]
    return kept


class WaitSlice(NamedTuple):
    """The average sessions of one name."""

    name: str
    wait_class: WaitClass
    """Its class; the most frequent one, if it has several."""
    aas: float
    """Average active sessions: sessions at work, or idle in a transaction, on average."""
    error: float
    """One standard error of `aas`."""
    share: float
    """The part of all load, 0 to 1; 0 for what is no load."""
    share_error: float
    now: int = 0
    """The sessions of the newest sample."""


class Profile(NamedTuple):
    """The averages over some samples, the largest slice first."""

    by: SliceBy
    seconds: float
    samples: int
    aas: float
    error: float
    slices: tuple[WaitSlice, ...]


def profile(
    tallies: Sequence[Tally],
    by: SliceBy,
    seconds: float | None = None,
) -> Profile:
    """Return the profile of samples in the order of time; without `seconds`, the time from the
    first to the last.
    """
    if seconds is None:
        ends = (tallies[0].at, tallies[-1].at) if tallies else (0, 0)
        seconds = seconds_between(*ends)
    load = [each.load for each in tallies]
    counts = _series(tallies, by)
    slices = [_slice(name, series, load) for name, series in counts.items()]
    slices.sort(key=attrgetter("name"))
    slices.sort(key=attrgetter("aas"), reverse=True)
    return Profile(
        by,
        seconds,
        len(tallies),
        mean(load),
        standard_error(load),
        tuple(slices),
    )


def with_now(whole: Profile, newest: Tally) -> Profile:
    """Return the profile with the sessions that each slice has in the newest sample."""
    counts: dict[str, int] = {}
    for (name, kind), count in newest.counts.items():
        if kind.is_load or whole.by in OF_WAITS:
            counts[name] = counts.get(name, 0) + count
    slices = [each._replace(now=counts.get(each.name, 0)) for each in whole.slices]
    return whole._replace(slices=tuple(slices))


class _Series(NamedTuple):
    """The counts of one slice, sample by sample, and its sum in each class."""

    counts: list[int]
    classes: dict[WaitClass, int]


def _series(tallies: Sequence[Tally], by: SliceBy) -> Mapping[str, _Series]:
    """Return the counts of each slice; what is no load is in no slice but those of waits."""
    result: dict[str, _Series] = {}
    size = len(tallies)
    for place, each in enumerate(tallies):
        for (name, kind), count in each.counts.items():
            if not kind.is_load and by not in OF_WAITS:
                continue
            series = result.get(name)
            if series is None:
                series = result[name] = _Series([0] * size, {})
            series.counts[place] += count
            series.classes[kind] = series.classes.get(kind, 0) + count
    return result


def _slice(name: str, series: _Series, load: Sequence[int]) -> WaitSlice:
    counts, classes = series
    kind = max(classes, key=classes.__getitem__)
    aas = mean(counts)
    total = mean(load)
    share = share_error = 0.0
    if kind.is_load and total:
        share = aas / total
        rest = [
            count - share * all_at_work
            for count, all_at_work in zip(counts, load, strict=True)
        ]
        share_error = min(1.0, standard_error(rest) / total)
    return WaitSlice(
        name,
        kind,
        aas,
        standard_error(counts),
        share,
        share_error,
        counts[-1],
    )


def mean(counts: Sequence[float]) -> float:
    """Return the mean; 0 without samples."""
    return sum(counts) / len(counts) if counts else 0.0


def standard_error(counts: Sequence[float]) -> float:
    """Return one standard error of the mean of samples in the order of time."""
    size = len(counts)
    steps = 1.0
    for before, after in pairwise(counts):
        steps += (after - before) ** 2
    return sqrt(steps / (2 * size * max(1, size - 1))) if size else 0.0


# Buckets of a chart.

_LATE = 2.5
"""Intervals until the next sample that are no gap yet: one sample may be late, or fail."""

Heights = Mapping[WaitClass, float]
"""The average sessions of each class in one bucket."""


def buckets(
    tallies: Sequence[Tally],
    width: int,
    count: int,
    end: Instant,
) -> tuple[Heights | None, ...]:
    """Return the last `count` full buckets of `width` microseconds at `end`, oldest first; None
    for a time without samples.

    Buckets begin at whole steps of the clock, so each is drawn once and never changes.
    """
    last_step = end // width
    by_step: dict[int, list[Tally]] = {}
    for each in tallies:
        by_step.setdefault(each.at // width, []).append(each)
    _fill_short_steps(by_step, tallies, width)
    steps = range(last_step - count, last_step)
    return tuple([_heights(by_step.get(step)) for step in steps])


def _fill_short_steps(
    by_step: dict[int, list[Tally]],
    tallies: Sequence[Tally],
    width: int,
) -> None:
    """Have a sample stand for the steps between it and the next, unless there is a gap."""
    distances = sorted([late.at - early.at for early, late in pairwise(tallies)])
    if not distances:
        return
    usual = distances[len(distances) // 2]
    longest = _LATE * max(usual, 1)
    for early, late in pairwise(tallies):
        if late.at - early.at <= longest:
            for step in range(early.at // width + 1, late.at // width):
                by_step[step] = [early]


def _heights(samples: Sequence[Tally] | None) -> Heights | None:
    if samples is None:
        return None
    sums: dict[WaitClass, float] = {}
    for each in samples:
        for kind, count in each.classes.items():
            sums[kind] = sums.get(kind, 0) + count / len(samples)
    return sums


# One session.


def newest_statement(samples: Iterable[WaitSample], pid: int) -> list[WaitSample]:
    """Return the samples of the newest statement of one session, with the transaction that stays
    open behind it. Samples in which the session does nothing are none of a statement.
    """
    kept: list[WaitSample] = []
    last: tuple[Instant | None, ...] = ()
    for sample in samples:
        session = next((each for each in sample.backends if each.pid == pid), None)
        if session is None or wait_class(session) is None:
            continue
        statement = session.backend_start, session.query_start
        if statement != last:
            kept = []
        last = statement
        kept.append(sample)
    return kept
