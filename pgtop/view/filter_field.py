"""The filter above the headings: one quiet line while it is active, two while it is typed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pgtop.keys import hint
from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.errors import Fix
from pgtop.text.clean import ELLIPSIS, cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, first_lines, line_cells, wrapped

_LAST_WORD = re.compile(r"(?:^|[\s(!-])([^\W\d_][\w-]*)$")
_UNFINISHED_TERM = re.compile(rf"{_LAST_WORD.pattern.removesuffix('$')}([:=<>~!]*)$")
_PROMPT = "/ "
_LEAST_TEXT = 8
"""Cells that the text has on any screen."""
_NOUN_FROM = 80
"""Cells of screen from which the count has a noun."""
_LEAST_HINT = 12
"""Cells below which a hint is left out."""
_MOST_COMPLAINT_LINES = 3
_MOST_HINTS = 12
"""Words of a hint: more have no room on any screen."""
_COMPLETE = "Tab"
_EARLIER = "Up"


class TypedFilter(NamedTuple):
    """A filter that is being typed."""

    text: str
    cursor: int
    """The characters before the cursor."""
    hint: str = ""
    """The words that Tab would write."""
    matching: tuple[int, int] = (0, 0)
    """The rows that match, and all of them."""
    noun: str = ""
    """The word for the rows."""


def unfinished_key(text: str, names: Iterable[str]) -> str:
    """Return the last word of `text` if it may become a term: the beginning of a key, or a key with
    its sign and no value yet; or "".

    Applied as it is, such a word would search every column for the beginning of a key.
    """
    match = _UNFINISHED_TERM.search(text)
    if match is None:
        return ""
    word = match[1].lower().replace("_", "-")
    keys = [name for name in names if name.startswith(word)]
    is_unfinished = word in keys if match[2] else bool(keys)
    return f"{match[1]}{match[2]}" if is_unfinished else ""


def without_fragment(applied: str, text: str) -> str:
    """Return the filter that stays applied while `text` cannot be read.

    It is the last readable one, without its last word if that was only the beginning of the term
    that is wrong now: `foer` searched every column until the colon of `foer:x` made it an unknown
    key.
    """
    match = _LAST_WORD.search(applied)
    following = text[len(applied) :][:1]
    is_continued = text.startswith(applied) and not following.isspace()
    return applied[: match.start(1)] if match and is_continued else applied


# The line of the field.


def hint_words(fix: Fix | None, candidates: Sequence[str]) -> str:
    """Return what Tab would write, the next first; what it would correct stands below the field."""
    if fix is not None or not candidates:
        return ""
    return f"{_COMPLETE}: {', '.join(candidates[:_MOST_HINTS])}"


def text_with_cursor(text: str, cursor: int, room: int) -> Line:
    """Return the part of a text around the cursor that has room."""
    return _in_sight(TypedFilter(text, cursor), room)


def prompted_line(text: str, cursor: int, width: int) -> Line:
    """Return the prompt of a search, and the part of its text that has room."""
    room = max(1, width - cells(_PROMPT))
    return (Span(_PROMPT, Tone.STRONG), *text_with_cursor(text, cursor, room))


def field_line(typed: TypedFilter, width: int) -> Line:
    """Return the prompt, the text with its cursor, what Tab writes, and how many rows match."""
    count = _count(typed.matching, typed.noun if width >= _NOUN_FROM else "")
    count_size = line_cells(count)
    prompt_size = cells(_PROMPT)
    room = width - prompt_size - count_size - 1
    text = _in_sight(typed, max(_LEAST_TEXT, room))
    used = prompt_size + line_cells(text) + count_size
    words = _hint_words(typed.hint, width - used - 3)
    blanks = width - used - cells(words)
    gap = " " * max(1, blanks)
    return (
        Span(_PROMPT, Tone.STRONG),
        *text,
        Span(words, Tone.QUIET),
        Span(gap, Tone.PLAIN),
        *count,
    )


def _count(count: tuple[int, int], noun: str) -> Line:
    matching, total = count
    of_all = f" of {total} {noun}".rstrip()
    return (Span(f"{matching}", Tone.STRONG), Span(of_all, Tone.QUIET))


def _hint_words(words: str, room: int) -> str:
    """Return two blanks and the hint, with as many of its words as have room whole."""
    if not words or room < _LEAST_HINT:
        return ""
    shown = clean(words)
    if cells(shown) <= room:
        return f"  {shown}"
    part = fit(shown, room).rstrip()
    whole, comma, _ = part.rpartition(", ")
    return f"  {whole}, {ELLIPSIS}" if comma else f"  {part}"


def _in_sight(typed: TypedFilter, room: int) -> Line:
    """Return the part of the text around the cursor that has room, and the cursor."""
    text = typed.text
    place = typed.cursor
    at = clean(text[place : place + 1]) or " "
    room -= cells(at)
    before = _end_of(clean(text[:place]), room)
    room -= cells(before)
    after = _start_of(clean(text[place + 1 :]), room)
    return (
        Span(before, Tone.PLAIN),
        Span(at, Tone.TAB),
        Span(after, Tone.PLAIN),
    )


def _end_of(text: str, room: int) -> str:
    """Return the end of a text that has no room as a whole."""
    if cells(text) <= room:
        return text
    kept = text
    while kept and cells(kept) > room - 1:
        kept = kept[1:]
    return f"{ELLIPSIS}{kept}"


def _start_of(text: str, room: int) -> str:
    """Return the start of a text that has no room as a whole."""
    return text if cells(text) <= room else fit(text, max(0, room)).rstrip()


# The lines below the field.


def meaning_line(
    words: str,
    noun: str,
    unfinished: str,
    width: int,
) -> Line:
    """Return what the filter in force means, in plain words, and what is not applied yet.

    A sentence without room ends in an ellipsis: "more than 1" is not "more than 1 h".
    """
    meaning = f"= {noun} {words}" if words else f"= all {noun}"
    rest = f" · “{clean(unfinished)}” is not applied yet" if unfinished else ""
    room = width - cells(rest)
    return (Span(fit(meaning, room).rstrip() + rest, Tone.NOTICE),)


def empty_field_line(noun: str, saved: Mapping[str, str], width: int) -> Line:
    """Return what a field without text can be filled with: the user's own filters, earlier ones."""
    words = [f"= all {noun}", *_saved_words(saved), f"{_EARLIER}: earlier filters"]
    line: list[str] = []
    for word in words:
        if cells("   ".join([*line, word])) > width:
            break
        line.append(word)
    return (Span("   ".join(line), Tone.QUIET),)


def _saved_words(saved: Mapping[str, str]) -> Sequence[str]:
    return [f"@{name} {clean(text)}" for name, text in saved.items()]


def complaint_lines(error: FilterError, width: int) -> Sequence[Line]:
    """Return why nothing is applied, and the nearest right spelling."""
    words = f"! {refusal(error)}"
    lines = wrapped((Span(words, Tone.WARN),), width, indent=2)
    return first_lines(lines, _MOST_COMPLAINT_LINES, width)


def refusal(error: FilterError) -> str:
    """Return why a filter is not applied."""
    fix = error.fix
    if fix is None:
        return f"not applied: {clean(str(error))}"
    return f"not applied: {clean(fix.problem)}. Nearest: {fix.text} ({_COMPLETE})"


def active_line(
    active: Filter,
    error: FilterError | None,
    noun: str,
    width: int,
) -> Line:
    """Return the filter in force while it is not typed, or why it cannot be applied."""
    text = clean(active.text)
    if error is not None:
        return (
            Span(fit(f"filter not applied: {text}: {error.message}", width), Tone.WARN),
        )
    key = f"   {hint('clear')} clears it"
    words = fit(f"filter {text}", max(0, width - cells(key))).rstrip()
    room = width - cells(words) - cells(key)
    meaning = f"  = {noun} {active.understood}"
    shown = (
        fit(meaning, min(room, cells(meaning))).rstrip() if room > _LEAST_HINT else ""
    )
    return (
        Span("filter ", Tone.QUIET),
        Span(words.removeprefix("filter "), Tone.NOTICE),
        Span(f"{shown}{key}", Tone.QUIET),
    )
