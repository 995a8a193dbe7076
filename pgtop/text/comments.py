"""The comments before an SQL statement, which hide its verb on a narrow screen.

Comments nest, as in PostgreSQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
Hints (`/*+ … */`) and the tags of tracing libraries (`/*app='web'*/`) are comments, too.
"""

import re
from functools import lru_cache

_LINE = "--"
_OPEN = "/*"
_STARTS = (_LINE, _OPEN)
_LINE_END = re.compile(r"[\n\r]")
_BLOCK_MARK = re.compile(r"/\*|\*/")


def statement_of(text: str) -> str:
    """Return `text` from its statement on; whole if it is nothing but comments, or if a comment has
    no end.
    """
    start = text.lstrip()
    return _without_comments(start) if start.startswith(_STARTS) else start


@lru_cache(maxsize=512)
def _without_comments(text: str) -> str:
    place = 0
    while text.startswith(_STARTS, place):
        end = _line_end(text, place)
        if text.startswith(_OPEN, place):
            end = _block_end(text, place)
        if end is None:
            return text
        place = _next_word(text, end)
    return text[place:] or text


def _line_end(text: str, place: int) -> int | None:
    match = _LINE_END.search(text, place)
    return None if match is None else match.end()


def _block_end(text: str, place: int) -> int | None:
    """Return the place behind a comment and all comments inside it; None if it has no end."""
    depth = 0
    for mark in _BLOCK_MARK.finditer(text, place):
        depth += 1 if mark[0] == _OPEN else -1
        if not depth:
            return mark.end()
    return None


def _next_word(text: str, place: int) -> int:
    return len(text) - len(text[place:].lstrip())
