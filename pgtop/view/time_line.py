"""The time line of the header: the slots in use, a mark where the user stands, and the gaps."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.analysis.sample_summary import SampleSummary
from pgtop.model.gap import Gap
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.monitor.past import Stretch
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.spark import UNKNOWN, spark

GAP = "╌"
"""A part of the line in which the server was not seen."""
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60)
"""Seconds of a cell that are easy to count in."""
_FULL = 0.8
"""Share of the usable slots in use from which a cell is a warning."""
_LEAST_SPAN = 10
"""The height of the line in slots, unless more have come and gone."""


class _Cell(NamedTuple):
    """The most at once in one cell."""

    used: int | None = None
    """None without a sample."""
    is_warning: bool = False
    is_gap: bool = False


def first_time(stretch: Stretch, width: int) -> Instant:
    """Return the time of the first of `width` cells."""
    step = _step(stretch, width)
    return (stretch.last_at // step - width + 1) * step


def time_cells(stretch: Stretch, at: Instant, width: int) -> Line:
    """Return the slots in use as `width` cells, the newest time at the right end."""
    step = _step(stretch, width)
    first = first_time(stretch, width) // step
    last = first + width - 1
    cells = _cells(stretch, step, first, last)
    values = [cell.used for cell in cells]
    lowest = min([value for value in values if value is not None], default=0)
    texts = spark(values, lowest, _LEAST_SPAN)
    mark = min(max(at // step - first, 0), width - 1)
    spans = []
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        spans.append(Span(GAP if cell.is_gap else text, _tone(cell, index, mark)))
    return _joined(spans)


def _tone(cell: _Cell, index: int, mark: int) -> Tone:
    if index == mark:
        return Tone.WARN_PLATE
    if index > mark or cell.used is None:
        return Tone.QUIET
    return Tone.WARN if cell.is_warning else Tone.CALM


def _step(stretch: Stretch, width: int) -> int:
    """Return the microseconds of a cell: whole steps of the clock, so that cells stand still."""
    seconds = (stretch.last_at - stretch.first_at) // MICROSECONDS + 1
    least = -(-seconds // max(1, width - 1))
    step = next((each for each in _STEPS if each >= least), least)
    return step * MICROSECONDS


def _cells(stretch: Stretch, step: int, first: int, last: int) -> list[_Cell]:
    count = last - first + 1
    samples: list[list[SampleSummary]] = [[] for _ in range(count)]
    for summary in stretch.summaries:
        place = summary.at // step - first
        if 0 <= place < count:
            samples[place].append(summary)
    cells: list[_Cell] = []
    newest = max([s.at // step for s in stretch.summaries], default=first - 1)
    for place, summaries in enumerate(samples):
        start = (first + place) * step
        if summaries:
            cells.append(_full(summaries))
        elif _is_gap(stretch.gaps, start, start + step):
            cells.append(_Cell(is_gap=True))
        elif cells and first + place < newest:
            # Samples are rarer than cells: the last one holds.
            cells.append(cells[-1]._replace(is_gap=False))
        else:
            cells.append(_Cell())
    return cells


def _full(summaries: Sequence[SampleSummary]) -> _Cell:
    used = max([summary.used for summary in summaries])
    is_warning = any(map(_warns, summaries))
    return _Cell(used, is_warning)


def _warns(summary: SampleSummary) -> bool:
    return bool(summary.waiting) or summary.used >= _FULL * max(1, summary.usable)


def _is_gap(gaps: Sequence[Gap], start: Instant, end: Instant) -> bool:
    """Return whether a gap covers a part of this time."""
    for gap in gaps:
        is_before_end = gap.last_at is None or gap.last_at > start
        if gap.first_at < end and is_before_end:
            return True
    return False


def _joined(spans: Sequence[Span]) -> Line:
    """Join neighbours of one tone."""
    return tuple(_runs(spans))


def _runs(spans: Sequence[Span]) -> Iterator[Span]:
    text = ""
    tone = Tone.PLAIN
    for span in spans:
        if text and span.tone is not tone:
            yield Span(text, tone)
            text = ""
        text += span.text
        tone = span.tone
    if text:
        yield Span(text, tone)


def has_unknown(cells: Line) -> bool:
    """Return whether a part of the line has no sample and no gap."""
    return any(UNKNOWN in span.text for span in cells)
