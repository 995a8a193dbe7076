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
from typing import Any, NamedTuple

from pgtop.model.backend import LOCAL, PARALLEL_WORKER, Backend
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.model.waits import WaitClass, WaitSample, event_name, wait_class


class SliceBy(StrEnum):
    """The property by which a profile is sliced."""

    CLASS = "class"
    EVENT = "event"
    QUERY = "query"
    ROLE = "role"
    APPLICATION = "application"
    DATABASE = "database"
    CLIENT = "client"


WAIT_SLICES = frozenset({SliceBy.CLASS, SliceBy.EVENT})
"""Properties whose slices have one class each; `idle in transaction` is one, without a share."""
_LEADER_SLICES = frozenset({SliceBy.QUERY, SliceBy.APPLICATION, SliceBy.CLIENT})
"""Properties that a parallel worker lacks, in some version or in all: its leader's count."""

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
        if backend.backend_type == PARALLEL_WORKER and by in _LEADER_SLICES:
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
    sums = ProfileSums(by)
    for each in tallies:
        sums.add(each)
    for before, after in pairwise(tallies):
        sums.join(before, after)
    if seconds is None:
        ends = (tallies[0].at, tallies[-1].at) if tallies else (0, 0)
        seconds = seconds_between(*ends)
    return sums.profile(seconds)


def with_now(whole: Profile, newest: Tally) -> Profile:
    """Return the profile with the sessions that each slice has in the newest sample."""
    counts: dict[str, int] = {}
    for (name, kind), count in newest.counts.items():
        if kind.is_load or whole.by in WAIT_SLICES:
            counts[name] = counts.get(name, 0) + count
    slices = [each._replace(now=counts.get(each.name, 0)) for each in whole.slices]
    return whole._replace(slices=tuple(slices))


class ProfileSums:
    """Sums over neighbouring samples, from which their profile follows.

    A window over time adds samples at one end and drops them at the other, whatever its length. All
    sums are whole numbers, so what is dropped leaves nothing behind.
    """

    def __init__(self, by: SliceBy) -> None:
        self._by = by
        self._samples = 0
        self._counts: dict[SliceKey, int] = {}
        self._load = 0
        self._load_steps = 0
        """The sum of the squared differences of the load between neighbours."""
        self._steps: dict[str, int] = {}
        """The same for each slice."""
        self._common_steps: dict[str, int] = {}
        """The sums of the products of the differences of each slice and of the load."""

    def add(self, sample: Tally) -> None:
        """Add a sample, which stands alone until it is joined."""
        self._count(sample, 1)

    def drop(self, sample: Tally) -> None:
        """Drop a sample that stands alone."""
        self._count(sample, -1)

    def join(self, before: Tally, after: Tally) -> None:
        """Count the differences between two neighbours."""
        self._step(before, after, 1)

    def separate(self, before: Tally, after: Tally) -> None:
        """Drop the differences between two neighbours."""
        self._step(before, after, -1)

    def _count(self, sample: Tally, sign: int) -> None:
        self._samples += sign
        self._load += sign * sample.load
        for key, count in self._sliced(sample):
            _add(self._counts, key, sign * count)

    def _step(self, before: Tally, after: Tally, sign: int) -> None:
        load_step = after.load - before.load
        self._load_steps += sign * load_step**2
        steps: dict[str, int] = {}
        for (name, _), count in self._sliced(after):
            _add(steps, name, count)
        for (name, _), count in self._sliced(before):
            _add(steps, name, -count)
        for name, step in steps.items():
            _add(self._steps, name, sign * step**2)
            _add(self._common_steps, name, sign * step * load_step)

    def _sliced(self, sample: Tally) -> Iterable[tuple[SliceKey, int]]:
        """Return the counts; what is no load is in no slice but those of waits."""
        counts = sample.counts.items()
        if self._by in WAIT_SLICES:
            return counts
        return [(key, count) for key, count in counts if key[1].is_load]

    def profile(self, seconds: float) -> Profile:
        """Return the profile of the samples, which took so many seconds."""
        classes: dict[str, dict[WaitClass, int]] = {}
        for (name, kind), count in self._counts.items():
            classes.setdefault(name, {})[kind] = count
        slices = [self._slice(name, counts) for name, counts in classes.items()]
        slices.sort(key=attrgetter("name"))
        slices.sort(key=attrgetter("aas"), reverse=True)
        return Profile(
            self._by,
            seconds,
            self._samples,
            self._load / max(1, self._samples),
            standard_error(self._load_steps, self._samples),
            tuple(slices),
        )

    def _slice(self, name: str, classes: Mapping[WaitClass, int]) -> WaitSlice:
        kind = max(classes, key=classes.__getitem__)
        sum_of_counts = sum(classes.values())
        steps = self._steps.get(name, 0)
        share = share_error = 0.0
        if kind.is_load and self._load:
            share = sum_of_counts / self._load
            # the differences of what the slice has beyond its share of the load
            rest = steps - 2 * share * self._common_steps.get(name, 0)
            rest += share**2 * self._load_steps
            load = self._load / self._samples
            share_error = min(1.0, standard_error(rest, self._samples) / load)
        return WaitSlice(
            name,
            kind,
            sum_of_counts / self._samples,
            standard_error(steps, self._samples),
            share,
            share_error,
        )


def _add(sums: dict[Any, int], key: object, number: int) -> None:
    """Add to a sum, and forget one that is 0."""
    total = sums.get(key, 0) + number
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)


def standard_error(steps: float, samples: int) -> float:
    """Return one standard error of the mean of samples in the order of time, given the sum of the
    squared differences between neighbours.
    """
    if not samples:
        return 0.0
    return sqrt((max(0.0, steps) + 1) / (2 * samples * max(1, samples - 1)))


# One session.


class StatementWaits:
    """The profile of the newest statement of one session, sample by sample.

    The transaction that stays open behind a statement belongs to it. Samples in which the session
    does nothing belong to no statement.
    """

    def __init__(
        self,
        pid: int,
        by: SliceBy = SliceBy.EVENT,
        query_name: Namer = _query,
    ) -> None:
        self._pid = pid
        self._by = by
        self._query_name = query_name
        self._statement: tuple[Instant | None, ...] = ()
        self._sums = ProfileSums(by)
        self._first: Tally | None = None
        self._last: Tally | None = None

    def add(self, sample: WaitSample) -> None:
        """Add a sample of the session and its parallel workers."""
        sessions = (each for each in sample.backends if each.pid == self._pid)
        session = next(sessions, None)
        if session is None or wait_class(session) is None:
            return
        statement = session.backend_start, session.query_start
        if statement != self._statement:
            self._statement = statement
            self._sums = ProfileSums(self._by)
            self._first = self._last = None
        counted = tally(
            sample.taken_at,
            sample.backends,
            self._by,
            query_name=self._query_name,
        )
        if self._last is not None:
            self._sums.join(self._last, counted)
        self._sums.add(counted)
        self._first = self._first or counted
        self._last = counted

    def profile(self, part: float) -> Profile:
        """Return the profile; a sample was taken in each `part` of a second."""
        seconds = 0.0
        if self._first is not None and self._last is not None:
            seconds = seconds_between(self._first.at, self._last.at) + part
        return self._sums.profile(seconds)
