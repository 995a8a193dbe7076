"""A query in tones, for reading. The words are cleaned first; the lexer only chooses tones."""

from pgtop.view.text import clean_lines
from pgtop.view.tone import Span, Tone
from pgtop.view.wrap import Line

_LONGEST_LEXED = 50_000  # characters; beyond that colours are not worth the wait


def highlighted(query: str) -> list[Line]:
    """The query line by line; keywords, literals and comments told apart."""
    text = clean_lines(query)
    if len(text) > _LONGEST_LEXED:
        return [(Span(row, Tone.PLAIN),) for row in text.split("\n")]
    lines: list[list[Span]] = [[]]
    for tone, value in _tokens(text):
        first, *others = value.split("\n")
        lines[-1].append(Span(first, tone))
        lines.extend([Span(other, tone)] for other in others)
    return [tuple(span for span in spans if span.text) for spans in lines]


def _tokens(text: str) -> list[tuple[Tone, str]]:
    from pygments.lexers.sql import PostgresLexer  # forty milliseconds of import, for the detail view alone
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
        (next((tone for family, tone in tones if is_token_subtype(token, family)), Tone.PLAIN), value)
        for token, value in lexer.get_tokens(text)
    ]
