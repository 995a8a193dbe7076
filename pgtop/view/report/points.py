"""Curves over time, with as many points as a chart has room for, and nothing drawn in a gap."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from pgtop.model.gap import Gap
from pgtop.model.timestamp import Instant


class CurvePoint(NamedTuple):
    """A value at a place between the start of the chart, 0, and its end, 1."""

    share: float
    value: float


def strokes(
    times: Sequence[Instant], values: Sequence[float], gaps: Sequence[Gap], count: int
) -> list[list[CurvePoint]]:
    """Return the lines of a curve, which ends before each gap and goes on behind it.

    At most `count` points are left: of values that fall together the highest stays.
    """
    if not times:
        return []
    first, span = times[0], max(1, times[-1] - times[0])
    breaks = _breaks(times, gaps)
    runs: list[list[CurvePoint]] = [[]]
    for index, time in enumerate(times):
        if index in breaks:
            runs.append([])
        runs[-1].append(CurvePoint((time - first) / span, values[index]))
    return [_thinned(run, count) for run in runs]


def columns(
    times: Sequence[Instant], values: Sequence[float], gaps: Sequence[Gap], count: int
) -> list[float | None]:
    """Return the highest value of each of `count` stretches of time; None where a gap is.

    A stretch without a sample, which no gap explains, has the value before it.
    """
    lines = strokes(
        times,
        values,
        gaps,
        max(count, len(times)),
    )
    cells: list[float | None] = [None] * count
    for points in lines:
        for before, after in pairwise([*points, points[-1]]):
            start, end = _column(before.share, count), _column(after.share, count)
            for column in range(start, max(start + 1, end)):
                cells[column] = max(cells[column] or 0, before.value)
    return cells


def _breaks(times: Sequence[Instant], gaps: Sequence[Gap]) -> set[int]:
    """Return the indices of the samples that have a gap between them and the one before."""
    breaks: set[int] = set()
    for gap in gaps:
        first = bisect_right(times, gap.first_at)
        last = len(times) if gap.last_at is None else bisect_left(times, gap.last_at)
        breaks.update(range(max(1, first), min(last + 1, len(times))))
    return breaks


def _thinned(points: Sequence[CurvePoint], count: int) -> list[CurvePoint]:
    if len(points) <= count:
        return list(points)
    groups = groupby(points, lambda point: _column(point.share, count))
    return [max(group, key=lambda point: point.value) for _, group in groups]


def _column(share: float, count: int) -> int:
    return min(count - 1, int(share * count))
