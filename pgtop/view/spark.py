"""Sparklines: one cell for each part of the last minute."""

from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"
"""A part of the minute in which nothing was measured."""


def spark(values: Sequence[int | None], lowest: int, least_span: float) -> str:
    """Return a cell for each value, from `lowest` to the highest of them.

    The cells span `least_span` at least: less would turn noise into mountains.
    """
    highest = max([value for value in values if value is not None], default=lowest)
    span = max(highest - lowest, least_span)
    return "".join([_cell(value, lowest, span) for value in values])


def _cell(value: int | None, lowest: int, span: float) -> str:
    if value is None:
        return UNKNOWN
    last = len(LEVELS) - 1
    return LEVELS[round((value - lowest) / span * last)]
