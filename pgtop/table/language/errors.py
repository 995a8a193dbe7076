"""The one error of the language."""

from typing import NamedTuple


class Fix(NamedTuple):
    """The nearest right spelling of a misspelt part of a filter."""

    problem: str
    """The problem without the remedy."""
    start: int
    end: int
    """The part of the filter that the spelling replaces."""
    text: str


class FilterError(ValueError):
    """A filter that cannot be read, or takes too long.

    `message` contains the remedy, `position` counts the filter's characters from 0, and str() shows
    both.
    """

    def __init__(self, message: str, position: int, fix: Fix | None = None) -> None:
        super().__init__(f"character {position + 1}: {message}")
        self.message = message
        self.position = position
        self.fix = fix
