"""Line breaks for a statement that its program wrote in one line: one clause a line.

Only blanks become line breaks, so the statement stays what it was. Each token is looked at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone

KEYWORD = Tone.NOTICE
"""The tone of SQL words, by which a clause is known."""
_STATEMENTS = frozenset({"select", "insert", "update", "delete", "with", "merge"})
_CLAUSES = frozenset({
    "select", "from", "where", "set", "values", "group", "order", "having", "limit", "offset",
    "union", "intersect", "except", "returning", "window", "fetch", "and", "or",
})  # fmt: skip
_JOINS = frozenset({"join", "left", "right", "inner", "full", "cross", "natural"})
_JOINED = frozenset({*_JOINS, "outer"})
_ONLY_BEFORE = {
    "for": frozenset({"update", "share", "no", "key"}),
    "on": frozenset({"conflict"}),
}
"""Words that begin a clause only before some others: FOR UPDATE, ON CONFLICT."""
_NO_BREAK_BEHIND = {
    "from": frozenset({"delete", "distinct"}),
    "group": frozenset({"within"}),
    "select": frozenset({"("}),
}
"""Words before which a word begins no clause: DELETE FROM, IS DISTINCT FROM, WITHIN GROUP."""
_RIVER = 6
"""Cells in which the first word of a clause ends, as `SELECT` does."""
_DEEPEST = 40
"""Cells of indentation at most, however deep a statement is nested."""


@dataclass
class _Level:
    """A pair of brackets, or the whole statement."""

    indent: int
    is_query: bool
    cases: int = 0
    is_between: bool = False
    """True from a BETWEEN to its AND."""


def formatted(tokens: Sequence[Span]) -> list[Span]:
    """Return the tokens of a statement in one line with line breaks before its clauses; of any
    other text, the tokens as they are.
    """
    if any("\n" in span.text for span in tokens):
        return list(tokens)
    words = _words(tokens)
    first = next((word for word, tone in words if tone is KEYWORD), "")
    return _ClauseBreaker(words).run(tokens) if first in _STATEMENTS else list(tokens)


def _words(tokens: Sequence[Span]) -> list[Span]:
    return [Span(text.lower(), tone) for text, tone in tokens]


class _ClauseBreaker:
    """Walks over the tokens once, with a stack of brackets."""

    def __init__(self, words: Sequence[Span]) -> None:
        self._words = words
        self._next = _next_words(words)
        self._levels = [_Level(0, is_query=True)]
        self._column = 0
        self._before = ""
        """The token before this one that is no blank."""

    def run(self, tokens: Sequence[Span]) -> list[Span]:
        lines: list[Span] = []
        for index, token in enumerate(tokens):
            word, tone = self._words[index]
            if word.isspace():
                self._column += cells(word)
                lines.append(token)
                continue
            if tone is KEYWORD and self._begins_clause(word, self._next[index]):
                lines = _without_blank(lines)
                lines.append(self._line_break(word))
            self._read(word, tone, self._next[index])
            self._column += cells(token.text)
            self._before = "comment" if tone is Tone.QUIET else word
            lines.append(token)
        return lines

    def _line_break(self, word: str) -> Span:
        indent = self._levels[-1].indent + max(0, _RIVER - len(word))
        self._column = indent
        return Span("\n" + " " * indent, Tone.PLAIN)

    def _begins_clause(self, word: str, next_word: str) -> bool:
        level = self._levels[-1]
        if not self._before or not level.is_query or level.cases:
            return False
        if self._before == "comment":
            return word in _STATEMENTS
        if self._before in _NO_BREAK_BEHIND.get(word, ()):
            return False
        if word in _JOINS:
            return self._begins_join(word, next_word)
        if word in _ONLY_BEFORE:
            return next_word in _ONLY_BEFORE[word]
        is_and_of_between = word == "and" and level.is_between
        return word in _CLAUSES and not is_and_of_between

    def _begins_join(self, word: str, next_word: str) -> bool:
        is_join = word == "join" or next_word in _JOINED
        return is_join and self._before not in _JOINED

    def _read(
        self,
        word: str,
        tone: Tone,
        next_word: str,
    ) -> None:
        """Follow brackets, CASE and BETWEEN."""
        level = self._levels[-1]
        if word == "(":
            indent = min(self._column + 1, _DEEPEST)
            self._levels.append(_Level(indent, next_word in ("select", "with")))
        elif word == ")" and len(self._levels) > 1:
            self._levels.pop()
        elif tone is KEYWORD:
            level.cases = max(0, level.cases + _CASES.get(word, 0))
            level.is_between = word == "between" or (level.is_between and word != "and")


_CASES = {"case": 1, "end": -1}


def _next_words(words: Sequence[Span]) -> list[str]:
    """Return for each token the next one that is no blank."""
    return list(reversed(list(_next_words_reversed(words))))


def _next_words_reversed(words: Sequence[Span]) -> Iterator[str]:
    following = ""
    for word, _ in reversed(words):
        yield following
        if not word.isspace():
            following = word


def _without_blank(tokens: list[Span]) -> list[Span]:
    """Return the tokens without blanks at their end, which a line break replaces."""
    while tokens and not tokens[-1].text.strip(" "):
        tokens.pop()
    return tokens
