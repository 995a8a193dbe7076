"""Every action a user can take: its name, its keys and what it does, in one place.

The footer, the help screen, the palette, the README's table and the bindings are all read from
here. Plain data: no screen, no server.
"""

from enum import StrEnum
from typing import NamedTuple


class Group(StrEnum):
    """Where the help lists an action."""

    MOVE = "Move"
    LOOK = "Look"
    NARROW = "Sort and filter"
    PACE = "Pace"
    SIGNAL = "End a query or a session"
    PROGRAM = "Program"


class Action(NamedTuple):
    """`id` names the handler (`action_<id>`); `short`, if any, is what the footer shows, the most
    needed first.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    group: Group
    short: str = ""
    dangerous: bool = False
    """It can end somebody's work: it asks first, and is not offered in read-only mode."""
    in_dialogs: bool = False
    """It answers a dialog and means nothing elsewhere."""

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as people write them."""
        return tuple(_NAMES.get(key, key) for key in self.keys)


_NAMES = {
    "up": "Up", "down": "Down", "left": "Left", "right": "Right", "pageup": "PgUp", "pagedown": "PgDn",
    "home": "Home", "end": "End", "enter": "Enter",
    "escape": "Esc", "slash": "/", "question_mark": "?", "plus": "+", "minus": "-",
    "space": "Space", "asterisk": "*",
    "less_than_sign": "<", "greater_than_sign": ">",
    "f1": "F1", "f4": "F4", "f5": "F5", "f6": "F6", "f9": "F9", "f12": "F12",
    "ctrl+c": "Ctrl-C", "ctrl+l": "Ctrl-L", "ctrl+z": "Ctrl-Z",
}  # fmt: skip

ACTIONS: tuple[Action, ...] = (
    Action("cursor_up", ("up", "k"), "cursor up", Group.MOVE),
    Action("cursor_down", ("down", "j"), "cursor down", Group.MOVE),
    Action("page_up", ("pageup",), "a page up", Group.MOVE),
    Action("page_down", ("pagedown",), "a page down", Group.MOVE),
    Action("cursor_first", ("home",), "first session, and stay on top", Group.MOVE),
    Action("cursor_last", ("end",), "last session", Group.MOVE),
    Action("scroll_left", ("left",), "columns to the left", Group.MOVE),
    Action("scroll_right", ("right",), "columns to the right", Group.MOVE),
    Action("open", ("enter",), "open the session: whole query, locks, rights", Group.LOOK, "open"),
    Action("show_sessions", ("1",), "sessions", Group.LOOK, "sessions"),
    Action("show_breakdown", ("2",), "who uses the connections", Group.LOOK, "budget"),
    Action(
        "show_blocking", ("3",), "who blocks whom, and who holds back vacuum", Group.LOOK, "locks"
    ),
    Action(
        "fold", ("space",), "in the tree of waiters: fold or unfold a branch", Group.LOOK, "fold"
    ),
    Action("toggle_idle", ("i",), "hide or show idle sessions", Group.LOOK, "idle"),
    Action(
        "toggle_background", ("b",), "show or hide background processes and walsenders", Group.LOOK
    ),
    Action("toggle_columns", ("w",), "show or hide the columns on request", Group.LOOK),
    Action(
        "copy_query", ("y",), "copy the query to the clipboard (tmux or OSC 52)", Group.LOOK, "copy"
    ),
    Action("filter", ("slash", "f4"), "filter", Group.NARROW, "filter"),
    Action("clear", ("escape",), "clear the filter, close, go back", Group.NARROW, "back"),
    Action("sort_left", ("less_than_sign",), "sort by the column to the left", Group.NARROW),
    Action("sort_right", ("greater_than_sign",), "sort by the column to the right", Group.NARROW),
    Action("sort_invert", ("I",), "turn the order round", Group.NARROW),
    Action("sort_menu", ("s", "f6"), "choose what to sort by", Group.NARROW, "sort"),
    Action("pause", ("p",), "pause and go on", Group.PACE, "pause"),
    Action("refresh", ("r", "f5"), "refresh now; try to reconnect now", Group.PACE, "refresh"),
    Action("slower", ("plus",), "longer interval", Group.PACE),
    Action("faster", ("minus",), "shorter interval", Group.PACE),
    Action(
        "cancel",
        ("C",),
        "cancel the query, of the tagged or of the whole group",
        Group.SIGNAL,
        "cancel",
        dangerous=True,
    ),
    Action(
        "terminate",
        ("K",),
        "terminate the session, the tagged or the whole group",
        Group.SIGNAL,
        "kill",
        dangerous=True,
    ),
    Action(
        "confirm", ("y",), "in the dialog: do it", Group.SIGNAL, dangerous=True, in_dialogs=True
    ),
    Action(
        "keep",
        ("n",),
        "in the dialog: keep it (also Esc)",
        Group.SIGNAL,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "reason",
        ("r",),
        "in the dialog: say why, for the audit trail",
        Group.SIGNAL,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "ask_again",
        ("a",),
        "in the list of many: take those that changed as they are now",
        Group.SIGNAL,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "only_idle",
        ("i",),
        "in the list of many: only the idle ones",
        Group.SIGNAL,
        dangerous=True,
        in_dialogs=True,
    ),
    Action("tag", ("space",), "tag the session for C and K, and move down", Group.SIGNAL, "tag"),
    Action("tag_all", ("asterisk",), "tag all that the filter shows", Group.SIGNAL),
    Action("untag_all", ("u",), "untag all", Group.SIGNAL),
    Action("signal_menu", ("f9",), "cancel or terminate", Group.SIGNAL, dangerous=True),
    Action("toggle_cost", ("f12",), "show or hide what watching costs", Group.PROGRAM),
    Action("help", ("question_mark", "f1"), "help", Group.PROGRAM, "help"),
    Action("redraw", ("ctrl+l",), "draw the screen anew", Group.PROGRAM),
    Action("suspend", ("ctrl+z",), "back to the shell; `fg` returns", Group.PROGRAM),
    Action("quit", ("q",), "quit", Group.PROGRAM, "quit"),
    Action("leave", ("ctrl+c",), "quit, also from a dialog or a text field", Group.PROGRAM),
)

BY_ID = {action.id: action for action in ACTIONS}
