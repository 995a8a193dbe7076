"""Thresholds of checks: a percentage, or a range in the notation of monitoring plugins.

https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
"""

import math
import re
from typing import NamedTuple, TypeAlias

from pgtop.config.schema import PERCENT

_RANGE = r"(?P<inside>@)?(?:(?P<low>~|[0-9.]+)?(?P<colon>:))?(?P<high>[0-9.]+)?"


class PercentRange(NamedTuple):
    """A range of percentages. A check alerts outside of it, or `inside` of it, ends included."""

    low: float
    high: float
    inside: bool = False

    def is_surely_alert(self, least: float, most: float) -> bool:
        """Return whether every percentage from `least` to `most` alerts."""
        if self.inside:
            return self.low <= least and most <= self.high
        return most < self.low or least > self.high

    def may_be_alert(self, least: float, most: float) -> bool:
        """Return whether some percentage from `least` to `most` alerts."""
        if self.inside:
            return least <= self.high and self.low <= most
        return least < self.low or most > self.high

    def of(self, limit: int) -> str:
        """Return the range as numbers of connections, for performance data."""
        low = "~" if self.low < 0 else str(math.ceil(limit * self.low / 100))
        high = "" if self.high > 100 else str(math.floor(limit * self.high / 100))
        return f"{'@' if self.inside else ''}{low}:{high}"


Threshold: TypeAlias = float | PercentRange
"""A number alerts from that percentage on, a range as the guidelines have it."""


def threshold(text: str) -> Threshold:
    """Read a threshold. Raises ValueError."""
    word = text.strip()
    if "@" not in word and ":" not in word:
        return PERCENT(text)
    match = re.fullmatch(_RANGE, word.replace("%", ""))
    if match is None or not (match["low"] or match["high"]):
        raise ValueError(f"{text[:40]!r} is not a range such as 10:20, @10:20 or ~:20")
    low = -math.inf if match["low"] == "~" else PERCENT(match["low"] or "0")
    high = math.inf if match["high"] is None else PERCENT(match["high"])
    if low > high:
        raise ValueError(f"the range {text[:40]!r} ends before it begins")
    return PercentRange(low, high, bool(match["inside"]))
