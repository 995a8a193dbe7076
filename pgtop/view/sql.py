"""A query, made readable: SQL words in a tone, one clause a line. The text is cleaned first.

Queries are hostile and may be as long as the server keeps them, so all work on them is bounded.
"""

from typing import Any

from pgtop.text.clean import clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.sql_format import KEYWORD, formatted

_LONGEST_LEXED = 8_000
"""Characters; the time for more grows with the square of their number in some queries."""
_REST_INDENT = 7
_LONGEST_SHOWN = 100_000
"""Characters; cleaning and wrapping more takes longer than a key may wait."""


def query_lines(query: str, width: int) -> list[Line]:
    """Return the query at `width` cells.

    For an extremely long query, return its beginning and the number of characters left out.
    """
    lines: list[Line] = []
    for row in highlighted(query[:_LONGEST_SHOWN]):
        lines += wrapped(row, width, _indent(width)) or [()]
    more = len(query) - _LONGEST_SHOWN
    if more > 0:
        lines.append(
            line(f"… {more:,} more characters: y copies all of them", Tone.NOTICE)
        )
    return lines


def _indent(width: int) -> int:
    """Return the cells before the rest of a line that is too long."""
    return min(_REST_INDENT, width // 4)


def highlighted(query: str) -> list[Line]:
    """Return the lines of the query, with its first 8,000 characters highlighted and formatted."""
    text = clean_lines(query)
    rest = Span(text[_LONGEST_LEXED:], Tone.PLAIN)
    tokens = formatted(_tokens(text[:_LONGEST_LEXED]))
    lines: list[list[Span]] = [[]]
    for value, tone in (*tokens, rest):
        first, *others = value.split("\n")
        lines[-1].append(Span(first, tone))
        lines.extend([Span(other, tone)] for other in others)
    return [_without_empty(spans) for spans in lines]


def _without_empty(spans: list[Span]) -> Line:
    return tuple(span for span in spans if span.text)


def _tokens(text: str) -> list[Span]:
    # Late: 40 ms of import, for the detail view alone.
    from pygments.lexers.sql import PostgresLexer
    from pygments.token import Comment, Keyword, is_token_subtype

    families = ((Keyword, KEYWORD), (Comment, Tone.QUIET))

    def tone_of(token: Any) -> Tone:
        tones = (tone for family, tone in families if is_token_subtype(token, family))
        return next(tones, Tone.PLAIN)

    lexer = PostgresLexer(stripnl=False, stripall=False, ensurenl=False)
    return [Span(value, tone_of(token)) for token, value in lexer.get_tokens(text)]
