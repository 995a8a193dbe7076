"""Orders are by value, steady from sample to sample, and never lose or double a row."""

from collections.abc import Sequence
from dataclasses import replace
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model import EMPTY
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    CLIENT_READ,
    IDLE,
    IDLE_IN_TRANSACTION,
    PARALLEL_WORKER,
    Backend,
)
from pgtop.model.snapshot import IdleGroup
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.filter import Filter
from pgtop.table.options import IdleRows, Sort, TableOptions
from pgtop.table.session_columns import COLUMNS, column
from pgtop.table.session_order import Standing
from pgtop.table.session_order import ordered as placed
from pgtop.table.sessions import arrange_sessions
from tests import scenes
from tests.scenes import NOW, active, client
from tests.table.strategies import BACKENDS

BUSY = DerivedSnapshot.of(scenes.busy())
SORTS = st.builds(
    Sort, st.sampled_from([None, *(column.name for column in COLUMNS)]), st.booleans()
)


def ordered(
    backends: Sequence[Backend], derived: DerivedSnapshot, sort: Sort
) -> list[Backend]:
    return placed(backends, derived, sort).rows


def pids(rows: list[Backend]) -> list[int]:
    return [row.pid for row in rows]


def test_a_session_of_a_busy_pool_keeps_its_place() -> None:
    """A session that works for milliseconds in each second stands among those at work until it
    rests for a moment.
    """
    long = active(1, "web@shop", "shop", "SELECT 1", 60)
    resting = [client(pid, "web@shop", since=60) for pid in range(10, 40)]
    standing: Standing = EMPTY
    places = []
    for second, state, since in (
        (0, ACTIVE, 0.1),
        (1, IDLE, 0.5),
        (2, ACTIVE, 0.1),
        (3, IDLE, 1),
        (5, IDLE, 3.5),
    ):
        pooled = client(2, "web@shop", state=state, since=since)
        derived = DerivedSnapshot.of(scenes.snapshot([long, pooled, *resting]))
        result = placed(derived.snapshot.backends, derived, Sort(), before=standing)
        standing = result.standing
        places.append((second, pids(result.rows).index(2)))
    assert places == [(0, 1), (1, 1), (2, 1), (3, 1), (5, 31)]


@given(BACKENDS, SORTS)
def test_an_order_is_a_permutation(backends: list[Backend], sort: Sort) -> None:
    """Every row is in the result once, whatever the server sends."""
    rows = ordered(backends, DerivedSnapshot.of(scenes.snapshot(backends)), sort)
    assert sorted(map(id, rows)) == sorted(map(id, backends))


@given(BACKENDS, SORTS, st.randoms(use_true_random=False))
def test_an_order_does_not_depend_on_the_server_s(
    backends: list[Backend], sort: Sort, random: object
) -> None:
    """Equal rows keep their places though the server lists them in another order each time."""
    derived = DerivedSnapshot.of(scenes.snapshot(backends))
    shuffled = list(backends)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert pids(ordered(shuffled, derived, sort)) == pids(
        ordered(backends, derived, sort)
    )


@given(BACKENDS, st.sampled_from(COLUMNS), st.booleans())
def test_values_are_in_order_and_none_is_last(
    backends: list[Backend], by: object, descending: bool
) -> None:
    """In either direction, over the rows that are not moved under a leader."""
    derived = DerivedSnapshot.of(scenes.snapshot(backends))
    chosen = column(by.name)  # type: ignore[attr-defined]  # a Column
    rows = [
        row
        for row in ordered(backends, derived, Sort(chosen.name, descending))
        if row.leader_pid is None
    ]
    values = [chosen.key(row, derived) for row in rows]
    valued = [value for value in values if value is not None]
    assert values == sorted(valued, reverse=descending) + [None] * (
        len(values) - len(valued)
    )


def test_the_worst_comes_first_by_default() -> None:
    """The root of the waiters, the runaway query and its workers, the waiters; then idle ones,
    then the rest."""
    rows = ordered(BUSY.snapshot.backends, BUSY, Sort())
    assert pids(rows)[:8] == [
        47_903,
        48_711,
        48_712,
        48_713,
        48_801,
        48_803,
        48_806,
        48_809,
    ]
    states = [row.state for row in rows if row.is_client]
    assert states.index(IDLE) == len(states) - states.count(IDLE)
    assert [row.is_client for row in rows[-7:]] == [False] * 7


def test_the_reversed_default_order_shows_the_least_first() -> None:
    """The newest idle session leads, the root is the last client; the server's own processes stay
    last.
    """
    rows = ordered(BUSY.snapshot.backends, BUSY, Sort(descending=False))
    clients = [row for row in rows if row.is_client]
    assert (clients[0].pid, clients[-1].pid) == (48_200, 47_903)
    assert not rows[-1].is_client


def test_hidden_sessions_come_after_the_seen_and_before_the_server_s_own() -> None:
    """Nothing is known of them that could hurt."""
    hidden = Backend(3, usesysid=7, usename="web")
    own = Backend(1, backend_start=NOW, backend_type="checkpointer")
    seen = client(9, "web@shop")
    for descending in (True, False):
        assert pids(
            ordered([own, hidden, seen], BUSY, Sort(descending=descending))
        ) == [9, 3, 1]


def test_among_the_idle_the_longest_comes_first() -> None:
    """A leak shows at the top of the idle ones; a session that works comes before all of them."""
    rows = [
        client(1, "web@shop", since=5),
        client(2, "web@shop", since=900),
        active(3, "web@shop", "", "select", 0.1),
    ]
    assert pids(ordered(rows, BUSY, Sort())) == [3, 2, 1]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("name", [None, *(column.name for column in COLUMNS)])
def test_workers_stand_under_their_leader_in_every_order(
    name: str | None, descending: bool
) -> None:
    """A parallel query stays together in every order."""
    result = pids(ordered(BUSY.snapshot.backends, BUSY, Sort(name, descending)))
    place = result.index(48_711)
    assert set(result[place + 1 : place + 3]) == {48_712, 48_713}


def test_a_worker_without_its_leader_has_a_place() -> None:
    """The worker is not lost with its leader."""
    worker = Backend(5, NOW, leader_pid=4, backend_type=PARALLEL_WORKER, state=ACTIVE)
    assert ordered([worker], BUSY, Sort("pid")) == [worker]


def test_equal_rows_stand_by_login_and_pid() -> None:
    """In both directions the same."""
    rows = [
        client(pid, "web@shop", login=login)
        for pid, login in ((3, 50), (1, 50), (2, 90))
    ]
    for descending in (True, False):
        assert pids(ordered(rows, BUSY, Sort("database", descending))) == [2, 1, 3]


def test_an_unknown_column_is_refused() -> None:
    """With the sentence of the columns."""
    with pytest.raises(ValueError, match="there is no column 'load'"):
        ordered([], BUSY, Sort("load"))


def test_ten_thousand_sessions_are_arranged_between_two_frames() -> None:
    """Sorting formats nothing: 15 ms is the goal, and the machine that tests may be four times
    slower.
    """
    crowd = scenes.crowd(10_000)
    derived = DerivedSnapshot.of(replace(crowd, ungrouped=crowd.backends[::-1]))
    for name in (None, "age", "client", "query"):
        query = TableOptions(sort=Sort(name))
        assert min(_seconds_to_arrange(derived, query) for _ in range(5)) < 0.060


def _seconds_to_arrange(derived: DerivedSnapshot, query: TableOptions) -> float:
    started = process_time()
    arrange_sessions(derived, query)
    return process_time() - started


def test_idle_in_a_transaction_is_not_idle() -> None:
    """An open transaction hurts though nothing runs in it."""
    rows = [
        client(1, "web@shop", since=900),
        client(2, "web@shop", state=IDLE_IN_TRANSACTION, xact=1),
    ]
    assert pids(ordered(rows, BUSY, Sort())) == [2, 1]


def test_an_idle_root_comes_first_and_is_not_hidden() -> None:
    """An advisory lock outlives its transaction: its holder may be idle, and at the root of a
    standstill.
    """
    root = scenes.client(1, "web@shop", since=9)
    waiter = scenes.active(
        2, "web@shop", "", "", 60.0, wait="Lock:advisory", blocked_by=(1,)
    )
    others = (
        scenes.active(3, "web@shop", "", "", 9.0),
        scenes.client(4, "web@shop", since=99),
    )
    derived = DerivedSnapshot.of(scenes.snapshot([waiter, *others, root]))
    assert [row.pid for row in arrange_sessions(derived, TableOptions()).rows] == [
        1,
        2,
        3,
        4,
    ]
    assert [
        row.pid
        for row in arrange_sessions(
            derived, TableOptions(sort=Sort(descending=False))
        ).rows
    ] == [
        4,
        3,
        2,
        1,
    ]
    assert [
        row.pid
        for row in arrange_sessions(derived, TableOptions(idle=IdleRows.HIDDEN)).rows
    ] == [
        1,
        2,
        3,
    ]


def _waiter(pid: int, *blockers: int, seconds: float = 5.0, **more: Any) -> Backend:
    return active(
        pid,
        "web@shop",
        "",
        "",
        seconds,
        wait="Lock:relation",
        blocked_by=blockers,
        **more,
    )


def _holder(pid: int, seconds: float) -> Backend:
    return client(
        pid, "web@shop", state=IDLE_IN_TRANSACTION, since=seconds, xact=seconds
    )


def test_the_root_of_most_waiters_stands_above_older_transactions() -> None:
    """Deadlocks, roots by those that they hold up, their waiters by their waits, and then
    transactions by age.
    """
    rows = [_holder(pid, 9_000.0 + pid) for pid in (1, 2, 3, 4)]
    rows += [_holder(10, 60), _holder(20, 600)]
    rows += [_waiter(pid, 10, seconds=pid) for pid in range(11, 20)]
    rows += [_waiter(pid, 20, seconds=pid) for pid in range(21, 24)]
    rows += [_waiter(30, 31, seconds=2), _waiter(31, 30, seconds=1)]
    result = pids(ordered(rows, DerivedSnapshot.of(scenes.snapshot(rows)), Sort()))
    assert result == [
        30,
        31,
        10,
        20,
        *range(19, 10, -1),
        *range(23, 20, -1),
        4,
        3,
        2,
        1,
    ]


def test_waiters_stand_under_their_blockers() -> None:
    """All roots first, so that none is out of sight; then each tree, by the start of the waits."""
    derived = DerivedSnapshot.of(scenes.incident())
    rows = ordered(derived.snapshot.backends, derived, Sort())
    readers = [14_137, 14_165, 14_170, 14_183, 14_216]
    longest = [13_432, 21_252, 13_439]
    assert pids(rows)[:14] == [
        13_323, 13_319, *longest, 13_326, 13_336, 13_343, 14_112, *readers
    ]  # fmt: skip


def test_the_two_longest_queries_stand_above_the_waiters() -> None:
    """No culprit is out of sight below the victims of another one, and the victims stay in sight.

    A long transaction whose statement is young is none, nor is a forgotten one.
    """
    queries = [active(pid, "web@shop", "", "", pid) for pid in (9, 20, 30, 40, 50)]
    young = client(60, "web@shop", state=ACTIVE, ran=1.0, xact=900)
    rows = [_holder(1, 60), _waiter(2, 1), _holder(3, 9_000.0), *queries, young]
    result = pids(ordered(rows, DerivedSnapshot.of(scenes.snapshot(rows)), Sort()))
    assert result == [1, 50, 40, 2, 3, 60, 30, 20, 9]


def _after(rows: Sequence[Backend], before: Standing) -> tuple[list[int], Standing]:
    result = placed(
        rows, DerivedSnapshot.of(scenes.snapshot(rows)), Sort(), before=before
    )
    return pids(result.rows), result.standing


def test_a_row_goes_up_only_past_one_that_it_clearly_outweighs() -> None:
    """A root that gains one waiter stays; one that gains many goes up. So do queries by their
    ages.
    """

    def roots(first: int, second: int) -> list[Backend]:
        waiters = [_waiter(10 + number, 1) for number in range(first)]
        return [
            _holder(1, 60),
            _holder(2, 50),
            *waiters,
            *(_waiter(50 + number, 2) for number in range(second)),
        ]

    result, standing = _after(roots(5, 4), EMPTY)
    assert result[:2] == [1, 2]
    for first, second, top in (
        (5, 6, [1, 2]),
        (5, 7, [2, 1]),
        (8, 7, [2, 1]),
        (9, 7, [1, 2]),
    ):
        result, standing = _after(roots(first, second), standing)
        assert result[:2] == top, (first, second)

    def queries(first: float, second: float) -> list[Backend]:
        return [
            active(1, "web@shop", "", "", first),
            active(2, "web@shop", "", "", second),
        ]

    result, standing = _after(queries(0.4, 0.1), EMPTY)
    for one, two, top in (
        (0.1, 0.9, [1, 2]),
        (0.1, 1.2, [2, 1]),
        (8.2, 8.1, [2, 1]),
        (95.0, 100.0, [2, 1]),
        (100.0, 95.0, [2, 1]),
        (100.0, 60.0, [1, 2]),
    ):
        result, standing = _after(queries(one, two), standing)
        assert result == top, (one, two)


def test_a_row_of_another_class_takes_its_place_at_once() -> None:
    """One that begins to wait goes above all that work, however young its wait; a new one stands by
    its own weight.
    """
    rows = [active(1, "web@shop", "", "", 5.0), active(2, "web@shop", "", "", 4.0)]
    _, standing = _after(rows, EMPTY)
    new = active(3, "web@shop", "", "", 4.5)
    assert _after([rows[0], rows[1], new], standing)[0] == [1, 3, 2]
    assert _after([_holder(9, 1), rows[0], _waiter(2, 9, seconds=0.1)], standing)[
        0
    ] == [9, 2, 1]


AGES = st.dictionaries(st.integers(1, 12), st.floats(0, 300), min_size=1)


@given(AGES, AGES)
def test_rows_that_change_places_have_a_reason(
    first: dict[int, float], then: dict[int, float]
) -> None:
    """None stands above one that clearly outweighs it; and where nothing is clear, nothing
    moves.
    """
    before, standing = _after(
        [active(pid, "web@shop", "", "", age) for pid, age in first.items()], EMPTY
    )
    assert before == sorted(
        first, key=lambda pid: (-round(first[pid] * MICROSECONDS), pid)
    )
    now, _ = _after(
        [active(pid, "web@shop", "", "", age) for pid, age in then.items()], standing
    )
    kept = [pid for pid in before if pid in then]
    stayed = [pid for pid in now if pid in first]
    for place, upper in enumerate(stayed):
        for lower in stayed[place + 1 :]:
            assert not (
                then[lower] > then[upper] + 1.001 and then[lower] > then[upper] * 1.101
            )
    clear = any(
        then[a] >= then[b] + 1 and then[a] >= then[b] * 1.1
        for b in kept
        for a in kept[kept.index(b) :]
    )
    is_of_another_class = _longest(first) != _longest(then)
    assert clear or is_of_another_class or stayed == kept


def _longest(ages: dict[int, float]) -> set[int]:
    """Return the two longest queries of at least ten seconds."""
    by_age = sorted(ages, key=lambda pid: (-round(ages[pid] * MICROSECONDS), pid))
    return {pid for pid in by_age[:2] if ages[pid] >= 10}


def _with_settled(rows: Sequence[Backend], since: float) -> DerivedSnapshot:
    """Return the rows, with the clients that have been at rest for so many seconds apart at the
    end.
    """
    settled = [row for row in rows if _is_settled(row, since)]
    others = [row for row in rows if not _is_settled(row, since)]
    return DerivedSnapshot.of(
        replace(scenes.snapshot(others), idle_group=IdleGroup(tuple(settled)))
    )


def _is_settled(row: Backend, since: float) -> bool:
    at_rest = (row.backend_type, row.state, row.wait_event) == (
        CLIENT_BACKEND,
        IDLE,
        CLIENT_READ,
    )
    return (
        at_rest
        and row.state_change is not None
        and row.state_change <= NOW - since * MICROSECONDS
    )


@given(
    SORTS,
    st.sampled_from([0.0, 60.0, 600.0]),
    st.booleans(),
    st.sampled_from(["", "web"]),
)
def test_the_settled_have_the_same_places(
    sort: Sort, since: float, show_idle: bool, words: str
) -> None:
    """Sessions at rest have the same place in every order, in a group of their own or not, and
    count as before.
    """
    rows = scenes.busy().backends
    idle = IdleRows.ALL if show_idle else IdleRows.HIDDEN
    query = TableOptions(filter=Filter(words), sort=sort, idle=idle)
    grouped, plain = (
        arrange_sessions(_with_settled(rows, since), query),
        arrange_sessions(DerivedSnapshot.of(scenes.snapshot(rows)), query),
    )
    assert (grouped.rows, grouped.total) == (plain.rows, plain.total)


def test_a_settled_root_and_one_idle_for_longer_than_the_settled() -> None:
    """A root at rest comes before all; the session that has been idle longest comes first, settled
    or not.
    """
    root, longer = (
        client(1, "web@shop", since=99),
        client(5, "web@shop", since=500)._replace(wait_event=None),
    )
    waiter = active(2, "web@shop", "", "", 60.0, wait="Lock:advisory", blocked_by=(1,))
    rows = [waiter, client(4, "web@shop", since=9), root]
    assert pids(
        list(arrange_sessions(_with_settled(rows, 5), TableOptions()).rows)
    ) == [1, 2, 4]
    rows = [longer, client(4, "web@shop", since=9), client(3, "web@shop", since=50)]
    assert pids(
        list(arrange_sessions(_with_settled(rows, 5), TableOptions()).rows)
    ) == [5, 3, 4]
