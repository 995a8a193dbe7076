"""Text fields that take keys in the order typed, also when a slow line delivers many at once.

Textual hands a key to the focused widget's own queue. A field that has just been opened would miss
what was typed ahead, and `/Ky` could end a session. Therefore the app edits the open field itself,
before it looks at any binding.
"""

import re
from typing import Protocol, cast, runtime_checkable

from textual import events

from pgtop.field_keys import TEXT_KEYS

MAX_CHARACTERS = 500
"""Characters that a field takes: a filter is parsed and applied while the next key waits."""

_ENDS = ("home", "end")


class EditableText(Protocol):
    """A field of Textual's, or a line of our own; it has `action_…` methods for editing keys."""

    restrict: str | None

    @property
    def value(self) -> str:
        """The text."""
        ...

    def insert_text_at_cursor(self, text: str) -> None:
        """Insert a text."""
        ...


@runtime_checkable
class TextInput(Protocol):
    """A screen with a text field that may be open."""

    @property
    def field(self) -> EditableText | None:
        """The open field, or None while keys are commands."""
        ...

    def typed(self) -> None:
        """Handle a change of the field's value."""
        ...


@runtime_checkable
class HasFilter(Protocol):
    """A screen with a field for a filter or a search."""

    def open_filter(self) -> None:
        """Open the field."""
        ...


def open_field(screen: object) -> EditableText | None:
    """Return the field that the screen's keys go to, if one is open."""
    kind = type(screen)
    if kind not in _has_field:  # 10 us to look up, and needed at each refresh
        _has_field[kind] = isinstance(screen, TextInput)
    return cast("TextInput", screen).field if _has_field[kind] else None


_has_field: dict[type, bool] = {}


def edit(field: EditableText, event: events.Event) -> bool:
    """Edit the field with a key or a paste; return False if the key is not for it."""
    if isinstance(event, events.Paste):
        insert(field, " ".join(event.text.split()))
        return True
    return isinstance(event, events.Key) and _edit(field, event)


def insert(field: EditableText, text: str) -> None:
    """Insert the printable part of the text, up to MAX_CHARACTERS in the field."""
    room = max(0, MAX_CHARACTERS - len(field.value))
    printable = "".join(filter(str.isprintable, text))[:room]
    if printable:
        field.insert_text_at_cursor(printable)


def _edit(field: EditableText, key: events.Key) -> bool:
    if key.is_printable and key.character is not None:
        if field.restrict and not re.fullmatch(field.restrict, key.character):
            return False  # in a field for digits, y and n are still answers
        insert(field, key.character)
        return True
    if field.restrict and key.key in _ENDS:
        return False  # a field for digits stands below a list, which these keys move
    edit = getattr(field, f"action_{TEXT_KEYS.get(key.key)}", None)
    if edit is None:
        return False
    edit()
    return True
