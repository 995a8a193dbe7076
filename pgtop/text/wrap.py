"""Wrap spans to a width, between words where possible. Only the space at a break is lost."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from pgtop.text.clean import ELLIPSIS, cells, fit
from pgtop.text.tone import Span, Tone

Line: TypeAlias = tuple[Span, ...]


def line(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """Return a line of one tone."""
    return (Span(text, tone),)


def plain_text(spans: Iterable[Span]) -> str:
    """Return the text of spans without their tones."""
    return "".join([span.text for span in spans])


def line_cells(spans: Iterable[Span]) -> int:
    """Return the width of spans in terminal cells."""
    return sum([cells(span.text) for span in spans])


def as_far_as_fits(spans: Line, width: int) -> Line:
    """Return the leading spans that fit whole, and always the first one."""
    used = 0
    for place, span in enumerate(spans):
        used += cells(span.text)
        if used > width:
            return spans[: max(1, place)]
    return spans


def fitted(spans: Iterable[Span], width: int) -> Line:
    """Return cleaned spans as exactly `width` cells, cut with an ellipsis or filled with blanks."""
    line: list[Span] = []
    left = width
    for text, tone in spans:
        size = cells(text)
        if size > left:
            line.append(Span(fit(text, left) if left else "", tone))
            return tuple(line) if left else _cut_short(line)
        line.append(Span(text, tone))
        left -= size
    return (*line, Span(" " * left, Tone.PLAIN)) if left else tuple(line)


def _cut_short(line: list[Span]) -> Line:
    """Return a full line with an ellipsis in its last cell, as there is more behind it."""
    filled = [span for span in line if span.text]
    if not filled:
        return ()
    *before, (text, tone) = filled
    return (*before, Span(fit(f"{text} ", cells(text)), tone))


def wrapped(spans: Iterable[Span], width: int, indent: int = 0) -> list[Line]:
    """Return the spans as lines of `width` cells; all but the first are indented."""
    lines: list[list[Span]] = [[]]
    used = 0
    for word in _words(spans):
        for piece in _pieces(word, max(1, width - indent)):
            size = line_cells(piece)
            if used + size > width and used > 0:
                lines.append([Span(" " * indent, Tone.PLAIN)] if indent else [])
                used = indent
                piece = _without_leading_blanks(piece)
                size = line_cells(piece)
            lines[-1] += piece
            used += size
    return [_merged(parts) for parts in lines]


def first_lines(lines: Sequence[Line], count: int, width: int) -> Sequence[Line]:
    """Return so many lines at most, the last one with an ellipsis if others have no room."""
    if len(lines) <= count:
        return lines
    *whole, last = lines[:count]
    tone = last[-1].tone
    return [*whole, fitted((*last, Span(f" {ELLIPSIS}", tone)), width)]


def _words(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Yield words, each with the spaces before it, so that a break loses only spaces. A word may
    have several tones.
    """
    word: list[Span] = []
    for text, tone in spans:
        for part in _parts(text):
            if part[0] == " " and word:
                yield word
                word = []
            word.append(Span(part, tone))
    if word:
        yield word


def _parts(text: str) -> Iterator[str]:
    """Yield the words of a text, each with the spaces before it."""
    start = 0
    while start < len(text):
        word_at = start
        while word_at < len(text) and text[word_at] == " ":
            word_at += 1
        end = text.find(" ", word_at)
        end = len(text) if end < 0 or word_at == len(text) else end
        yield text[start:end]
        start = end


def _pieces(word: list[Span], width: int) -> Iterator[list[Span]]:
    """Yield the pieces of a word that is longer than a line; most words are one piece."""
    if line_cells(word) <= width:
        yield word
        return
    piece: list[Span] = []
    used = 0
    for text, tone in word:
        for character in text:
            size = cells(character)
            if piece and used + size > width:
                yield piece
                piece = []
                used = 0
            piece.append(Span(character, tone))
            used += size
    yield piece


def _without_leading_blanks(word: list[Span]) -> list[Span]:
    """Return the word without the spaces before it, which may be a span of their own."""
    for place, (text, tone) in enumerate(word):
        if start := text.lstrip(" "):
            return [Span(start, tone), *word[place + 1 :]]
    return []


def _merged(parts: list[Span]) -> Line:
    merged: list[Span] = []
    for text, tone in parts:
        if merged and merged[-1].tone is tone:
            merged[-1] = Span(merged[-1].text + text, tone)
        elif text:
            merged.append(Span(text, tone))
    return tuple(merged)
