"""The most sessions of each group that were in use at once over the last minute.

Counted in samples: sessions that came and went between two samples are not counted.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from pgtop.analysis.breakdown import NAMES, Dimension
from pgtop.analysis.client_names import ClientNames
from pgtop.model import EMPTY
from pgtop.model.alike import Fields
from pgtop.model.backend import IDLE, Backend
from pgtop.model.running import LatestResult, RunningCounts
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

WINDOW_SECONDS = 60
_SLICE = 5 * MICROSECONDS
_DIMENSIONS = tuple(each for each in Dimension if each is not Dimension.STATE)
_NAMES = Fields("usename", "datname", "application_name", "client_addr", "backend_type")
"""The fields that the names of the groups depend on."""

Group: TypeAlias = tuple[Dimension, str]
_Names: TypeAlias = tuple[str | None, ...]


class Slice(NamedTuple):
    """Five seconds of the window: the most sessions of each group in use at once."""

    start: Instant
    peaks: Mapping[Group, int] = EMPTY
    last: Mapping[Group, int] | None = None
    """The counts of the last sample, which are the same object while they do not change."""

    def with_counts(self, counts: Mapping[Group, int]) -> "Slice":
        """Return the slice after one more sample."""
        if counts is self.last:
            return self
        peaks = dict(self.peaks)
        for group, count in counts.items():
            if count > peaks.get(group, 0):
                peaks[group] = count
        return Slice(self.start, peaks, counts)


class RecentUse(NamedTuple):
    """The window of the last minute. It keeps nothing about groups without a busy session."""

    slices: tuple[Slice, ...] = ()
    """Oldest first."""
    since: Instant | None = None
    """The time of the first sample; of the first after a jump of the server's clock."""

    def observe(
        self, snapshot: Snapshot, counts: Mapping[Group, int] | None = None
    ) -> "RecentUse":
        """Return the window after one more sample; `counts` are its `in_use`, if they are known."""
        now = snapshot.taken_at
        if self.slices and now < self.slices[-1].start:
            return RecentUse().observe(snapshot, counts)
        start = now - now % _SLICE
        oldest = now - WINDOW_SECONDS * MICROSECONDS
        kept = [each for each in self.slices if each.start + _SLICE > oldest]
        is_open = bool(kept) and kept[-1].start == start
        last = kept.pop() if is_open else Slice(start)
        counts = in_use(snapshot) if counts is None else counts
        slices = (*kept, last.with_counts(counts))
        return RecentUse(slices, now if self.since is None else self.since)

    def most(self, dimension: Dimension, name: str) -> int:
        """Return the most sessions of a group that were in use at once."""
        group = (dimension, name)
        return max((each.peaks.get(group, 0) for each in self.slices), default=0)

    def seconds(self, now: Instant) -> float:
        """Return the length of the window; a dashboard that has just started has less to show."""
        if self.since is None:
            return 0.0
        return min(WINDOW_SECONDS, seconds_between(self.since, now))


def in_use(snapshot: Snapshot) -> Mapping[Group, int]:
    """Count the sessions of each group that are in a query or in a transaction."""
    names = ClientNames.of(snapshot)
    if names.pooled:
        busy = [b for b in snapshot.busy_clients if _names_in_use(b) is not None]
        return _by_group(_NAMES.sizes(names.named(busy)))
    sizes = _sizes.of(snapshot.ungrouped)
    return _groups.of(sizes, compute=lambda: _by_group(sizes))


def _names_in_use(backend: Backend) -> _Names | None:
    """Return the names of a session that is in a query or in a transaction; None of others."""
    if backend.state == IDLE or backend.hidden or not backend.is_client:
        return None
    names: _Names = _NAMES.values_of(backend)
    return names


_sizes = RunningCounts(_names_in_use)
_groups: LatestResult[Mapping[Group, int]] = LatestResult()


def _by_group(sizes: Mapping[_Names, int]) -> Mapping[Group, int]:
    """Return the sizes of the groups."""
    counts: dict[Group, int] = {}
    for names, size in sizes.items():
        for group in _groups_of(names):
            counts[group] = counts.get(group, 0) + size
    return counts


@lru_cache(maxsize=512)
def _groups_of(names: _Names) -> Sequence[Group]:
    """Return the groups of a session with these names, which few sessions differ in."""
    fields: dict[str, Any] = dict(zip(_NAMES.names, names, strict=True))
    example = Backend(pid=0)._replace(**fields)
    return [(dimension, NAMES[dimension](example)) for dimension in _DIMENSIONS]
