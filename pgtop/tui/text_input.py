"""Text fields that take keys in the order typed, also when a slow line delivers many at once.

Textual hands a key to the focused widget's own queue. A field that has just been opened would miss
what was typed ahead, and `/Ky` could end a session. So the app edits the open field itself, before
any binding is looked at.
"""

import re
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from textual import events
from textual.widgets import Input


@runtime_checkable
class TextInput(Protocol):
    """A screen with a text field that may be open."""

    @property
    def field(self) -> Input | None:
        """The open field, or None while keys are commands."""
        ...

    def typed(self) -> None:
        """The field's value has changed."""
        ...


LONGEST = 500
"""Characters that a field takes: a filter is read, and asked of each session, while the next key
waits.
"""
_EDITS: dict[str, Callable[[Input], None]] = {
    "backspace": Input.action_delete_left,
    "ctrl+h": Input.action_delete_left,
    "delete": Input.action_delete_right,
    "left": Input.action_cursor_left,
    "right": Input.action_cursor_right,
    "home": Input.action_home,
    "end": Input.action_end,
    "ctrl+a": Input.action_home,
    "ctrl+e": Input.action_end,
    "ctrl+w": Input.action_delete_left_word,
    "ctrl+u": Input.action_delete_left_all,
    "ctrl+k": Input.action_delete_right_all,
}


def open_field(screen: object) -> Input | None:
    """Return the field that the screen's keys go to, if one is open."""
    return screen.field if isinstance(screen, TextInput) else None


def edit(field: Input, event: events.Event) -> bool:
    """Edit the field with a key or a paste; False when the key is not for it."""
    if isinstance(event, events.Paste):
        insert(field, " ".join(event.text.split()))
        return True
    return isinstance(event, events.Key) and _edit(field, event)


def insert(field: Input, text: str) -> None:
    """Insert what of the text is printable, up to LONGEST characters in the field."""
    fitting = "".join(filter(str.isprintable, text))[: max(0, LONGEST - len(field.value))]
    if fitting:
        field.insert_text_at_cursor(fitting)


def _edit(field: Input, key: events.Key) -> bool:
    if key.is_printable and key.character is not None:
        if field.restrict and not re.fullmatch(field.restrict, key.character):
            return False  # in a field for digits, y and n are still answers
        insert(field, key.character)
        return True
    edit = _EDITS.get(key.key)
    if edit is not None:
        edit(field)
    return edit is not None
