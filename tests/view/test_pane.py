"""The pane below a tall table shows the session under the cursor in four lines."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.table.idle_folds import IdleFold, folded
from pgtop.text.clean import cells
from pgtop.text.wrap import Line
from pgtop.view.pane import pane_lines
from pgtop.view.sessions import PANE_LINES, has_pane
from tests import scenes

QUEUE = DerivedSnapshot.of(scenes.incident())


def texts(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_a_root_in_four_lines() -> None:
    """The work, the blocked sessions, and the keys that end it."""
    lines = texts(pane_lines(QUEUE.snapshot.at(13_323), QUEUE, 200, Settings()))
    assert lines[0] == f"── 13323 under the cursor {'─' * 174}"
    fields = [(line[:100].rstrip(), line[100:].rstrip()) for line in lines[1:]]
    assert fields == [
        (
            "Does       idle in transaction for 3m01s; transaction open 3m01s",
            "Blocks     9 sessions, its end frees 3, 2 at once: 13326 13343",
        ),
        (
            "Login      worker@shop, root session, from 10.0.3.7:53323, logged in 1h00m ago",
            "Waits for  no session",
        ),
        (
            "Query      update acc set bal = bal + 1 where id in (1, 2, 3)",
            "Rights     K you may terminate it   C: no running query to cancel",
        ),
    ]


@pytest.mark.parametrize("width", [100, 120, 200])
def test_every_session_fits(width: int) -> None:
    """The lines are as wide as the screen, for hostile texts, too."""
    for scene in (scenes.hostile(), scenes.standstill(), scenes.not_privileged()):
        derived = DerivedSnapshot.of(scene)
        for row in scene.backends:
            lines = texts(pane_lines(row, derived, width, Settings(read_only=True)))
            assert len(lines) == PANE_LINES
            assert {cells(line) for line in lines} == {width}


def test_a_fold_names_what_it_stands_for() -> None:
    """The number, the names and the oldest."""
    calm = DerivedSnapshot.of(scenes.calm_night())
    rows = folded(calm.snapshot.backends, calm, frozenset())
    fold = next(row for row in rows if isinstance(row, IdleFold))
    rule, does, login, _ = texts(pane_lines(fold, calm, 120, Settings()))
    assert rule.startswith("── ×56 under the cursor ──")
    assert does.startswith("Does       idle, the oldest (13201) for 41m00s")
    assert login.startswith("Login      56 sessions of web@shop, web-pool")


def test_a_table_without_rows_has_an_empty_pane() -> None:
    """The lines keep their place."""
    assert pane_lines(None, QUEUE, 200, Settings()) == [()] * PANE_LINES


def test_only_tall_screens_have_a_pane() -> None:
    """From 45 lines on, and where two fields fit side by side."""
    assert has_pane(200, 50)
    assert has_pane(100, 45)
    assert not has_pane(200, 44)
    assert not has_pane(99, 60)
