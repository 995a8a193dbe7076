"""The shortest way for the cursor.

It uses only what all terminals since the VT100 do alike: no tabs, no vertical tabs, no saved
positions. A line feed comes without a carriage return, so the terminal's line discipline must not
add one (ONLCR).
"""

from functools import lru_cache

Position = tuple[int, int]
"""Column and line, from 0."""


@lru_cache(maxsize=8192)
def move(here: Position | None, there: Position) -> str:
    """Return what moves the cursor from `here` (None if unknown) to `there`, which is on the
    screen.
    """
    if here == there:
        return ""
    x, y = there
    row = f"{y + 1}" if y else ""
    column = f";{x + 1}" if x else ""
    absolute = f"\x1b[{row}{column}H"
    if here is None:
        return absolute
    return min(_relative(here, there), absolute, key=len)


def _relative(here: Position, there: Position) -> str:
    from_left = "\r" + _steps(there[0], "C")
    return _vertically(there[1] - here[1]) + min(
        _across(here[0], there[0]), from_left, key=len
    )


def _vertically(down: int) -> str:
    if down == -1:
        return "\x1bM"  # reverse index, a byte shorter than CUU
    if down < 0:
        return _steps(-down, "A")
    return "\n" * down if down < 4 else _steps(down, "B")


def _across(here: int, there: int) -> str:
    if there >= here:
        return _steps(there - here, "C")
    back = here - there
    return "\b" * back if back < 4 else _steps(back, "D")


def _steps(count: int, direction: str) -> str:
    if not count:
        return ""
    return f"\x1b[{count if count > 1 else ''}{direction}"
