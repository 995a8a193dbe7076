"""A timeline gives back what was sampled, whether it is in memory or in a file."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings

from pgtop.analysis.timeline import Ending, Timeline, may_contain
from pgtop.model.backend import BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from tests.analysis.timelines import STEPS, Step, samples_of, timelines


def is_same(one: Snapshot | None, other: Snapshot | None) -> bool:
    """Return whether both are equal, with equal idle groups."""
    if one is None or other is None:
        return one is other
    group = other.idle_group
    has_same_group = one.idle_group.backends == group.backends
    return has_same_group and replace(one, idle_group=group) == other


def instants(samples: Sequence[Snapshot]) -> set[Instant]:
    """Return the times of all samples, and those right before and after."""
    return {s.taken_at + step for s in samples for step in (-1, 0, 1)}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(STEPS)
def test_each_time_has_its_sample(steps: list[Step]) -> None:
    """The ring and the recording agree with the samples at, before and after any time."""
    samples = samples_of(steps)
    with timelines(samples) as both:
        for timeline in both:
            for instant in instants(samples):
                earlier = [s for s in samples if s.taken_at < instant]
                until = [s for s in samples if s.taken_at <= instant]
                later = [s for s in samples if s.taken_at > instant]
                assert is_same(timeline.at(instant), last(until))
                assert is_same(timeline.before(instant), last(earlier))
                assert is_same(timeline.after(instant), next(iter(later), None))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(STEPS)
def test_a_time_has_all_its_samples(steps: list[Step]) -> None:
    """Samples, numbers and events of the ring and of the recording are the same."""
    samples = samples_of(steps)
    first, end = samples[0].taken_at, samples[-1].taken_at
    with timelines(samples) as (ring, recording):
        for timeline in (ring, recording):
            assert (timeline.first_at, timeline.last_at) == (first, end)
            whole = timeline.between(first, end)
            assert all(map(is_same, whole, samples))
            assert len(list(timeline.between(first + 1, end - 1))) == len(
                [s for s in samples if first < s.taken_at < end]
            )
        numbers = list(ring.summaries(first, end))
        assert numbers == list(recording.summaries(first, end))
        assert ring.events() == tuple(recording.events())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(STEPS)
def test_a_session_ends_where_it_was_missed_first(steps: list[Step]) -> None:
    """The ring and the recording name the samples between which a session ended."""
    samples = samples_of(steps)
    with timelines(samples) as both:
        for number, sample in enumerate(samples):
            for backend in sample.backends:
                later = samples[number + 1 :]
                end = end_in(sample, later, backend.identity)
                for timeline in both:
                    assert end_by(timeline, backend.identity, sample) == end


def end_by(
    timeline: Timeline, backend_id: BackendId, sample: Snapshot
) -> Ending | None:
    return timeline.end_of(backend_id, sample.taken_at)


def end_in(
    last: Snapshot, later: Sequence[Snapshot], backend_id: BackendId
) -> Ending | None:
    """Return the end as each sample in its order shows it."""
    if backend_id.backend_start is None:
        return None
    for sample in later:
        is_later = sample.taken_at > last.taken_at
        if is_later and not may_contain(sample, backend_id):
            return Ending(last.taken_at, sample.taken_at)
        last = sample
    return None


def last(samples: Sequence[Snapshot]) -> Snapshot | None:
    return samples[-1] if samples else None
