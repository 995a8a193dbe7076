"""The registry of actions: the id, the keys and the meaning of everything that a user can do.

Plain data, the only place with keys; the views declare theirs in `view_registry.py`. Bindings,
footer, help, palette and documentation are made from it.
"""

from enum import StrEnum
from typing import NamedTuple

from pgtop.key_names import name_of


class Group(StrEnum):
    """The section of the help that lists an action; the sections a user needs most come first."""

    LOOK = "Look"
    END = "End"
    GO = "Go"
    ORDER = "Order"


class Action(NamedTuple):
    """An action and the keys that start it."""

    id: str
    """The contract with screens (`action_<id>`), documentation and tests; no key is one."""
    keys: tuple[str, ...]
    """As Textual names them; the first is the one that sentences on screen show."""
    title: str
    group: Group
    short: str = ""
    """The word in the footer, where a screen offers the action there."""
    dangerous: bool = False
    """True if the action can end a user's work: it asks first, and read-only mode lacks it."""
    in_dialogs: bool = False
    """True if the action answers a dialog and means nothing elsewhere."""
    brief: str = ""
    """The words in the columns of the help, where the title is too long for them."""
    call: str = ""
    """The call that Textual makes, where that is not the id."""

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as people write them."""
        return tuple(map(name_of, self.keys))


ACTIONS: tuple[Action, ...] = (
    Action(
        "cancel",
        ("C",),
        "cancel the query: of the session, all tagged or the group",
        Group.END,
        "cancel",
        dangerous=True,
        brief="cancel the query",
    ),
    Action(
        "terminate",
        ("K",),
        "terminate the session, all tagged or the group",
        Group.END,
        "kill",
        dangerous=True,
        brief="terminate",
    ),
    Action(
        "confirm",
        ("y",),
        "in a dialog: yes, do it",
        Group.END,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "keep",
        ("n",),
        "in a dialog: no, signal nothing",
        Group.END,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "reason",
        ("r",),
        "in a dialog: give a reason for the audit log",
        Group.END,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "renew_plan",
        ("a",),
        "in the list of many: include the changed sessions as they are now",
        Group.END,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "only_idle",
        ("i",),
        "in the list of many: keep only the idle sessions",
        Group.END,
        dangerous=True,
        in_dialogs=True,
    ),
    Action(
        "tag",
        ("space",),
        "tag the session to signal many, and move down",
        Group.END,
        "tag",
        brief="tag",
    ),
    Action(
        "tag_all",
        ("asterisk",),
        "tag all sessions that the filter shows",
        Group.END,
        brief="tag all shown",
    ),
    Action(
        "tag_range",
        ("V",),
        "tag the sessions from the one tagged last to the cursor",
        Group.END,
        brief="tag up to here",
    ),
    Action(
        "tag_invert",
        ("exclamation_mark",),
        "tag the sessions in sight that are not tagged, and untag the others",
        Group.END,
        brief="invert tags",
    ),
    Action(
        "untag_all",
        ("u",),
        "untag all",
        Group.END,
        brief="untag all",
    ),
    Action(
        "signal_menu",
        ("f9",),
        "cancel or terminate",
        Group.END,
        dangerous=True,
        brief="cancel or end",
    ),
    Action(
        "filter",
        ("slash", "f4"),
        "filter",
        Group.ORDER,
        "filter",
    ),
    Action(
        "clear",
        ("escape",),
        "clear the filter, close, go back",
        Group.ORDER,
        "back",
        brief="clear, go back",
    ),
    Action(
        "sort_left",
        ("less_than_sign",),
        "sort by the column to the left",
        Group.ORDER,
    ),
    Action(
        "sort_right",
        ("greater_than_sign",),
        "sort by the column to the right",
        Group.ORDER,
    ),
    Action(
        "sort_invert",
        ("I",),
        "reverse sort",
        Group.ORDER,
    ),
    Action(
        "sort_menu",
        ("s", "f6"),
        "choose the sort column",
        Group.ORDER,
        "sort",
        brief="sort by",
    ),
    Action(
        "open",
        ("enter",),
        "open the session: whole query, locks, rights",
        Group.LOOK,
        "open",
        brief="open it whole",
    ),
    Action(
        "follow",
        ("f",),
        "go to its blocker; on a root, to its first waiter",
        Group.LOOK,
        "blocker",
        brief="to its blocker",
    ),
    Action(
        "fold",
        ("space",),
        "fold or unfold a branch or a section",
        Group.LOOK,
        "fold",
        brief="fold, unfold",
    ),
    Action(
        "toggle_idle",
        ("i",),
        "idle sessions: all, folded, hidden",
        Group.LOOK,
        "idle",
        brief="idle sessions",
    ),
    Action(
        "toggle_background",
        ("b",),
        "show or hide background processes and walsenders",
        Group.LOOK,
        brief="background",
    ),
    Action(
        "toggle_columns",
        ("w",),
        "show or hide the extra columns",
        Group.LOOK,
        brief="extra columns",
    ),
    Action(
        "ages_apart",
        ("a",),
        "one age, or those of transaction, statement and state apart",
        Group.LOOK,
        brief="one age, or all",
    ),
    Action(
        "strip_comments",
        ("c",),
        "show or leave out comments before the statement",
        Group.LOOK,
        brief="comments",
    ),
    Action(
        "copy_menu",
        ("y",),
        "copy from a session: query, pid, row, SQL (tmux, OSC 52 or a file)",
        Group.LOOK,
        "copy",
        brief="copy",
    ),
    Action(
        "export",
        ("x",),
        "save or page the table: text, CSV or JSON",
        Group.LOOK,
        "export",
        brief="save or page",
    ),
    Action(
        "save_view",
        ("W",),
        "save the view as it is, under a name of yours",
        Group.LOOK,
        brief="save the view",
    ),
    Action(
        "cursor_up",
        ("up", "k"),
        "cursor up",
        Group.GO,
    ),
    Action(
        "cursor_down",
        ("down", "j"),
        "cursor down",
        Group.GO,
    ),
    Action(
        "read_up",
        ("up",),
        "on the page of a session: a line up",
        Group.GO,
    ),
    Action(
        "read_down",
        ("down",),
        "on the page of a session: a line down",
        Group.GO,
    ),
    Action(
        "next_session",
        ("j",),
        "on the page of a session: the next one of the table",
        Group.GO,
        "next",
    ),
    Action(
        "previous_session",
        ("k",),
        "on the page of a session: the previous one of the table",
        Group.GO,
    ),
    Action(
        "page_up",
        ("pageup",),
        "a page up",
        Group.GO,
    ),
    Action(
        "page_down",
        ("pagedown",),
        "a page down",
        Group.GO,
    ),
    Action(
        "cursor_first",
        ("home", "g"),
        "first row, and stay on top",
        Group.GO,
    ),
    Action(
        "cursor_last",
        ("end", "G"),
        "last row",
        Group.GO,
    ),
    Action(
        "goto",
        ("colon",),
        "go to a row by its number, or to a session by its pid",
        Group.GO,
        "go to",
        brief="a pid, a row",
    ),
    Action(
        "scroll_left",
        ("left",),
        "columns to the left",
        Group.GO,
    ),
    Action(
        "scroll_right",
        ("right",),
        "columns to the right",
        Group.GO,
    ),
    Action(
        "pause",
        ("p",),
        "pause or resume",
        Group.ORDER,
        "pause",
        brief="pause, resume",
    ),
    Action(
        "refresh",
        ("r", "f5"),
        "refresh now; try to reconnect now",
        Group.ORDER,
        "refresh",
        brief="refresh now",
    ),
    Action(
        "slower",
        ("plus",),
        "longer interval",
        Group.ORDER,
    ),
    Action(
        "faster",
        ("minus",),
        "shorter interval",
        Group.ORDER,
    ),
    Action(
        "toggle_cost",
        ("f12",),
        "show or hide pgtop's own overhead",
        Group.GO,
        brief="own overhead",
    ),
    Action(
        "toggle_mouse",
        ("m",),
        "leave the mouse to the terminal, to select text; or take it again",
        Group.GO,
        brief="mouse on, off",
    ),
    Action(
        "help",
        ("question_mark", "h", "f1"),
        "help",
        Group.GO,
        "help",
    ),
    Action(
        "palette",
        ("ctrl+p",),
        "find any action, view or saved filter by its name",
        Group.GO,
        call="command_palette",
        brief="any action",
    ),
    Action(
        "redraw",
        ("ctrl+l",),
        "redraw the screen",
        Group.GO,
        brief="redraw",
    ),
    Action(
        "suspend",
        ("ctrl+z",),
        "back to the shell; `fg` returns",
        Group.GO,
        brief="to the shell",
    ),
    Action(
        "quit",
        ("q",),
        "quit",
        Group.GO,
        "quit",
    ),
    Action(
        "leave",
        ("ctrl+c",),
        "quit, also from a dialog or a text field",
        Group.GO,
        brief="quit at once",
    ),
)
