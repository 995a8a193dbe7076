"""The chart of the waits view: active sessions over time, stacked by what they wait for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, zip_longest
from math import ceil
from typing import NamedTuple

from pgtop.analysis.wait_buckets import Heights
from pgtop.analysis.wait_profile import Profile
from pgtop.model.timestamp import MICROSECONDS, Instant, to_datetime
from pgtop.model.waits import WaitClass
from pgtop.text.measured import at_the_point, measured, percent
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, as_far_as_fits
from pgtop.view.waits import NO_LOAD, TONES, load_words

GLYPHS: Mapping[WaitClass, str] = {
    WaitClass.CPU: "█",
    WaitClass.IO: "▓",
    WaitClass.LWLOCK: "░",
    WaitClass.IPC: "P",
    WaitClass.TIMEOUT: "S",
    WaitClass.CLIENT: "N",
    WaitClass.OTHER: "-",
    WaitClass.LOCK: "▒",
    WaitClass.IDLE_IN_TRANSACTION: "T",
}
LETTERS: Mapping[WaitClass, str] = {
    **GLYPHS,
    WaitClass.CPU: "C",
    WaitClass.IO: "I",
    WaitClass.LWLOCK: "W",
    WaitClass.LOCK: "L",
}
"""Signs for a terminal without colours, or in ASCII."""
_CPU_LINE = "╌"
_GAP = "·"
_AXIS_CELLS = 4
LEGEND_CELLS = 38
_AXIS_LINES = 2
_LEAST_ROWS = 3
_LEAST_COLUMNS = 20
_LEGEND_FROM = _AXIS_CELLS + _LEAST_COLUMNS + LEGEND_CELLS + 2
_STEPS = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 15, 20, 30, 50, 100, 200, 500, 1000)
"""Sessions that a row of the chart may stand for."""
_TIME_EVERY = 15
"""Columns between two times below the chart."""


_LINES_AROUND = 6
"""Lines of a screen that are header and footer."""
_LEAST_BODY = 14
_PART = 0.6
"""The part of the body that the chart takes."""


def chart_height(height: int) -> int:
    """Return the lines of the chart on a screen of so many; 0 for none."""
    body = height - _LINES_AROUND
    return round(_PART * body) if body >= _LEAST_BODY else 0


class ChartSize(NamedTuple):
    """The room of a chart, in cells."""

    width: int
    height: int

    @property
    def columns(self) -> int:
        """The buckets that fit."""
        legend = LEGEND_CELLS + 2 if self.has_legend else 0
        return max(1, self.width - _AXIS_CELLS - legend)

    @property
    def rows(self) -> int:
        """The rows of columns; the axis and its times stand below."""
        return self.height - _AXIS_LINES - (not self.has_legend)

    @property
    def has_legend(self) -> bool:
        return self.width >= _LEGEND_FROM

    @property
    def is_drawn(self) -> bool:
        """True if there is room for a chart that can be read."""
        return self.rows >= _LEAST_ROWS and self.width >= _LEAST_COLUMNS + _AXIS_CELLS


class WaitChart(NamedTuple):
    """All that a chart shows."""

    buckets: Sequence[Heights | None]
    """The oldest first; None for a time without samples."""
    seconds: int
    """Seconds of a bucket."""
    end: Instant
    """The end of the last bucket."""
    classes: Profile
    """The profile by class of all samples in the chart."""
    cpus: float = 0.0
    """CPUs of the server; 0 if that is not known."""
    is_now: bool = True
    """True unless the chart ends in the past."""
    has_letters: bool = False
    is_local_time: bool = False

    @property
    def glyphs(self) -> Mapping[WaitClass, str]:
        return LETTERS if self.has_letters else GLYPHS


def chart_lines(chart: WaitChart, size: ChartSize) -> list[Line]:
    """Return the lines of a chart, with its legend on the right where there is room."""
    unit = _unit(chart, size.rows)
    blank = _blank(chart.cpus, unit, size.rows)
    columns = [
        _column(heights, unit, blank, chart.has_letters) for heights in chart.buckets
    ]
    blocks = [_block(tuple(columns[cut]), chart.has_letters) for cut in _cuts(chart)]
    lines: list[Line] = []
    for row, parts in enumerate(zip(*blocks, strict=True)):
        lines.append((_row_label(row, unit), *_joined(parts)))
    lines.reverse()
    rule = "─" * size.columns
    lines.append((Span(f"   └{rule}", Tone.QUIET),))
    lines.append((Span(_times(chart, size.columns), Tone.QUIET),))
    if not size.has_legend:
        return [*lines, legend_line(chart, size.width)]
    return _beside(lines, legend_lines(chart, size.height), size)


def _load(heights: Heights | None) -> float:
    return 0.0 if heights is None else sum(heights[:-1])


def _unit(chart: WaitChart, rows: int) -> float:
    """Return the sessions of one row, a round number. Sessions without load are cut off at the
    top, so that they do not flatten the load.
    """
    most = max(map(_load, chart.buckets), default=0.0)
    highest = max(most, min(chart.cpus, 2 * most))
    if not highest:
        idle = [sum(each or ()) for each in chart.buckets]
        highest = max(idle, default=0.0)
    fitting = (step for step in _STEPS if step * rows >= highest)
    return next(fitting, ceil(highest / rows))


def _blank(cpus: float, unit: float, rows: int) -> str:
    """Return a column without sessions, from below: it has the line of the CPUs alone."""
    place = ceil(cpus / unit) - 1
    if not 0 <= place < rows:
        return " " * rows
    return f"{' ' * place}{_CPU_LINE}{' ' * (rows - place - 1)}"


@lru_cache(maxsize=1024)
def _column(
    heights: Heights | None,
    unit: float,
    blank: str,
    has_letters: bool,
) -> str:
    """Return the signs of one bucket, from below: each is of the class at its middle."""
    if heights is None:
        return _GAP + blank[1:]
    rows = len(blank)
    signs = ""
    top = 0.0
    glyphs = _SIGNS[has_letters]
    for glyph, height in zip(glyphs, heights, strict=True):
        top += height
        filled = min(rows, int(top / unit + 0.5))
        signs += glyph * (filled - len(signs))
    if not signs and top:
        signs = glyphs[heights.index(max(heights))]
    return signs + blank[len(signs) :]


def _in_order(glyphs: Mapping[WaitClass, str]) -> str:
    return "".join([glyphs[kind] for kind in WaitClass])


_SIGNS = (_in_order(GLYPHS), _in_order(LETTERS))
"""The signs in the order of the classes: without and with letters."""


class _Runs(NamedTuple):
    """A pattern that cuts a row of signs into runs of one tone."""

    pattern: re.Pattern[str]
    """A group for each tone but the quiet one."""
    tones: Sequence[Tone]
    """The quiet one, and those of the groups."""


def _runs_of(glyphs: Mapping[WaitClass, str]) -> _Runs:
    signs: dict[Tone, str] = {}
    for kind, glyph in glyphs.items():
        tone = TONES[kind]
        signs[tone] = signs.get(tone, "") + re.escape(glyph)
    # gaps and the line of the CPUs are quiet, too
    del signs[Tone.QUIET]
    groups = [f"([{each}]+)" for each in signs.values()]
    others = "".join(signs.values())
    pattern = re.compile("|".join([*groups, f"[^{others}]+"]))
    return _Runs(pattern, (Tone.QUIET, *signs))


_RUNS = (_runs_of(GLYPHS), _runs_of(LETTERS))
"""Without and with letters."""


def _cuts(chart: WaitChart) -> Sequence[slice]:
    """Return the columns of each block. Blocks end at whole steps of the clock, so all but the
    first and the last are known from the chart before.
    """
    count = len(chart.buckets)
    last_step = chart.end // (chart.seconds * MICROSECONDS)
    first_end = (count - last_step) % _BLOCK_COLUMNS
    ends = [*range(first_end, count, _BLOCK_COLUMNS), count]
    pairs = pairwise((0, *ends))
    return [slice(start, end) for start, end in pairs if start < end]


_BLOCK_COLUMNS = 16
"""The smaller, the fewer columns are made again; the larger, the fewer parts a row has."""


def _joined(parts: Iterable[Line]) -> Line:
    """Return the parts as one row, with one span for neighbours of one tone."""
    spans: list[Span] = []
    for part in parts:
        if spans and spans[-1].tone is part[0].tone:
            text = spans.pop().text + part[0].text
            spans.append(Span(text, part[0].tone))
            part = part[1:]
        spans += part
    return tuple(spans)


@lru_cache(maxsize=64)
def _block(columns: tuple[str, ...], has_letters: bool) -> tuple[Line, ...]:
    """Return the rows of some columns, from below; neighbours of one tone are one span."""
    rows = map("".join, zip(*columns, strict=True))
    return tuple([_spans(signs, has_letters) for signs in rows])


def _spans(signs: str, has_letters: bool) -> Line:
    pattern, tones = _RUNS[has_letters]
    matches = pattern.finditer(signs)
    return tuple([Span(each[0], tones[each.lastindex or 0]) for each in matches])


def forget_chart() -> None:
    """Drop the parts of the last charts, which no closed view needs."""
    _block.cache_clear()
    _column.cache_clear()


def _row_label(row: int, unit: float) -> Span:
    """Return the scale of a row: the number of sessions at its top, in each second row."""
    value = (row + 1) * unit
    label = f"{value:g}" if row % 2 else ""
    return Span(f"{label[:3]:>3}│", Tone.QUIET)


def _times(chart: WaitChart, columns: int) -> str:
    """Return the line with the times of some buckets; that of the last one stands at the end."""
    width = chart.seconds * MICROSECONDS
    form = "%H:%M" if chart.seconds * _TIME_EVERY >= 60 else "%H:%M:%S"
    end = "now" if chart.is_now else _clock(chart.end, "%H:%M:%S", chart.is_local_time)
    text = " " * _AXIS_CELLS
    for column in range(0, columns, _TIME_EVERY):
        place = _AXIS_CELLS + column
        label = _clock(
            chart.end - (columns - column) * width, form, chart.is_local_time
        )
        if place + len(label) + 2 > _AXIS_CELLS + columns - len(end):
            break
        text = f"{text:<{place}}{label}"
    return f"{text:<{_AXIS_CELLS + columns - len(end)}}{end}"


def _clock(at: Instant, form: str, is_local: bool) -> str:
    moment = to_datetime(at)
    return format(moment.astimezone() if is_local else moment, form)


# The legend.


def legend_lines(chart: WaitChart, height: int) -> list[Line]:
    """Return the classes with their averages, the load in words, and that for each CPU."""
    whole = chart.classes
    title = f"{'  CLASS':<{LEGEND_CELLS - 13}}{'AVG':>5}{'SHARE':>8}"
    lines: list[Line] = [(Span(title, Tone.HEADING),)]
    ranked = sorted(whole.slices, key=lambda each: not each.wait_class.is_load)
    for each in ranked[: height - 4]:
        kind = each.wait_class
        share = percent(each.share, each.share_error) if kind.is_load else NO_LOAD
        average = at_the_point(measured(each.aas, each.error), 5)
        name = f"{chart.glyphs[kind]} {kind}"
        text = f"{name:<{LEGEND_CELLS - 13}}{average:>5}{share:>8}"
        lines.append((Span(text, TONES[kind]),))
    words = [load_words(whole) if whole.samples else "no sample yet"]
    if chart.cpus:
        for_each = measured(whole.aas / chart.cpus, whole.error / chart.cpus)
        words.append(f"{for_each} for each of {chart.cpus:g} CPUs ({_CPU_LINE})")
    blanks = height - len(lines) - len(words)
    lines += [()] * min(1, max(0, blanks))
    return [*lines, *[(Span(each, Tone.QUIET),) for each in words]]


def legend_line(chart: WaitChart, width: int) -> Line:
    """Return the signs of the classes that there are, as far as they fit."""
    spans: list[Span] = []
    for each in chart.classes.slices:
        kind = each.wait_class
        words = _SHORT.get(kind, kind.value)
        spans.append(Span(f"{chart.glyphs[kind]} {words}  ", TONES[kind]))
    return as_far_as_fits(tuple(spans), width)


_SHORT = {
    WaitClass.CPU: "CPU or n. i.",
    WaitClass.IDLE_IN_TRANSACTION: "idle tx",
}
"""Classes where there is little room."""


def _beside(
    lines: Sequence[Line], legend: Sequence[Line], size: ChartSize
) -> list[Line]:
    """Put the legend to the right of the chart."""
    gap = (Span("  ", Tone.PLAIN),)
    pairs = zip_longest(lines[: size.height], legend, fillvalue=())
    return [line + gap + right for line, right in pairs]
