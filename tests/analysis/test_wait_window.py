"""The window of the waits view: what was before is read once, and its sums stay exact."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from pgtop.analysis.timeline import Timeline
from pgtop.analysis.wait_profile import SliceBy, Tally, profile, tally
from pgtop.analysis.wait_window import MINUTE, WaitWindow
from pgtop.config.settings import Settings
from pgtop.model.backend import ACTIVE, CLIENT_BACKEND, IDLE_IN_TRANSACTION, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor.history import History
from pgtop.monitor.poller import Sampled
from tests.scenes import calm

EVENTS = (None, "Lock", "IO", "LWLock")


def samples(count: int) -> Iterator[Snapshot]:
    """Yield samples of one a second with sessions that do anything."""
    random = Random(15)
    first = calm()
    for number in range(count):
        sessions = [
            Backend(
                pid,
                1,
                wait_event_type=random.choice(EVENTS),
                wait_event="x",
                state=random.choice((ACTIVE, IDLE_IN_TRANSACTION)),
                usename=random.choice("ab"),
                backend_type=CLIENT_BACKEND,
            )
            for pid in range(1000, 1000 + random.randrange(9))
        ]
        at = first.taken_at + number * MICROSECONDS
        yield replace(first, taken_at=at, ungrouped=tuple(sessions))


def window_by(by: SliceBy) -> tuple[WaitWindow, list[Snapshot]]:
    """Return an empty window, and the list of the samples that it counts."""
    counted: list[Snapshot] = []

    def count(snapshot: Snapshot) -> Tally:
        counted.append(snapshot)
        return tally(snapshot.taken_at, snapshot.busy, by)

    return WaitWindow(by, count), counted


def history_of(snapshots: list[Snapshot]) -> Timeline:
    history = History(Settings().history)
    for snapshot in snapshots:
        history.add(Sampled(snapshot, 0.0, 1.0))
    return history


def test_the_sums_of_a_moving_window_are_those_of_its_samples() -> None:
    """The profile is that of the samples inside, after any were added and dropped at both ends."""
    snapshots = list(samples(300))
    history = history_of(snapshots)
    for by in (SliceBy.EVENT, SliceBy.ROLE):
        window, counted = window_by(by)
        for snapshot in snapshots[250:]:
            window.move_to(snapshot, history, 2 * MINUTE)
        while window.read_older(history, 2 * MINUTE):
            pass
        assert [each.at for each in window.tallies] == [
            snapshot.taken_at for snapshot in snapshots[-121:]
        ]
        assert window.profile == profile(tuple(window.tallies), by)
        by_class = [each.by_class for each in window.tallies]
        assert window.class_profile == profile(by_class, SliceBy.CLASS)
        assert len(counted) == 121


def test_a_jump_into_the_past_begins_a_new_window() -> None:
    snapshots = list(samples(200))
    history = history_of(snapshots)
    window, _ = window_by(SliceBy.EVENT)
    window.move_to(snapshots[-1], history, MINUTE)
    window.move_to(snapshots[100], history, MINUTE)
    assert window.last is not None
    assert window.last.at == snapshots[100].taken_at
    while window.read_older(history, MINUTE):
        pass
    assert len(window.tallies) == 61


def test_samples_that_a_slow_screen_missed_are_counted() -> None:
    snapshots = list(samples(60))
    history = history_of(snapshots)
    window, _ = window_by(SliceBy.EVENT)
    window.move_to(snapshots[10], history, MINUTE)
    window.move_to(snapshots[40], history, MINUTE)
    assert len(window.tallies) == 31


def test_without_a_timeline_the_window_grows_from_now_on() -> None:
    snapshots = list(samples(5))
    window, _ = window_by(SliceBy.EVENT)
    for snapshot in snapshots:
        window.move_to(snapshot, None, MINUTE)
        assert not window.read_older(None, MINUTE)
    assert len(window.tallies) == 5
