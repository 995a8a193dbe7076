"""Idle sessions of one role, database and application become one row, and nothing else does."""

from hypothesis import given

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, Backend
from pgtop.table.filter import Filter
from pgtop.table.idle_folds import FoldId, IdleFold, fold_of, folded, sessions_of
from pgtop.table.options import IdleRows, TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS
from pgtop.table.session_contents import contents
from pgtop.table.session_rows import SESSION_ROWS, session_rows
from pgtop.table.sessions import arrange_sessions
from pgtop.text.clean import cells
from tests import scenes
from tests.table.strategies import BACKENDS

CALM = DerivedSnapshot.of(scenes.calm_night())
FOLDED = TableOptions(idle=IdleRows.FOLDED)
NONE: frozenset[FoldId] = frozenset()
POOL = FoldId("web", "shop", "web-pool")


def text_of(row: object, width: int) -> str:
    needed = contents(CALM.snapshot.backends, CALM, FOLDED)
    placed = SESSION_ROWS.layout(width, FOLDED, contents=needed)
    return "".join(span.text for span in SESSION_ROWS.line(placed, row, CALM))


def test_a_pool_is_one_row() -> None:
    """The row has the number and the oldest; a single idle session stays itself."""
    rows = session_rows(arrange_sessions(CALM, FOLDED), NONE).rows
    shown = [row.mark if isinstance(row, IdleFold) else str(row.pid) for row in rows]
    assert shown == ["13432", "21252", "13439", "21393", "×56", "21400"]
    assert text_of(rows[4], 80) == (
        "  ×56 web@shop      idle     41m              web-pool, oldest first; select b…"
    )
    assert text_of(rows[4], 120).endswith(
        "oldest first; select bal from acc where id = $1             "
    )


def test_an_open_fold_has_its_sessions_below() -> None:
    """Longest idle first, under the row that closes it again."""
    rows = session_rows(arrange_sessions(CALM, FOLDED), frozenset({POOL})).rows
    fold = rows[4]
    assert isinstance(fold, IdleFold)
    assert rows[5:61] == fold.sessions
    starts = [row.state_change for row in fold.sessions]
    assert starts == sorted(starts, key=lambda start: start or 0)
    assert fold_of(rows, fold.sessions[7].pid) is fold
    assert fold_of(rows, 13_432) is None


def test_the_filter_of_a_fold_selects_its_sessions() -> None:
    """Names with quotes and blanks are read back as they are."""
    odd = 'a "b" \\ c'
    idle = [
        scenes.client(pid, "web@shop", odd, since=pid)._replace(usename=odd)
        for pid in (1, 2)
    ]
    other = scenes.client(3, "web@shop", "a", since=1)
    derived = DerivedSnapshot.of(scenes.snapshot([*idle, other]))
    (fold, _) = folded(derived.snapshot.backends, derived, NONE)
    assert isinstance(fold, IdleFold)
    matches = Filter(fold.filter_text).on(derived)
    assert [row.pid for row in derived.snapshot.backends if matches(row)] == [1, 2]


def test_an_idle_blocker_is_never_folded() -> None:
    """A session may hold an advisory lock while it is idle."""
    idle = [scenes.client(pid, "web@shop", "pool", since=9) for pid in (1, 2, 3)]
    waiter = scenes.active(
        9, "web@shop", "", "select", 3, wait="Lock:advisory", blocked_by=[2]
    )
    derived = DerivedSnapshot.of(scenes.snapshot([*idle, waiter]))
    rows = session_rows(arrange_sessions(derived, FOLDED), NONE).rows
    assert [row.pid for row in sessions_of(rows)] == [2, 9]


@given(BACKENDS)
def test_every_session_is_shown_or_folded_once(backends: list[Backend]) -> None:
    """Folding hides none and doubles none, and its lines fit."""
    derived = DerivedSnapshot.of(scenes.snapshot(backends))
    rows = folded(backends, derived, NONE)
    folds = [row for row in rows if isinstance(row, IdleFold)]
    members = [each for fold in folds for each in fold.sessions]
    shown = sessions_of(rows)
    assert sorted(map(id, [*shown, *members])) == sorted(map(id, backends))
    assert all(each.state == IDLE for each in members)
    placed = SESSION_ROWS.layout(80, FOLDED)
    for fold in folds:
        line = SESSION_ROWS.line(placed, fold, derived)
        assert cells("".join(span.text for span in line)) == 79
    assert SESSION_COLUMNS.first.name == "pid"
