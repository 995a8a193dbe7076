"""Empty tables, and the words about what a role cannot see."""

import pytest

from pgtop.analysis.budget import budget
from pgtop.table.sessions import NotShown
from pgtop.text.clean import cells
from pgtop.text.wrap import Line
from pgtop.view.empty import CLEAR, EDIT, EmptyState, empty_lines, hidden_lines
from pgtop.view.empty_sessions import sessions_state
from tests.scenes import busy, not_privileged

FILTERED = EmptyState("session", "type:walsender", ways=(CLEAR, EDIT))


def text(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_an_empty_filter_as_whole_lines() -> None:
    """The reason, the key that shows what matches, and the keys of the filter."""
    state = sessions_state(FILTERED, NotShown(background=1))
    assert text(empty_lines(state, 80, 17)) == [
        "",
        "    No session matches type:walsender.",
        "",
        "    1 background process does; background processes are hidden.",
        "",
        "    b    show background processes",
        "    Esc  clear the filter",
        "    /    edit it",
    ]


def test_a_small_screen_has_no_blank_lines() -> None:
    """At 40x10 the keys stand directly below the reason."""
    state = sessions_state(FILTERED, NotShown(idle=2))
    assert text(empty_lines(state, 40, 6)) == [
        " No session matches type:walsender.",
        " 2 idle sessions do; idle sessions are",
        " hidden.",
        " i    show idle sessions",
        " Esc  clear the filter",
        " /    edit it",
    ]


def test_without_a_filter_there_is_nothing_to_clear() -> None:
    """A table that shows no idle session names the key that does."""
    state = sessions_state(EmptyState("session"), NotShown(idle=22))
    shown = text(empty_lines(state, 80, 17))
    assert shown[1] == "    No session to show."
    assert "    i    show idle sessions" in shown
    assert not any("Esc" in line for line in shown)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    """A filter as long as a line wraps."""
    state = EmptyState("session", "x" * 99, ways=(CLEAR,))
    lines = [
        *empty_lines(state, width, 17),
        *hidden_lines(budget(not_privileged()), not_privileged().server, width),
    ]
    assert max(sum(cells(span.text) for span in line) for line in lines) <= width


def test_a_role_without_rights_reads_the_grant() -> None:
    """The number of hidden sessions and the order that shows them; nothing for a role that sees
    all.
    """
    scene = not_privileged()
    assert text(hidden_lines(budget(scene), scene.server, 80)) == [
        "",
        " This role sees neither state nor query of 44 sessions.",
        " To see them: grant pg_read_all_stats to monitor",
    ]
    assert hidden_lines(budget(busy()), busy().server, 80) == []
