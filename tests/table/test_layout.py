"""The table shows what was asked for, in lines of exactly the width there is, on any screen and for
any text.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, Backend, BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter
from pgtop.table.fitting import layout, scroll_limit
from pgtop.table.layout import (
    Layout,
    column_at,
    ended,
    header,
    line,
    width_of,
)
from pgtop.table.options import IdleRows, Sort, TableOptions
from pgtop.table.session_columns import COLUMNS, SESSION_COLUMNS, column
from pgtop.table.session_contents import contents
from pgtop.table.sessions import (
    SESSIONS,
    ArrangedSessions,
    arrange_sessions,
    ended_line,
    gutter,
)
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from tests import scenes
from tests.scenes import sessions
from tests.table.strategies import BACKEND

BUSY = DerivedSnapshot.of(scenes.busy())
WIDTHS = st.integers(1, 250)
QUERIES = st.builds(
    TableOptions, sort=st.builds(Sort,
        st.sampled_from([None, *(column.name for column in COLUMNS)]), st.booleans()),
    extra_columns=st.booleans(), filter=st.just(Filter()),
)  # fmt: skip


def names(placed: Layout) -> list[str]:
    return [column.name for column, _ in placed]


def text_of(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def pids(table: ArrangedSessions) -> set[int]:
    return {row.pid for row in table.rows}


@given(WIDTHS, QUERIES, st.integers(0, 25), BACKEND, st.booleans())
def test_a_line_is_exactly_as_wide_as_requested(
    width: int, query: TableOptions, skip: int, backend: Backend, ended: bool
) -> None:
    """Lines are clean and exact on any screen, scrolled anywhere, whatever the server sends; no two
    neighbours have one tone.
    """
    placed = layout(SESSION_COLUMNS, width, query.extra_columns, skip)
    for spans in (
        (ended_line if ended else line)(
            placed, backend, DerivedSnapshot.of(scenes.snapshot([backend]))
        ),
        header(placed, query.sort),
    ):
        assert cells(text_of(spans)) == width == width_of(placed)
        assert clean(text_of(spans)) == text_of(spans)
        assert all(one.tone is not other.tone for one, other in pairwise(spans))


@pytest.mark.parametrize("width", [1, 5, 40, 80, 120, 200])
def test_hostile_texts_do_not_move_a_column(width: int) -> None:
    """Every line of the hostile server is as wide as the screen."""
    derived = DerivedSnapshot.of(scenes.hostile())
    placed = layout(SESSION_COLUMNS, width)
    table = arrange_sessions(derived, TableOptions(show_background=True))
    assert {cells(text_of(line(placed, row, derived))) for row in table.rows} == {width}


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (6, "pid"),
        (39, "pid state age lock query"),
        (79, "pid who state age lock query"),
        (119, "pid who application state age wait lock query"),
        (199, "pid who application client state age wait lock query"),
    ],
)
def test_what_matters_most_is_seen_on_every_screen(width: int, shown: str) -> None:
    """The columns at the sizes that we promise; the gutter takes one more cell."""
    assert names(layout(SESSION_COLUMNS, width)) == shown.split()


@pytest.mark.parametrize("far", [0, 4_000_000])
@pytest.mark.parametrize(("width", "least"), [(39, 11), (79, 30), (118, 48), (198, 90)])
def test_the_query_keeps_room_to_be_read(width: int, least: int, far: int) -> None:
    """Other columns never push it below its claim: not with pids of seven digits, nor with names
    of 14 letters. From 100 cells of screen on, the scroll bar has taken one more.
    """
    scene = scenes.incident(far)
    named = [
        row._replace(usename=f"{row.usename}-of-fourteen"[:14], datname="shop-and-more")
        for row in scene.backends
    ]
    derived = DerivedSnapshot.of(replace(scene, ungrouped=tuple(named)))
    needed = contents(derived.snapshot.backends, derived, TableOptions())
    placed = layout(SESSION_COLUMNS, width, contents=needed)
    assert placed[-1].width >= (least if width > 39 or not far else 8)
    assert "lock" in names(placed)


@pytest.mark.parametrize("extra_columns", [False, True])
@pytest.mark.parametrize(
    ("width", "query", "name"), [(79, 23, 10), (119, 41, 13), (199, 83, 13)]
)
def test_names_and_query_share_the_room_that_three_ages_take(
    width: int, query: int, name: int, extra_columns: bool
) -> None:
    """Names of 13 letters are whole but on the narrowest screen."""
    scene = scenes.incident()
    first, *others = scene.backends
    named = [first._replace(usename="analyst", datname="stock")]
    named += [row._replace(usename="monitor", datname="sales") for row in others]
    derived = DerivedSnapshot.of(replace(scene, ungrouped=tuple(named)))
    options = TableOptions(extra_columns=extra_columns, ages_apart=True)
    needed = contents(derived.snapshot.backends, derived, options)
    placed = layout(SESSION_COLUMNS, width, extra_columns, contents=needed)
    widths = {column.name: cells for column, cells in placed}
    assert "state_age" in widths
    assert widths["query"] >= query
    assert widths["who"] >= name


@example(35, [10, 0, 0, 1, 1, 0, 0, 0, 0, 14, 8, 1, 1, 1, *[0] * 26], False)
@given(st.integers(1, 250), st.lists(st.integers(0, 40), min_size=40), st.booleans())
def test_columns_fill_the_screen_exactly(
    width: int, cells_needed: list[int], extra_columns: bool
) -> None:
    """No contents push the query off the screen, or leave a blank at its right."""
    forms = [form for column in COLUMNS for form in (column, column.narrow) if form]
    needed = tuple(zip(forms, cells_needed, strict=False))
    placed = layout(SESSION_COLUMNS, width, extra_columns, contents=needed)
    assert width_of(placed) == width
    assert min(column.width for column in placed) >= 1
    assert names(placed)[0] == "pid"
    if width > 12:
        assert names(placed)[-1] == "query"


@given(st.integers(24, 250), QUERIES)
def test_every_column_can_be_scrolled_into_sight(
    width: int, query: TableOptions
) -> None:
    """Each step to the right takes the leftmost column away, until pid and query are alone; from 24
    cells on.
    """
    steps = [
        layout(SESSION_COLUMNS, width, query.extra_columns, skip)
        for skip in range(scroll_limit(SESSION_COLUMNS, width, query.extra_columns) + 1)
    ]
    seen = {name for placed in steps for name in names(placed)}
    parts = {"database", "user", "xact", "query_age", "state_age"}
    wanted = {
        column.name
        for column in COLUMNS
        if query.extra_columns or not column.on_request
    }
    assert wanted - seen == parts
    assert names(steps[-1]) == ["pid", "query"]
    assert all(
        names(step)[1] not in names(next_step)[:-1]
        for step, next_step in pairwise(steps[1:])
    )


def test_extra_columns_are_shown_on_request() -> None:
    """Before that they are hidden."""
    extra = {"backend_age", "xmin_age", "query_id", "leader"}
    assert not extra & set(names(layout(SESSION_COLUMNS, 250)))
    assert extra <= set(names(layout(SESSION_COLUMNS, 250, extra_columns=True)))


@given(WIDTHS, QUERIES, st.integers(0, 25))
def test_every_cell_of_the_header_belongs_to_a_column(
    width: int, query: TableOptions, skip: int
) -> None:
    """A click anywhere on the header sorts, and outside it nothing does."""
    placed = layout(SESSION_COLUMNS, width, query.extra_columns, skip)
    under = [column_at(placed, x) for x in range(width)]
    assert [column for column, _ in placed] == list(dict.fromkeys(under))
    assert column_at(placed, -1) is None
    assert column_at(placed, width) is None


@pytest.mark.parametrize(
    ("sort", "title"),
    [(Sort("age"), " AGE▼ "), (Sort("age", False), " AGE▲ "), (Sort(), "  AGE ")],
)
def test_the_header_marks_the_order(sort: Sort, title: str) -> None:
    """By an arrow; the default order marks none."""
    (span,) = header(layout(SESSION_COLUMNS, 80), sort)
    assert span.tone is Tone.HEADING
    assert title in span.text


@pytest.mark.parametrize(
    ("room", "end"),
    [
        (34, "QUERY     worst first  1-16 of 144"),
        (30, "QUERY worst first  1-16 of 144"),
        (29, "QUERY             1-16 of 144"),
        (17, "QUERY 1-16 of 144"),
        (16, "QUERY           "),
    ],
)
def test_the_heading_ends_with_its_most_important_words(room: int, end: str) -> None:
    """The order leaves before the range; neither is cut."""
    assert ended("QUERY".ljust(room), ("1-16 of 144", "worst first")) == end


def test_an_idle_session_is_one_quiet_span() -> None:
    """The most frequent row is the cheapest to draw."""
    idle = next(row for row in BUSY.snapshot.backends if row.state == IDLE)
    assert [span.tone for span in line(layout(SESSION_COLUMNS, 200), idle, BUSY)] == [
        Tone.QUIET
    ]


def test_a_hidden_waiter_is_marked_as_others_are() -> None:
    """The locks show that it waits, whatever its state is."""
    waiter = next(row for row in BUSY.snapshot.backends if row.blocked_by)
    hidden = sessions.hidden(waiter)._replace(blocked_by=waiter.blocked_by)
    rows = [hidden if row.pid == waiter.pid else row for row in BUSY.snapshot.ungrouped]
    derived = DerivedSnapshot.of(replace(BUSY.snapshot, ungrouped=tuple(rows)))
    assert derived.forest.nodes[waiter.pid].is_waiting
    assert gutter(hidden, derived) == gutter(waiter, BUSY)
    assert column("lock").tone(hidden, derived) is Tone.WARN


def test_a_session_that_has_ended_is_marked() -> None:
    """The mark replaces its state, quietly, whatever that was before."""
    holder = next(row for row in BUSY.snapshot.backends if row.pid == 47_903)
    needed = contents([holder], BUSY, TableOptions())
    placed = layout(SESSION_COLUMNS, 79, contents=needed)
    (span,) = ended_line(placed, holder, BUSY)
    assert span.tone is Tone.QUIET
    assert span.text.startswith(
        "47903 anna@billing        ended   13m41s ▲4    UPDATE "
    )


def test_client_sessions_are_shown_and_the_server_s_own_on_demand() -> None:
    """Idle ones too, and parallel workers of those shown; walsenders and background processes only
    when asked for.
    """
    shown, everything = (
        arrange_sessions(BUSY, TableOptions()),
        arrange_sessions(BUSY, TableOptions(show_background=True)),
    )
    assert pids(everything) - pids(shown) == {
        1_101,
        1_102,
        1_103,
        1_104,
        1_105,
        1_204,
        48_940,
    }
    assert {48_712, 48_713} <= pids(shown)
    assert (shown.total, everything.total) == (
        len(shown.rows),
        len(BUSY.snapshot.backends),
    )


def test_hidden_sessions_are_shown() -> None:
    """Hidden sessions hold slots, and it is not known which of them are idle."""
    derived = DerivedSnapshot.of(scenes.not_privileged())
    assert (
        pids(arrange_sessions(derived, TableOptions()))
        == pids(arrange_sessions(derived, TableOptions(idle=IdleRows.HIDDEN)))
        >= {48_200, 48_711}
    )


def test_idle_sessions_can_be_hidden() -> None:
    """An open transaction is not idle, and the total still counts what was hidden."""
    table = arrange_sessions(BUSY, TableOptions(idle=IdleRows.HIDDEN))
    assert IDLE not in {row.state for row in table.rows}
    assert {47_903, 48_815, 48_818} <= pids(table)
    assert table.total == arrange_sessions(BUSY, TableOptions()).total > len(table.rows)


def test_the_filter_narrows_and_the_total_stays() -> None:
    """So that the screen can say 1 of 45."""
    table = arrange_sessions(BUSY, TableOptions(filter=Filter("user:anna")))
    assert pids(table) == {47_903}
    assert table.total == arrange_sessions(BUSY, TableOptions()).total


def test_workers_come_with_a_leader_that_passes_the_filter() -> None:
    """A parallel query is never shown without what it costs."""
    assert pids(arrange_sessions(BUSY, TableOptions(filter=Filter("pid:48711")))) == {
        48_711,
        48_712,
        48_713,
    }


def test_a_session_is_found_by_identity() -> None:
    """The pid of another session, or of the same pid started later, is not it."""
    table = arrange_sessions(BUSY, TableOptions())
    third = table.rows[2]
    assert SESSIONS.find(table.rows, third.identity) == 2
    assert (
        SESSIONS.find(
            table.rows,
            BackendId(third.pid, third.backend_start and third.backend_start + 1),
        )
        is None
    )
    assert SESSIONS.find(table.rows, BackendId(1_101, None)) is None


@pytest.mark.parametrize(
    "make",
    [scenes.calm, scenes.busy, scenes.nearly_full, scenes.full, scenes.not_privileged],
)
def test_the_scenes_could_be(make: Callable[[], Snapshot]) -> None:
    """No pid twice, pgtop's own session among them, and no more slots held than there are."""
    scene = make()
    assert scene.server.pid in {backend.pid for backend in scene.backends}
    assert len({backend.pid for backend in scene.backends}) == len(scene.backends)
    assert (
        sum(backend.is_client for backend in scene.backends)
        <= scene.server.limits.max_connections
    )


def test_the_scenes_are_the_same_every_time() -> None:
    """Snapshots made of them change only when a person changes them."""
    for make in (scenes.busy, scenes.full, scenes.hostile, lambda: scenes.crowd(300)):
        assert make() == make()
    assert sum(backend.is_client for backend in scenes.nearly_full().backends) == 91
    assert sum(backend.is_client for backend in scenes.full().backends) == 98
