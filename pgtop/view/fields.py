"""Values behind their labels, as dialogs and the page of one session show them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgtop.keys import hint
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped

_COLUMN = 12
"""Cells of the labels, where there is room for a column of them."""
_NARROW = 48
"""Cells below which a value follows its label at once."""


class LabelledValue(NamedTuple):
    """A cleaned value behind its label."""

    label: str
    value: Line


def field(label: str, text: str, tone: Tone = Tone.PLAIN) -> LabelledValue:
    """Return a field with a value of one tone."""
    return LabelledValue(label, line(text, tone))


def field_lines(
    fields: Iterable[LabelledValue],
    width: int,
    column: int = _COLUMN,
) -> list[Line]:
    """Return the fields at `width` cells, one below the other."""
    lines: list[Line] = []
    for label, value in fields:
        lines += _field_lines(
            label,
            value,
            width,
            column,
        )
    return lines


def _field_lines(
    label: str,
    value: Line,
    width: int,
    column: int,
) -> list[Line]:
    if width < _NARROW:
        narrow_label = Span(f"{label} ", Tone.QUIET)
        return wrapped((narrow_label, *value), width)
    padded = Span(f"{label:<{column}}", Tone.QUIET)
    return wrapped((padded, *value), width, indent=column)


class FittedText(NamedTuple):
    """The text of a question within its room."""

    lines: list[Line]
    read_to: int
    """How many lines of the fields are in sight or above it; 0 if they cannot be read here."""
    is_scrolled: bool = False
    """True if not all fields have room."""


class QuestionText(NamedTuple):
    """The parts of a question, wrapped."""

    subject: list[Line]
    """What always stays in sight."""
    fields: list[Line]
    """What must be read before a yes."""
    extra: Sequence[Line] = ()
    """What a small screen may leave out."""
    last: Line = ()
    """A line that keeps its place, whether empty or not."""

    def fit(self, room: int, top: int) -> FittedText:
        """Return as much as fits; fields without room scroll, from the line `top` on."""
        subject, fields, extra, last = self
        gap: list[Line] = [()] if subject else []
        whole = [*subject, *gap, *fields, *extra, last]
        if len(whole) <= room:
            return FittedText(whole, len(fields))
        rest = [last] if last else []
        spare = room - len(subject) - len(fields) - len(rest)
        if spare >= 0:
            lines = [*subject, *fields, *extra[:spare], *rest]
            return FittedText(lines, len(fields))
        return self._scrolled([*rest, *subject], room, top)

    def _scrolled(
        self,
        pinned: list[Line],
        room: int,
        top: int,
    ) -> FittedText:
        page = room - len(pinned) - 1
        if page < 1:
            return FittedText(
                [*pinned, *self.fields][: max(1, room)], 0, is_scrolled=True
            )
        top = min(top, len(self.fields) - page)
        end = top + page
        below = len(self.fields) - end
        words = f"{below} more below ({hint('page_down')})" if below else "the end"
        lines = [*pinned, *self.fields[top:end], line(words, Tone.QUIET)]
        return FittedText(lines, end, is_scrolled=True)
