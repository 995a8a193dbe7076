"""Curves with as many points as a chart has room for."""

from collections.abc import Sequence
from itertools import pairwise


def resampled(values: Sequence[float], count: int) -> list[float]:
    """Return at most `count` points, each the highest of the values that it stands for: peaks
    stay.
    """
    if len(values) <= count:
        return list(values)
    edges = [index * len(values) // count for index in range(count + 1)]
    return [max(values[start:end]) for start, end in pairwise(edges)]
