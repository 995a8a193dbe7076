"""Columns do not jump: they grow at once, and shrink only after a while."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.fitting import layout
from pgtop.table.layout import width_of
from pgtop.table.options import TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS, column
from pgtop.table.session_contents import contents
from pgtop.table.steady import SteadyContents
from tests import scenes
from tests.table.strategies import BACKENDS

LOCK = column("lock")
SECONDS = st.integers(0, 40)
NEEDS = st.integers(0, 20)


def cells_of(steady: SteadyContents) -> int:
    return dict(steady.contents)[LOCK]


@given(st.lists(st.tuples(SECONDS, NEEDS), min_size=1, max_size=20))
def test_a_column_is_as_wide_as_it_was_needed_in_the_last_half_minute(
    samples: list[tuple[int, int]],
) -> None:
    """A column is never narrower than its contents, nor wider than they were within 30 s."""
    steady = SteadyContents()
    now = 0
    past: list[tuple[int, int]] = []
    for seconds, needed in samples:
        before = cells_of(steady) if past else 0
        now += seconds * MICROSECONDS
        past.append((now, needed))
        steady = steady.after(((LOCK, needed),), now)
        after = cells_of(steady)
        assert after >= needed
        assert after in (before, needed)
        if after > needed:
            recent = [each for at, each in past if now - at < 30 * MICROSECONDS]
            assert after in recent


def test_no_column_leaves_while_the_user_moves() -> None:
    """LOCK goes 30 s after its last value, and 5 s after the last key."""
    steady = SteadyContents().after(((LOCK, 9),), 0)
    at = 31 * MICROSECONDS
    assert cells_of(steady.after(((LOCK, 0),), 29 * MICROSECONDS)) == 9
    assert cells_of(steady.after(((LOCK, 0),), at, at - 4 * MICROSECONDS)) == 9
    assert cells_of(steady.after(((LOCK, 0),), at, at - 5 * MICROSECONDS)) == 0


@given(st.lists(st.sampled_from(["incident", "calm"]), min_size=2, max_size=8))
def test_columns_of_a_server_stay_in_place(states: list[str]) -> None:
    """A queue that comes and goes within half a minute moves columns at most once."""
    makers = {"incident": scenes.incident, "calm": scenes.calm_night}
    scenes_of = {name: DerivedSnapshot.of(make()) for name, make in makers.items()}
    steady = SteadyContents()
    layouts = []
    for second, state in enumerate(states):
        derived = scenes_of[state]
        rows = derived.snapshot.backends[:17]
        needed = contents(rows, derived, TableOptions())
        steady = steady.after(needed, second * MICROSECONDS)
        placed = layout(SESSION_COLUMNS, 79, contents=steady.contents)
        assert width_of(placed) == 79
        layouts.append(placed)
    changes = sum(one != other for one, other in pairwise(layouts))
    assert changes <= 1


@settings(max_examples=40, deadline=None)
@given(BACKENDS, st.lists(st.sets(st.integers(0, 11)), min_size=2, max_size=5))
def test_widths_carried_on_are_those_of_a_first_snapshot(
    sessions: list[Backend], shown: list[set[int]]
) -> None:
    """Names are read only of sessions that are other objects than in the snapshot before."""
    for places in shown:
        rows = [row for place, row in enumerate(sessions) if place in places]
        others = [row._replace() for row in rows]
        carried_on, first = [
            contents(each, DerivedSnapshot.of(scenes.snapshot(each)), TableOptions())
            for each in (rows, others)
        ]
        assert carried_on == first
