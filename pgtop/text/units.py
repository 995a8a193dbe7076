"""Durations, rates and sizes for people: shown in few cells, and parsed from what they type.

`age` cuts and never rounds up: "60s" never appears, and "5m00s" means that five minutes are over.
"""

import re
from bisect import bisect_right
from itertools import pairwise

_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
UNIT_WORD = (
    r"(?:(ms)ecs?|(ms)|(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?"
    r"|(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)"
)
"""A unit as people write it; the group that matches is the way pgtop writes it."""
_MOST_DAYS = 99_999  # 273 years: five digits and a "d" are six cells


_DECIMAL = (
    (1e12, "TB"),
    (1e9, "GB"),
    (1e6, "MB"),
    (1e3, "kB"),
)
_BINARY = (
    (1 << 30, "GiB"),
    (1 << 20, "MiB"),
    (1 << 10, "KiB"),
)
"""Bytes of a unit, and its name."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 session`, `2 sessions`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def bytes_text(value: float) -> str:
    """Return a number of bytes as `1.2 GB`, in units of a thousand."""
    for size, unit in _DECIMAL[1:]:
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} B"


def rough_bytes(value: float) -> str:
    """Return a number of bytes with two digits, which changes rarely: 18 MB, 1.2 GB."""
    for size, unit in _DECIMAL:
        if value >= size:
            return f"{two_digits(value / size)} {unit}"
    return f"{value:.0f} B"


def memory_text(value: float) -> str:
    """Return a size of memory as `1.2 GiB`, in the units that limits are given in."""
    for size, unit in _BINARY:
        if value >= size * _NEARLY:
            return f"{two_digits(value / size)} {unit}"
    return f"{value:.0f} B"


_NEARLY = 0.97
"""Share of a unit from which it is used: 995 of the next smaller one would have four digits."""


def short_memory(value: float) -> str:
    """Return a size of memory in five cells at most, as `ps` and `top` do: `1.2G`."""
    return _short(memory_text(value))


def short_bytes(value: float) -> str:
    """Return a number of bytes in six cells at most: `1.2M`."""
    return _short(rough_bytes(value))


def _short(text: str) -> str:
    """Return a size with its unit in one letter, and without that of bytes."""
    number, _, unit = text.partition(" ")
    return number + unit[:1].replace("B", "")


def rough_age(seconds: float | None) -> str:
    """Return an age in whole seconds, and from a minute on in whole minutes.

    It need not be drawn every second.
    """
    if seconds is None or seconds >= 3600:
        return age(seconds)
    if seconds >= 60:
        return f"{int(seconds) // 60}m"
    return f"{int(max(0.0, seconds))}s"


_STEPS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600)
_LEAST_STEPS = 6
"""A rounded span has so many steps or more: an estimate is hardly known better."""


def rounded_span(seconds: float | None) -> str:
    """Return an estimated time in a few round steps: 7s 25s 1m30s 12m 2h30m."""
    if seconds is None:
        return ""
    fitting = [step for step in _STEPS if step * _LEAST_STEPS <= seconds]
    step = fitting[-1] if fitting else 1
    minutes, second = divmod(max(1, round(seconds / step)) * step, 60)
    if minutes >= 60:
        return _long_age(minutes).removesuffix("00m").removesuffix("00h")
    if not minutes:
        return f"{second}s"
    return f"{minutes}m{second:02}s".removesuffix("00s")


def quiet_age(seconds: float | None) -> str:
    """Return a rough age, from ten seconds to a minute in steps of ten.

    The ages of hundreds of idle sessions would otherwise be drawn every second.
    """
    if seconds is not None and 10 <= seconds < 60:
        seconds = seconds // 10 * 10
    return rough_age(seconds)


def stepped_span(seconds: float) -> str:
    """Return a length of time in whole seconds, from ten on in tens, and later in minutes: 9 s,
    40 s, 3 min. It is rarely drawn again.
    """
    if seconds < 10:
        return f"{int(seconds)} s"
    if seconds < 60:
        return f"{int(seconds // 10 * 10)} s"
    return f"{int(seconds // 60)} min"


def age(seconds: float | None) -> str:
    """Return `seconds` in at most six cells: 0.4s 12s 3m12s 2h05m 3d04h 412d; "" for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{int(max(0.0, seconds) * 10) / 10:.1f}s"
    minutes, second = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{second}s"
    if minutes < 60:
        return f"{minutes}m{second:02}s"
    return _long_age(minutes)


_AGE_BOUNDS = (10, 60, 600, 3_600, 36_000, 86_400, 864_000, 8_640_000)
_AGE_CELLS = (4, 3, 5, 6, 5, 6, 5, 6)


def age_cells(seconds: float | None) -> int:
    """Return the length of `age` without writing it: tables measure it for each row in sight."""
    if seconds is None:
        return 0
    place = bisect_right(_AGE_BOUNDS, seconds)
    return _AGE_CELLS[place] if place < len(_AGE_CELLS) else len(age(seconds))


def _long_age(minutes: int) -> str:
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minute:02}m"
    days, hour = divmod(hours, 24)
    if days < 100:
        return f"{days}d{hour:02}h"
    return f"{min(days, _MOST_DAYS)}d"


def span(seconds: float) -> str:
    """Return a length of time in at most seven cells: 0.04 ms, 40 ms, 2.1 s, 14 min, 3.2 h.

    Times of statements differ by a factor of a million, so they need units that `age` lacks.
    """
    size, unit = next((size, unit) for most, size, unit in _SPANS if seconds < most)
    return f"{two_digits(seconds / size)} {unit}"


_SPANS = (
    (0.9995, 0.001, "ms"),
    (59.5, 1.0, "s"),
    (3_570.0, 60.0, "min"),
    (86_400.0, 3600.0, "h"),
    (float("inf"), 86_400.0, "d"),
)
"""Seconds below which a unit is used, and its own seconds."""


def two_digits(number: float) -> str:
    """Return a number with two digits that count: 0.04, 2.1, 23, 21,000."""
    if number < 0.005:
        return "0"
    if number < 9.95:
        return f"{number:.2f}" if number < 0.995 else f"{number:.1f}"
    size = 10 ** max(0, len(str(round(number))) - 2)
    return f"{round(number / size) * size:,}"


def rough_rate(value: float) -> str:
    """Return a number of two digits in at most five cells, which changes rarely: 23, 450k."""
    return rate(float(two_digits(value).replace(",", "")))


def rate(value: float) -> str:
    """Return a rate in at most five cells."""
    if value == 0:
        return "0"
    if value < 9.95:
        return f"{value:.1f}"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1000 if unit == 'k' else size):.0f}{unit}"
    return f"{value:,.0f}"


def parse_duration(text: str) -> float:
    """Return the seconds of `90` (seconds), `200ms`, `1.5h`, `2d` or `1h30m`.

    Raises ValueError with the right spelling.
    """
    duration = text.strip().lower()
    if _NUMBER.fullmatch(duration):
        return float(duration)
    if not _DURATION.fullmatch(duration):
        raise ValueError(
            f"{text!r} is not a duration: write {_right_spelling(duration)}"
        )
    parts = [
        (float(number), _SECONDS[unit]) for number, unit in _PART.findall(duration)
    ]
    units = [seconds for _, seconds in parts]
    if any(first <= second for first, second in pairwise(units)):
        advice = "write each unit once, the longest first, as in 1h30m"
        raise ValueError(f"{text!r} is not a duration: {advice}")
    return sum(number * seconds for number, seconds in parts)


def _right_spelling(duration: str) -> str:
    match = re.fullmatch(rf"([0-9]+(?:\.[0-9]+)?)\s*{UNIT_WORD}", duration)
    if match is None:
        return "a number and ms, s, m, h, d or w, as in 90s, 5m or 1h30m"
    return match[1] + next(unit for unit in match.groups()[1:] if unit)
