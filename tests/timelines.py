"""Timelines of the tests' own: samples in a list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.sample_summary import SampleSummary, summary_of
from pgtop.analysis.timeline import Ending, TimelineEvent, ending, may_contain
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.monitor.feed import Subscription
from pgtop.monitor.poller import Event


@dataclass
class ListTimeline:
    """`analysis.timeline.Timeline` of samples in the order of their times."""

    samples: Sequence[Snapshot]
    gaps_noted: Sequence[Gap] = ()
    events_noted: Sequence[TimelineEvent] = ()
    by: dict[BackendId, str] = field(default_factory=dict)
    shortage: str = ""
    _summaries: dict[Instant, SampleSummary] = field(default_factory=dict)

    @property
    def first_at(self) -> Instant | None:
        return self.samples[0].taken_at if self.samples else None

    @property
    def last_at(self) -> Instant | None:
        return self.samples[-1].taken_at if self.samples else None

    def add(self, event: Event) -> None:
        """Keep nothing of what a monitor samples: the list is the memory."""

    async def run(self, events: Subscription) -> None:
        async for event in events:
            self.add(event)

    def at(self, instant: Instant) -> Snapshot | None:
        earlier = [each for each in self.samples if each.taken_at <= instant]
        return earlier[-1] if earlier else None

    def after(self, instant: Instant) -> Snapshot | None:
        return next((s for s in self.samples if s.taken_at > instant), None)

    def before(self, instant: Instant) -> Snapshot | None:
        return self.at(instant - 1)

    def between(self, first: Instant, last: Instant) -> Iterator[Snapshot]:
        for sample in self.samples:
            if first <= sample.taken_at <= last:
                yield sample

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        for sample in self.between(first, last):
            at = sample.taken_at
            if at not in self._summaries:
                self._summaries[at] = summary_of(DerivedSnapshot.of(sample))
            yield self._summaries[at]

    def gaps(self) -> Sequence[Gap]:
        return self.gaps_noted

    def events(self) -> Sequence[TimelineEvent]:
        return self.events_noted

    def end_of(self, backend_id: BackendId, after: Instant) -> Ending | None:
        last = self.at(after)
        for sample in self.between(after + 1, 1 << 62):
            if last is not None and not may_contain(sample, backend_id):
                return ending(backend_id, last, sample, self.by.get(backend_id, ""))
            last = sample
        return None
