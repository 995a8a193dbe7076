"""The way through a timeline, and the state of an instant: that which the screens had then."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.timeline import EventKind, TimelineEvent
from pgtop.config.settings import Settings
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.monitor.poller import Sampled
from pgtop.monitor.rewind import Rewind
from pgtop.monitor.state import State
from tests import scenes
from tests.scenes.incident import incident
from tests.timelines import ListTimeline

_SCENE = incident()
_START = _SCENE.taken_at
_SETTINGS = Settings()


def at_second(second: float, scene: Snapshot = _SCENE) -> Snapshot:
    return replace(scene, taken_at=_START + int(second * MICROSECONDS))


def instant(second: float) -> Instant:
    return _START + int(second * MICROSECONDS)


def rewind_on(timeline: ListTimeline, second: float) -> Rewind:
    rewind = Rewind(timeline, _SETTINGS, 1.0)
    assert rewind.go_to(instant(second))
    return rewind


def place_of(rewind: Rewind) -> tuple[float, str]:
    """Return the second of the sample, and the reason of the gap behind it."""
    place = rewind.place
    assert place is not None
    gap = place.gap.reason if place.gap else ""
    return (place.at - _START) / MICROSECONDS, gap


GAP = Gap(instant(3), instant(8), "server away")
WITH_GAP = ListTimeline([at_second(s) for s in (0, 1, 2, 3, 8, 9, 10)], [GAP])


def test_steps_lead_over_samples_and_gaps_in_both_directions() -> None:
    rewind = rewind_on(WITH_GAP, 10)
    back = []
    while rewind.step(-1):
        back.append(place_of(rewind))
    gap = (3.0, "server away")
    assert back == [(9, ""), (8, ""), gap, (3, ""), (2, ""), (1, ""), (0, "")]
    forward = []
    while rewind.step(1):
        forward.append(place_of(rewind))
    assert forward == [(1, ""), (2, ""), (3, ""), gap, (8, ""), (9, ""), (10, "")]


@pytest.mark.parametrize(
    ("second", "place"),
    [
        (-5, (0, "")),
        (1.5, (1, "")),
        (3, (3, "")),
        (5, (3, "server away")),
        (8, (8, "")),
        (99, (10, "")),
    ],
)
def test_a_time_leads_to_the_sample_before_it_or_to_its_gap(
    second: float, place: tuple[float, str]
) -> None:
    rewind = Rewind(WITH_GAP, _SETTINGS, 1.0)
    rewind.go_to(instant(second))
    assert place_of(rewind) == place


def test_a_skip_never_stays_where_it_was() -> None:
    """Samples may be further apart than the time to skip, and a gap longer."""
    rewind = rewind_on(WITH_GAP, 0)
    places = []
    while rewind.skip(0.5):
        places.append(place_of(rewind))
    gap = (3.0, "server away")
    assert places == [(1, ""), (2, ""), (3, ""), gap, (8, ""), (9, ""), (10, "")]


def test_a_gap_without_an_end_is_the_last_place() -> None:
    lost = Gap(instant(1), None, "server away")
    rewind = rewind_on(ListTimeline([at_second(0), at_second(1)], [lost]), 1)
    assert rewind.step(1)
    assert place_of(rewind) == (1, "server away")
    assert not rewind.step(1)
    state = rewind.state(None)
    assert state is not None
    assert state.stale


def test_events_are_gone_to_one_by_one() -> None:
    events = [
        TimelineEvent(instant(second), EventKind.ROOT_APPEARED, "a root")
        for second in (2, 5)
    ]
    timeline = ListTimeline([at_second(s) for s in range(10)], events_noted=events)
    rewind = rewind_on(timeline, 9)
    moves = [rewind.to_event(-1), rewind.to_event(-1), rewind.to_event(-1)]
    assert moves == [True, True, False]
    assert place_of(rewind) == (2, "")
    assert rewind.to_event(1)
    assert place_of(rewind) == (5, "")


def test_a_timeline_without_samples_has_no_place() -> None:
    rewind = Rewind(ListTimeline([]), _SETTINGS, 1.0)
    assert not rewind.go_to(0)
    assert not rewind.step(-1)
    assert rewind.state(None) is None


def histories() -> st.SearchStrategy[list[Snapshot]]:
    """Build a minute of samples: sessions come and go, and so do the locks."""
    kinds = st.sampled_from(
        [_SCENE, scenes.busy(), scenes.calm(), scenes.full(), scenes.standstill()]
    )
    steps = st.tuples(
        kinds,
        st.integers(200_000, 5 * MICROSECONDS),
        st.integers(0, 1 << 12),
    )
    return st.lists(steps, min_size=1, max_size=14).map(_history)


def _history(steps: Sequence[tuple[Snapshot, int, int]]) -> list[Snapshot]:
    """Return the scenes at their times; the bits of a number leave sessions out."""
    now = _START
    history = []
    for scene, pause, bits in steps:
        now += pause
        kept = [
            backend
            for number, backend in enumerate(scene.ungrouped)
            if not bits >> number % 12 & 1
        ]
        history.append(replace(scene, taken_at=now, ungrouped=tuple(kept)))
    return history


def live_states(history: Sequence[Snapshot]) -> list[State]:
    """Return the states that a dashboard has had while these samples came."""
    states = [State.first(history[0], _SETTINGS)]
    for snapshot in history[1:]:
        event = Sampled(snapshot, 0.0, _SETTINGS.interval)
        states.append(states[-1].after(event, _SETTINGS, _SETTINGS.interval))
    return states


@settings(max_examples=30, deadline=None)
@given(histories())
def test_a_replayed_state_is_the_live_one(history: list[Snapshot]) -> None:
    """The state that every screen is drawn from is equal, so every screen is."""
    rewind = Rewind(ListTimeline(history), _SETTINGS, _SETTINGS.interval)
    for live, snapshot in zip(live_states(history), history, strict=True):
        rewind.go_to(snapshot.taken_at)
        replayed = rewind.state(None)
        assert replayed is not None
        assert replayed.derived.snapshot is live.derived.snapshot
        assert replayed.derived.blocks == live.derived.blocks
        assert replayed.derived.forest.nodes == live.derived.forest.nodes
        same = replayed._replace(derived=live.derived, past=None)
        assert same == live
