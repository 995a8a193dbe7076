"""A text that is read from left to right."""

import re
from typing import NoReturn

from pgtop.table.language.errors import FilterError
from pgtop.table.language.lookalikes import check_visible
from pgtop.table.language.quoting import QUOTES, unquoted
from pgtop.table.language.vocabulary import Value

_BLANKS = re.compile(r"\s*")


class FilterScanner:
    """The text and the position of the next character.

    `edges` are the ends of a command line's arguments, which no quoted text crosses.
    """

    def __init__(self, text: str, edges: tuple[int, ...] = ()) -> None:
        self.text = text
        self.position = 0
        self._edges = edges

    @property
    def next(self) -> str:
        """The next character; "" at the end."""
        return self.text[self.position : self.position + 1]

    @property
    def is_at_end(self) -> bool:
        """True if nothing is left to read."""
        return self.position >= len(self.text)

    @property
    def is_at_quote(self) -> bool:
        """True if a quoted text starts here."""
        return self.next != "" and self.next in QUOTES

    @property
    def is_at_term_end(self) -> bool:
        """True at a blank, a closing parenthesis or the end."""
        return self.next in ("", ")") or self.next.isspace()

    def skip_blanks(self) -> None:
        """Move to the next character that is no blank."""
        blanks = _BLANKS.match(self.text, self.position)
        if blanks is not None:
            self.position = blanks.end()

    def take_word(self, pattern: re.Pattern[str]) -> str:
        """Read the text that matches here, or ""."""
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[0]

    def take_quoted(self) -> Value:
        """Read a quoted text."""
        start = self.position
        result = unquoted(self.text, start)
        if result is None or any(start < edge < result[1] for edge in self._edges):
            self.fail(f"unclosed quote: add {self.next} at the end")
        text, self.position = result
        check_visible(self.text[start : self.position], start)
        return Value(text, start)

    def fail(self, message: str) -> NoReturn:
        """Raise FilterError at the next character."""
        raise FilterError(message, self.position)
