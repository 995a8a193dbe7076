"""Break lines of spans to a width, between words where it can. Nothing is lost but the space at a
break.
"""

from collections.abc import Iterable
from typing import TypeAlias

from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone

Line: TypeAlias = tuple[Span, ...]


def line(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """A line of one tone."""
    return (Span(text, tone),)


def as_far_as_fits(spans: Line, width: int) -> Line:
    """The leading spans that fit whole; the first is kept in any case."""
    kept, used = spans[:1], sum(cells(span.text) for span in spans[:1])
    for span in spans[1:]:
        used += cells(span.text)
        if used > width:
            break
        kept = (*kept, span)
    return kept


def wrapped(spans: Iterable[Span], width: int, indent: int = 0) -> list[Line]:
    """The spans on as many lines as they need at `width` cells; all but the first line are
    indented.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    for word, tone in _words(spans):
        for piece in _pieces(word, max(1, width - indent)):
            size = cells(piece)
            if used + size > width and used > 0:
                lines.append([Span(" " * indent, Tone.PLAIN)] if indent else [])
                used = indent
                piece = piece.lstrip(" ")
                size = cells(piece)
            lines[-1].append(Span(piece, tone))
            used += size
    return [_merged(parts) for parts in lines]


def _words(spans: Iterable[Span]) -> Iterable[tuple[str, Tone]]:
    """Words, each with the spaces before it, so that a break between them loses only spaces."""
    for text, tone in spans:
        start = 0
        while start < len(text):
            word_at = start
            while word_at < len(text) and text[word_at] == " ":
                word_at += 1
            end = text.find(" ", word_at)
            end = len(text) if end < 0 or word_at == len(text) else end
            yield text[start:end], tone
            start = end


def _pieces(word: str, width: int) -> Iterable[str]:
    """A word that is longer than a line, cut; most words are one piece."""
    if cells(word) <= width:
        yield word
        return
    piece = ""
    for character in word:
        if piece and cells(piece + character) > width:
            yield piece
            piece = ""
        piece += character
    yield piece


def _merged(parts: list[Span]) -> Line:
    merged: list[Span] = []
    for text, tone in parts:
        if merged and merged[-1].tone is tone:
            merged[-1] = Span(merged[-1].text + text, tone)
        elif text:
            merged.append(Span(text, tone))
    return tuple(merged)
