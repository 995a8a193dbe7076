"""A line of text that is being edited, as `text_input` edits Textual's fields, but drawn by us.

Textual's own field costs a layout for each change of its width, and nothing can follow its text.
"""

from __future__ import annotations

import re

_WORD_BEFORE = re.compile(r"\S*\s*$")


class LineEditor:
    """The text, and the place of the cursor in it."""

    restrict: str | None = None

    def __init__(self) -> None:
        self._value = ""
        self.cursor = 0

    @property
    def value(self) -> str:
        """The text."""
        return self._value

    @value.setter
    def value(self, text: str) -> None:
        """Replace the text, with the cursor at its end."""
        self._value = text
        self.cursor = len(text)

    @property
    def before_cursor(self) -> str:
        """The text up to the cursor."""
        return self._value[: self.cursor]

    @property
    def after_cursor(self) -> str:
        """The text from the cursor on."""
        return self._value[self.cursor :]

    def insert_text_at_cursor(self, text: str) -> None:
        """Insert a text, and move behind it."""
        self._replace(self.before_cursor + text, self.after_cursor)

    def replace(
        self,
        start: int,
        end: int,
        text: str,
    ) -> None:
        """Replace a part of the text, and move behind it."""
        self._replace(self._value[:start] + text, self._value[end:])

    def action_delete_left(self) -> None:
        """Delete the character before the cursor."""
        self._replace(self.before_cursor[:-1], self.after_cursor)

    def action_delete_right(self) -> None:
        """Delete the character at the cursor."""
        self._replace(self.before_cursor, self.after_cursor[1:])

    def action_delete_left_word(self) -> None:
        """Delete the word before the cursor."""
        self._replace(_WORD_BEFORE.sub("", self.before_cursor), self.after_cursor)

    def action_delete_left_all(self) -> None:
        """Delete all before the cursor."""
        self._replace("", self.after_cursor)

    def action_delete_right_all(self) -> None:
        """Delete all from the cursor on."""
        self._replace(self.before_cursor, "")

    def action_cursor_left(self) -> None:
        """Move back by a character."""
        self.cursor = max(0, self.cursor - 1)

    def action_cursor_right(self) -> None:
        """Move on by a character."""
        self.cursor = min(len(self._value), self.cursor + 1)

    def action_home(self) -> None:
        """Move before the text."""
        self.cursor = 0

    def action_end(self) -> None:
        """Move behind the text."""
        self.cursor = len(self._value)

    def _replace(self, before: str, after: str) -> None:
        self._value = before + after
        self.cursor = len(before)
