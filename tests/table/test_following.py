"""One key goes from a waiter to its blocker, from a root to its first waiter, and back."""

import pytest

from pgtop.analysis.age_limits import AgeLimits
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE
from pgtop.table.filter import Filter
from pgtop.table.following import Trail, step_from, widened
from pgtop.table.options import IdleRows, TableOptions
from pgtop.table.sessions import arrange_sessions
from tests import scenes

QUEUE = DerivedSnapshot.of(scenes.incident())


@pytest.mark.parametrize(
    ("start", "way"),
    [
        (14_137, [14_112, 13_323, 14_137, 14_112]),
        (13_336, [13_326, 13_323, 13_336]),
        (13_323, [13_326, 13_323, 13_326]),
        (13_319, [13_323]),
        (13_146, [13_323, 13_326]),
    ],
)
def test_the_way_leads_to_the_root_and_back(start: int, way: list[int]) -> None:
    """The way back ends where the way began; a row that waits for nothing leads to the worst root,
    as does a root whose waiters stand under another.
    """
    trail = Trail()
    pid = start
    places = []
    for _ in way:
        step = step_from(QUEUE.snapshot.at(pid), QUEUE, trail)
        assert step is not None
        pid, trail = step
        places.append(pid)
    assert places == way


def test_without_a_queue_the_way_leads_to_the_longest_query() -> None:
    """Only to one that has run for longer than the user's limit."""
    scene = scenes.calm_night()
    idle = scene.backends[-1]
    limits = AgeLimits(statement=scenes.HOUR)
    step = step_from(idle, DerivedSnapshot.of(scene, limits=limits), Trail())
    assert step is not None
    assert step.key == 13_432


def test_without_waiters_there_is_nowhere_to_go() -> None:
    """Neither from a session nor from nothing."""
    limits = AgeLimits(statement=scenes.DAY)
    calm = DerivedSnapshot.of(scenes.calm_night(), limits=limits)
    assert step_from(None, calm, Trail()) is None
    assert step_from(calm.snapshot.backends[0], calm, Trail()) is None


def test_a_blocker_may_be_a_prepared_transaction() -> None:
    """A prepared transaction has a key, and no pid."""
    derived = DerivedSnapshot.of(scenes.standstill())
    step = step_from(derived.snapshot.at(49_001), derived, Trail())
    assert step is not None
    assert step.key <= 0


@pytest.mark.parametrize(
    ("pid", "options"),
    [
        (13_323, TableOptions(filter=Filter("user:web"))),
        (13_146, TableOptions(idle=IdleRows.HIDDEN)),
        (13_146, TableOptions(idle=IdleRows.FOLDED)),
        (13_323, TableOptions(filter=Filter("user:worker"))),
    ],
)
def test_a_hidden_session_is_shown_by_the_fewest_changes(
    pid: int, options: TableOptions
) -> None:
    """A filter that matches stays."""
    backend = QUEUE.snapshot.at(pid)
    assert backend is not None
    wider = widened(options, backend, QUEUE)
    rows = arrange_sessions(QUEUE, wider).rows
    assert backend in rows
    is_idle = backend.state == IDLE
    assert (wider.filter == options.filter) == (
        pid != 13_323 or "worker" in str(options.filter)
    )
    assert (wider.idle is IdleRows.ALL) == (is_idle or options.idle is IdleRows.ALL)
