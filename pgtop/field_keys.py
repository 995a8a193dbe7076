"""The keys that belong to text fields and to the buttons of dialogs, and to no action.

No user can change them: hands know them from every other program.
"""

from collections.abc import Mapping

from pgtop.actions import Action, Group

FLOW_CONTROL = ("ctrl+s", "ctrl+q")
"""Keys that do nothing: old terminals stop and start with them, and Textual quits on the second."""

TEXT_KEYS: Mapping[str, str] = {
    "backspace": "delete_left",
    "ctrl+h": "delete_left",
    "delete": "delete_right",
    "left": "cursor_left",
    "right": "cursor_right",
    "home": "home",
    "end": "end",
    "ctrl+a": "home",
    "ctrl+e": "end",
    "ctrl+w": "delete_left_word",
    "ctrl+u": "delete_left_all",
    "ctrl+k": "delete_right_all",
    "tab": "complete",
    "shift+tab": "complete_back",
    "up": "earlier",
    "down": "later",
}
"""What a key does in an open text field, as readline does it; a field may lack some of it."""

PREVIOUS_BUTTON = ("left", "shift+tab")
NEXT_BUTTON = ("right", "tab")
"""Keys that move the focus over the buttons of a dialog."""

FILTER_FIELD: tuple[Action, ...] = (
    Action("open", ("enter",), "keep the filter", Group.ORDER, "keep"),
    Action("clear", ("escape",), "clear the filter", Group.ORDER, "clear"),
    Action("complete", ("tab",), "complete", Group.ORDER, "complete"),
    Action("earlier", ("up",), "bring back earlier filters", Group.ORDER, "earlier"),
)
"""What the footer offers while a filter is typed: keys that are no text, and never change."""
