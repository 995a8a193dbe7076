"""Measured numbers with no digit that their error does not support."""

_TENS = 5.0
_WHOLE = 0.5
_TENTHS = 0.05
_MOST_PLACES = 2


def measured(value: float, error: float) -> str:
    """Return an average with the digits that one standard error leaves it.

    A value that would round to nothing is shown as less than its last digit: `<0.1`.
    """
    if error >= _TENS:
        return _tens(value)
    places = _MOST_PLACES
    if error >= _WHOLE:
        places = 0
    elif error >= _TENTHS:
        places = 1
    text = f"{value:.{places}f}"
    is_lost = value > 0 and not float(text)
    return f"<{10**-places:g}" if is_lost else text


def percent(share: float, error: float) -> str:
    """Return a share, 0 to 1, in percent: in tens if its error is of five percent or more."""
    value = 100 * share
    if 100 * error >= _TENS:
        return f"{_tens(value)}%"
    text = f"{value:.0f}%"
    return "<1%" if value > 0 and text == "0%" else text


def at_the_point(text: str, width: int) -> str:
    """Return a number with blanks for the digits that it lacks behind the point, as far as the
    width allows, so that points stand below each other.
    """
    _, point, digits = text.partition(".")
    missing = _MOST_PLACES - len(digits)
    blanks = missing if point else missing + 1
    return text + " " * min(blanks, max(0, width - len(text)))


def _tens(value: float) -> str:
    tens = 10 * round(value / 10)
    return "<10" if value > 0 and not tens else str(tens)
