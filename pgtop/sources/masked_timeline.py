"""A timeline whose queries have no literals, for shared screens."""

from collections.abc import Iterator, Sequence

from pgtop.analysis.sample_summary import SampleSummary
from pgtop.analysis.timeline import Ending, Timeline, TimelineEvent
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.sources.redacting import masked

_KEPT = 200
"""Masked samples that are kept: more than a step through the past reads."""


class MaskedTimeline:
    """`analysis.timeline.Timeline` around another."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._masked: dict[Instant, tuple[Snapshot, Snapshot]] = {}

    @property
    def first_at(self) -> Instant | None:
        """See `Timeline`."""
        return self._timeline.first_at

    @property
    def last_at(self) -> Instant | None:
        """See `Timeline`."""
        return self._timeline.last_at

    @property
    def shortage(self) -> str:
        """See `Timeline`."""
        return self._timeline.shortage

    def at(self, instant: Instant) -> Snapshot | None:
        """See `Timeline`."""
        return self._mask(self._timeline.at(instant))

    def after(self, instant: Instant) -> Snapshot | None:
        """See `Timeline`."""
        return self._mask(self._timeline.after(instant))

    def before(self, instant: Instant) -> Snapshot | None:
        """See `Timeline`."""
        return self._mask(self._timeline.before(instant))

    def between(self, first: Instant, last: Instant) -> Iterator[Snapshot]:
        """See `Timeline`."""
        for sample in self._timeline.between(first, last):
            yield self._masked_of(sample)

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        """See `Timeline`."""
        return self._timeline.summaries(first, last)

    def gaps(self) -> Sequence[Gap]:
        """See `Timeline`."""
        return self._timeline.gaps()

    def events(self) -> Sequence[TimelineEvent]:
        """See `Timeline`."""
        return self._timeline.events()

    def end_of(self, backend_id: BackendId, after: Instant) -> Ending | None:
        """See `Timeline`."""
        return self._timeline.end_of(backend_id, after)

    def _mask(self, sample: Snapshot | None) -> Snapshot | None:
        return None if sample is None else self._masked_of(sample)

    def _masked_of(self, sample: Snapshot) -> Snapshot:
        """Return the same masked sample for the same one, as everything about it is cached."""
        kept = self._masked.get(sample.taken_at)
        if kept is None or kept[0] is not sample:
            kept = (sample, masked(sample))
            while len(self._masked) >= _KEPT:
                del self._masked[next(iter(self._masked))]
            self._masked[sample.taken_at] = kept
        return kept[1]
