"""Counts of backends that are carried on from snapshot to snapshot."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.backend import CLIENT_READ, IDLE, Backend
from pgtop.model.locks import LockState
from pgtop.model.running import RunningCounts, changes_between
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import Snapshot

SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))
BACKENDS = [
    Backend(pid, state=state, application_name=name)
    for pid in range(6)
    for state, name in (("active", "web"), ("idle", "web"), ("idle", None))
]
BACKENDS += [
    each._replace(wait_event="ClientRead", backend_type="client backend")
    for each in BACKENDS
]
BACKENDS += [each._replace(blocked_by=(each.pid + 1,)) for each in BACKENDS[:4]]
SNAPSHOTS = st.lists(
    st.lists(st.sampled_from(BACKENDS), max_size=30).map(tuple), max_size=6
)


def key_of(backend: Backend) -> tuple[str | None, str] | None:
    name = backend.application_name
    return None if name is None else (backend.state, name)


@given(SNAPSHOTS)
def test_running_counts_are_those_made_afresh(
    snapshots: list[tuple[Backend, ...]],
) -> None:
    """The counts of each snapshot are those of all its backends, however many are the same objects
    as before and wherever they are.
    """
    running = RunningCounts(key_of)
    before: object = None
    for backends in snapshots:
        counts = running.of(backends)
        afresh = Counter(filter(None, map(key_of, backends)))
        assert counts == afresh
        assert (counts is before) or counts != before
        before = counts


@given(*[st.lists(st.sampled_from(BACKENDS), max_size=30).map(tuple)] * 2)
def test_changes_lead_from_one_snapshot_to_the_next(
    before: tuple[Backend, ...], now: tuple[Backend, ...]
) -> None:
    """The backends without those that were removed, and with those that were added, are those of
    the next snapshot.
    """
    changes = changes_between(before, now)
    result = Counter(map(id, before))
    result.subtract(map(id, changes.removed))
    result.update(map(id, changes.added))
    assert +result == Counter(map(id, now))


@given(SNAPSHOTS)
def test_the_parts_of_a_snapshot_are_those_of_its_backends(
    snapshots: list[tuple[Backend, ...]],
) -> None:
    """A snapshot finds its busy backends, and those that wait, whichever snapshots came before."""
    for ungrouped in snapshots:
        snapshot = Snapshot(1, SERVER, ungrouped)
        for now in (snapshot, replace(snapshot, locks=LockState(note="slow"))):
            busy = [each for each in ungrouped if not is_at_rest(each)]
            assert now.busy == tuple(busy)
            assert now.waiting == tuple([each for each in busy if each.blocked_by])
            assert {now.at(each.pid) for each in ungrouped} <= set(ungrouped)


def is_at_rest(backend: Backend) -> bool:
    return (backend.state, backend.wait_event) == (IDLE, CLIENT_READ)
