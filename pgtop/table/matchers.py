"""Ways to compare a text with a value of a filter.

Patterns come from the keyboard and are matched with texts that others wrote: each match has a time
limit, and all matches of one scan share another.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pgtop.table.language.errors import FilterError

if TYPE_CHECKING:
    import regex

TextTest: TypeAlias = Callable[[str], bool]

_MATCH_SECONDS = 0.02
_SCAN_SECONDS = 0.4
_MAX_PATTERN_LENGTH = 500
_MAX_REPEATS = 1000


@dataclass(frozen=True)
class Scan:
    """One pass over all rows. After `deadline` (monotonic) no pattern is tried."""

    context: Any
    """What a criterion needs besides the row: for sessions, the derived snapshot."""
    deadline: float

    @classmethod
    def starting_now(cls, context: Any) -> "Scan":
        """Start a scan."""
        return cls(context, time.monotonic() + _SCAN_SECONDS)


class Matcher(Protocol):
    """One way to compare a text."""

    def test(self, scan: Scan, /) -> TextTest:
        """Prepare the test of a whole text."""
        ...

    def prefix_test(self, scan: Scan, /) -> TextTest:
        """Prepare the test that is true for the beginning of a text only if it is true for the
        whole text, whatever follows.
        """
        ...


@dataclass(frozen=True)
class Contains:
    """True for a text that contains the value, in any case."""

    lower_value: str

    def test(self, _: Scan, /) -> TextTest:
        """Prepare the test of a whole text."""
        value = self.lower_value
        return lambda text: value in text.lower()

    def prefix_test(self, scan: Scan, /) -> TextTest:
        """Prepare the same test, as what is contained in a beginning is in the whole text."""
        return self.test(scan)


@dataclass(frozen=True)
class StartsWith:
    """True for a text that starts with the value, in any case."""

    lower_value: str

    def test(self, _: Scan, /) -> TextTest:
        """Prepare the test of a whole text."""
        value = self.lower_value
        return lambda text: text.lower().startswith(value)

    def prefix_test(self, scan: Scan, /) -> TextTest:
        """Prepare the same test, as a text starts like its beginning."""
        return self.test(scan)


@dataclass(frozen=True)
class Equals:
    """True for exactly the value."""

    value: str

    def test(self, _: Scan, /) -> TextTest:
        """Prepare the test of a whole text."""
        return self.value.__eq__

    def prefix_test(self, _: Scan, /) -> TextTest:
        """Prepare a test that is never true, as more text follows."""
        return lambda _: False


@dataclass(frozen=True)
class Pattern:
    """True for a text in which a regular expression matches."""

    compiled: "regex.Pattern[str]"
    position: int
    """The position of the pattern in the filter."""

    def test(self, scan: Scan, /) -> TextTest:
        """Prepare the test of a whole text."""
        search = self._search_within(scan)
        return lambda text: search(text) is not None

    def prefix_test(self, scan: Scan, /) -> TextTest:
        """Prepare the test for a match that no following text can undo."""
        source = self.compiled.pattern
        if not re.fullmatch(_WITHOUT_LOOKAROUND, source):
            return lambda _: False
        search = self._search_within(scan)
        has_edges = re.search(_EDGE, source) is not None

        def test(text: str) -> bool:
            match = search(text)
            if match is None:
                return False
            return not (has_edges and match.end() >= len(text) - 1)

        return test

    @property
    def matches_empty(self) -> bool:
        """True if the empty text matches, so that every text does."""
        return self.compiled.search("") is not None

    @property
    def needs_no_character(self) -> bool:
        r"""True if a place between characters matches: an empty variable reduces `\b$NAME\b` to
        `\b\b`.
        """
        matches = map(self.compiled.search, _WORD_EDGES)
        return any(
            match is not None and match.start() == match.end() for match in matches
        )

    @property
    def matches_any_text(self) -> bool:
        """True if texts match that have nothing in common: an empty variable reduces `^$NAME.+` to
        `^.+`.
        """
        return all(map(self.compiled.search, _UNLIKE_TEXTS))

    def _search_within(self, scan: Scan) -> "Callable[[str], regex.Match[str] | None]":
        """Return the search that raises FilterError once a match or the scan takes too long."""
        search = self.compiled.search

        def search_in_time(text: str) -> "regex.Match[str] | None":
            seconds = scan.deadline - time.monotonic()
            if seconds <= 0:
                raise _too_slow(self.position)
            try:
                return search(text, timeout=min(seconds, _MATCH_SECONDS))
            except TimeoutError:
                raise _too_slow(self.position) from None

        return search_in_time


_WITHOUT_LOOKAROUND = (
    r"(?:[^\\(*+?}]|\\(?:[bBdDwWsSntZA]|[^\w\s])|\((?![?*])|\(\?:|[*+?}]\??(?!\+))*"
)
"""Patterns without lookaround, atomic groups or the like: text behind a match can only undo the
match at its edge.
"""
_EDGE = r"\$|\\[bBZ]"
_WORD_EDGES = ("a", "- b", "1 -")
_UNLIKE_TEXTS = ("qzqz", "7171", "#~#~", "ЖЖЖЖ", "::--")


def compile_pattern(source: str, position: int) -> Pattern:
    """Compile a pattern: in any case, and `.` matches any character.

    FilterError also if compiling would take too long: the library limits only the time of matching.
    """
    if len(source) > _MAX_PATTERN_LENGTH:
        raise FilterError(
            f"a pattern may have {_MAX_PATTERN_LENGTH} characters: make it shorter",
            position,
        )
    if _repeats(source) > _MAX_REPEATS:
        raise FilterError(
            f"the pattern repeats more than {_MAX_REPEATS} times: use * or + or smaller numbers",
            position,
        )
    import regex  # late, as most filters have no pattern

    try:
        return Pattern(regex.compile(source, regex.IGNORECASE | regex.DOTALL), position)
    except RecursionError:
        raise FilterError(
            "the pattern is nested too deeply: make it simpler", position
        ) from None
    except (regex.error, ValueError) as error:
        # ValueError: flags that contradict each other.
        # The library's position counts from the pattern's start, which would mislead.
        reason, _, _ = str(error).partition(" at position")
        raise FilterError(f"the pattern cannot be read: {reason}", position) from None


def _too_slow(position: int) -> FilterError:
    return FilterError("the pattern takes too long: make it simpler", position)


def _repeats(source: str) -> int:
    """Return how often numbers in braces can repeat a part, at most: as if the braces were all
    nested.
    """
    braces = re.findall(r"\{[^}]*\}", source)
    return math.prod(map(_largest_number, braces))


def _largest_number(brace: str) -> int:
    """Return the largest number of a brace, at least 1."""
    return max(map(_digits, brace.split(","))) or 1


def _digits(text: str) -> int:
    """Return the digits of `text` as one number: in a verbose pattern `{2 00}` is 200."""
    return int("".join(re.findall(r"[0-9]", text)) or 0)
