"""A query in tones, for reading. The words are cleaned first; the lexer only chooses tones.

A stranger may have written it, and as long as the server keeps them: all that is done to it is
bounded.
"""

from pgtop.text.clean import clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped

_LONGEST_LEXED = 8_000
"""Characters; more are not worth the wait, which grows with the square of some texts."""
_LONGEST_SHOWN = 100_000
"""Characters; cleaning and breaking more of them takes longer than a key may wait."""


def query_lines(query: str, width: int) -> list[Line]:
    """The query at `width` cells; of one that is far too long to read its beginning, and how much
    more there is.
    """
    rows = highlighted(query[:_LONGEST_SHOWN])
    more = len(query) - _LONGEST_SHOWN
    note = line(f"… {more:,} more characters: y copies all of them", Tone.NOTICE)
    return [
        *(part for row in rows for part in wrapped(row, width) or [()]),
        *([note] if more > 0 else []),
    ]


def highlighted(query: str) -> list[Line]:
    """The query line by line; keywords, literals and comments told apart, in its first 8,000
    characters.
    """
    text = clean_lines(query)
    lines: list[list[Span]] = [[]]
    for tone, value in (*_tokens(text[:_LONGEST_LEXED]), (Tone.PLAIN, text[_LONGEST_LEXED:])):
        first, *others = value.split("\n")
        lines[-1].append(Span(first, tone))
        lines.extend([Span(other, tone)] for other in others)
    return [tuple(span for span in spans if span.text) for spans in lines]


def _tokens(text: str) -> list[tuple[Tone, str]]:
    from pygments.lexers.sql import (
        PostgresLexer,
    )  # forty milliseconds of import, for the detail view alone
    from pygments.token import Comment, Keyword, Literal, Number, String, is_token_subtype

    tones = (
        (Keyword, Tone.STRONG),
        (Comment, Tone.QUIET),
        (String, Tone.CALM),
        (Number, Tone.NOTICE),
        (Literal, Tone.CALM),
    )
    lexer = PostgresLexer(stripnl=False, stripall=False, ensurenl=False)
    return [
        (
            next((tone for family, tone in tones if is_token_subtype(token, family)), Tone.PLAIN),
            value,
        )
        for token, value in lexer.get_tokens(text)
    ]
