"""Durations for people: how long ago, in six cells, and back from what they type.

What `age` writes is cut, never rounded up: "60s" is never seen, and "5m00s" means that five minutes
are over.
"""

import re
from itertools import pairwise

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
UNIT_WORD = r"(?:(ms)ecs?|(ms)|(s)(?:ecs?|econds?)?|(m)(?:ins?|inutes?)?|(h)(?:rs?|ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)"
"""A unit as people write it; the group that takes part is how it is written here."""
_MOST_DAYS = 99_999  # 273 years: five digits and a "d" are six cells


def rough_age(seconds: float | None) -> str:
    """As `age`, in whole seconds, and from a minute on in whole minutes: what need not be drawn
    every second.
    """
    if seconds is None or seconds >= 3600:
        return age(seconds)
    return f"{int(max(0.0, seconds))}s" if seconds < 60 else f"{int(seconds) // 60}m"


def quiet_age(seconds: float | None) -> str:
    """As `rough_age`, and from ten seconds to a minute in tens: there are hundreds of idle
    sessions.
    """
    return rough_age(seconds if seconds is None or not 10 <= seconds < 60 else seconds // 10 * 10)


def age(seconds: float | None) -> str:
    """`seconds` in at most six cells, such as 0.4s 12s 3m12s 2h05m 3d04h 412d; nothing for None."""
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


def _long_age(minutes: int) -> str:
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minute:02}m"
    days, hour = divmod(hours, 24)
    if days < 100:
        return f"{days}d{hour:02}h"
    return f"{min(days, _MOST_DAYS)}d"


def parse_duration(text: str) -> float:
    """Seconds of what people write: `90` (seconds), `200ms`, `1.5h`, `2d`, `1h30m`; ValueError says
    what is right.
    """
    wanted = text.strip().lower()
    if _NUMBER.fullmatch(wanted):
        return float(wanted)
    if not _DURATION.fullmatch(wanted):
        raise ValueError(f"{text!r} is not a duration: write {_right_spelling(wanted)}")
    parts = [(float(number), _SECONDS[unit]) for number, unit in _PART.findall(wanted)]
    if any(one <= other for (_, one), (_, other) in pairwise(parts)):
        raise ValueError(
            f"{text!r} is not a duration: each unit stands once, the longest first, as in 1h30m"
        )
    return sum(number * seconds for number, seconds in parts)


def _right_spelling(wanted: str) -> str:
    found = re.fullmatch(rf"([0-9]+(?:\.[0-9]+)?)\s*{UNIT_WORD}", wanted)
    if found is None:
        return "a number and ms, s, m, h, d or w, as in 90s, 5m or 1h30m"
    return found[1] + next(unit for unit in found.groups()[1:] if unit)
