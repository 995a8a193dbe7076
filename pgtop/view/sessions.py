"""The footer of the sessions, which the first frame draws before Textual is there."""

from pgtop.keys import OTHER_VIEWS

FOOTER = (
    "help",
    "quit",
    "terminate",
    "cancel",
    "filter",
    "tag",
    OTHER_VIEWS,
    "open",
    "sort_menu",
    "pause",
    "toggle_idle",
)
