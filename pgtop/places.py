"""The places in which a key may be pressed, and the actions that work in each.

A key stands for one action in one place. Screens take their bindings from here, and `config.keymap`
checks a user's keys against it. Plain data.
"""

from collections.abc import Mapping
from typing import NamedTuple

EVERYWHERE = ("redraw", "suspend", "leave")
"""Actions that work in a dialog and in a text field, too."""

TIMES = (
    "step_back",
    "step_forward",
    "minute_back",
    "minute_forward",
    "event_back",
    "event_forward",
    "record",
)
"""Actions on every screen that lead into the past and through it, or keep it."""

BEHIND_SCREENS = (
    *TIMES,
    "filter",
    "goto",
    "palette",
    "pause",
    "refresh",
    "slower",
    "faster",
    "toggle_cost",
    "toggle_mouse",
    "help",
    "quit",
)
"""Actions that work on every screen, and in no dialog; those that open a view come with them."""

PAST = ("now",)
"""Actions of the past alone: there their keys come before those of any screen."""

OF_THE_SCREEN = ("slower", "faster")
"""Actions of `BEHIND_SCREENS` that mean something else on a screen which has them, too."""

NAVIGATION = (
    "cursor_up",
    "cursor_down",
    "page_up",
    "page_down",
    "cursor_first",
    "cursor_last",
)
"""Actions that move a cursor or a page."""

TABLE = (
    *NAVIGATION,
    "clear",
    "sort_left",
    "sort_right",
    "sort_invert",
    "sort_menu",
    "scroll_left",
    "scroll_right",
    "export",
    "save_view",
)
"""Actions of every table."""

PAGE = (*NAVIGATION, "clear")
"""Actions of every page of text."""

HELP = (*PAGE, "open")
"""Actions of the help; `open` closes the field of its search."""

QUERY_PLAN = (*PAGE, "open", "copy_menu")
"""Actions of the page of a plan; `open` has the query planned, or closes the search."""

DETAIL = (
    "read_up",
    "read_down",
    "page_up",
    "page_down",
    "cursor_first",
    "cursor_last",
    "clear",
    "next_session",
    "previous_session",
    "follow",
)
"""Actions of the page of one session, besides those on the session."""

ONE_SESSION = (
    "copy_menu",
    "explain",
    "cancel",
    "terminate",
    "signal_menu",
)
"""Actions on one session."""

SESSIONS = (
    "open",
    "follow",
    "toggle_idle",
    "toggle_background",
    "toggle_columns",
    "ages_apart",
    "strip_comments",
    "tag",
    "tag_all",
    "tag_range",
    "tag_invert",
    "untag_all",
)
"""Actions of the sessions view alone."""

BREAKDOWN = ("open", "cancel", "terminate", "fold")
"""Actions of the connections view alone."""

LOCKS = ("open", "fold", "follow")
"""Actions of the locks view alone."""

WAITS = ("open", "slower", "faster")
"""Actions of the waits view alone; the keys of the interval change its buckets."""

STATEMENTS = ("open",)
"""Actions of the statements view alone."""

REPLICATION = ("open", "copy_drop")
"""Actions of the replication view alone."""

POOLS = ("open", "copy_menu")
"""Actions of the pools view alone."""

DIALOG = (
    "confirm",
    "keep",
    "clear",
    "open",
    "reason",
)
"""Actions of every dialog before a signal."""

READING = ("page_up", "page_down")
"""Actions that scroll a question without room. Letters are none: pasted text must not read it."""

MANY = (*NAVIGATION, "renew_plan", "only_idle")
"""Actions of the dialog before many sessions are signalled, besides those of every such dialog."""

FIELD = ("open", "clear")
"""Actions of a field that stands alone."""

PALETTE = ("cursor_up", "cursor_down", "page_up", "page_down", "open", "clear")
"""Actions of the palette, whose letters are text."""

MENU = (*NAVIGATION, "open", "clear")
COPY_MENU = ("copy_menu", "export")
"""Actions of the menu of what to copy, besides those of every menu."""
RESULTS = (*NAVIGATION, "clear", "open", "terminate")

VIEWS: Mapping[str, tuple[str, ...]] = {
    "sessions": (*TABLE, *ONE_SESSION, *SESSIONS),
    "breakdown": (*TABLE, *BREAKDOWN),
    "locks": (*TABLE, *ONE_SESSION, *LOCKS),
    "waits": (*TABLE, *WAITS),
    "statements": (*TABLE, *STATEMENTS),
    "replication": (*TABLE, *REPLICATION),
    "pools": (*TABLE, *POOLS),
}
"""The actions of each view, by its id; a view that is not here has those of `TABLE`."""


class OtherPlace(NamedTuple):
    """A place that is no view."""

    name: str
    """The words for the place behind "in"."""
    actions: tuple[str, ...]
    is_dialog: bool = False
    """True if nothing behind it works while it is open."""


PLACES: tuple[OtherPlace, ...] = (
    OtherPlace("the detail of a session", (*DETAIL, *ONE_SESSION)),
    OtherPlace("the past", PAST),
    OtherPlace("the help", HELP),
    OtherPlace("the plan of a query", QUERY_PLAN),
    OtherPlace("the dialog for one session", (*DIALOG, *READING), is_dialog=True),
    OtherPlace("the dialog for many sessions", (*DIALOG, *MANY), is_dialog=True),
    OtherPlace("the palette", PALETTE, is_dialog=True),
    OtherPlace("a menu", MENU, is_dialog=True),
    OtherPlace("the copy menu", (*MENU, *COPY_MENU), is_dialog=True),
    OtherPlace("the list of outcomes", RESULTS, is_dialog=True),
)
