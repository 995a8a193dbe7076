"""The help of a screen: keys in four groups, signs as they are drawn, and the search."""

import pytest

from pgtop.config.keymap import keymap_from
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.view.help import HelpTopic, help_lines, title_line
from pgtop.view.signs import (
    BAR_SIGNS,
    CONNECTION_SIGNS,
    LOCK_SIGNS,
    SESSION_SIGNS,
)
from pgtop.view_registry import KEYMAP

KEYS = (
    "open", "follow", "fold", "cancel", "terminate", "show_sessions", "show_breakdown",
    "show_locks", "cursor_up", "cursor_down", "page_up", "page_down", "goto", "help",
    "quit", "leave", "filter", "clear", "sort_left", "sort_right", "sort_menu",
)  # fmt: skip


def topic(**keys: object) -> HelpTopic:
    """Return the help of the locks, with other keys."""
    keymap = keymap_from(keys, KEYMAP)
    actions = [each for each in keymap.actions if each.id in KEYS]
    answers = [each for each in keymap.actions if each.in_dialogs]
    return HelpTopic(
        "Locks",
        tuple(actions),
        {"fold": "fold a branch"},
        tuple(answers),
        LOCK_SIGNS,
        (("WAITED", "how long it has waited"),),
        is_filtered=True,
    )


def texts(width: int, search: str = "", **keys: object) -> list[str]:
    return [
        "".join(span.text for span in line).rstrip()
        for line in help_lines(topic(**keys), width, search)
    ]


def test_three_columns_at_80_cells() -> None:
    """Keys in three columns, and the signs beside them."""
    assert texts(80)[:7] == [
        "Look                       End                        Go",
        "Enter   open it whole      C       cancel the query   1 to 3    views",
        "f       to its blocker     K       terminate          Up Down   up, down",
        "Space   fold a branch                                 PgUp PgDn a page",
        "                                                      :         a pid, a row",
        "Order                                                 ? h F1    help",
        "/ F4    filter                                        q         quit",
    ]


def test_one_column_at_40_cells_and_four_at_120() -> None:
    """The groups stand below each other, or all beside each other."""
    assert texts(40)[:3] == ["Look", "Enter   open it whole", "f       to its blocker"]
    assert texts(120)[0].split() == ["Look", "End", "Go", "Order"]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("search", ["", "a", "lock"])
def test_no_line_is_wider_than_the_screen(width: int, search: str) -> None:
    """Keys, signs, filter forms and columns wrap."""
    lines = [
        *help_lines(topic(), width, search),
        title_line(topic(), "/", "Esc", width),
    ]
    assert max(sum(cells(span.text) for span in line) for line in lines) <= width


def test_keys_are_those_in_force() -> None:
    """A user's key stands in the help, and the built-in one does not."""
    assert any("X       terminate" in line for line in texts(80, terminate=["X"]))
    assert not any("K       terminate" in line for line in texts(80, terminate=["X"]))


def test_the_search_finds_a_key_by_its_word() -> None:
    """Every word must occur, in the key, its meaning, a sign or a column."""
    assert texts(80, "terminate the")[0] == (
        "K              terminate the session, all tagged or the group"
    )
    assert "Space          fold or unfold a branch or a section" in texts(80, "unfold")
    assert any("WAITED" in line for line in texts(80, "how long"))
    assert texts(80, "no such thing") == ["No key, sign or column has these words."]


def test_a_sign_is_drawn_as_it_is_on_the_screen() -> None:
    """The plate of a deadlock in the help has the tone that it has in the tree."""
    spans = [span for line in help_lines(topic(), 80) for span in line]
    assert ("DEADLOCK", Tone.ALARM_PLATE) in spans


def test_every_sign_has_room_beside_its_meaning() -> None:
    """A blank at least separates a sign from its meaning."""
    signs = (*BAR_SIGNS, *SESSION_SIGNS, *LOCK_SIGNS, *CONNECTION_SIGNS)
    assert max(cells(sign.text) for sign in signs) < 13


def test_the_title_at_40_cells() -> None:
    """The narrowest screen has the title and both keys."""
    line = title_line(topic(), "/", "Esc", 40)
    assert "".join(span.text for span in line) == (
        "Help: Locks   / finds a key     Esc back"
    )
