"""The frames of dialogs: what terminates looks dangerous, what cancels careful.

Without colour the heavy frame and the light one still differ, in ASCII as `#` and `-`.
"""

from typing import NamedTuple

from rich.color import Color as RichColor
from textual.color import Color
from textual.geometry import Size
from textual.style import Style
from textual.widget import Widget

from pgtop.keys import hint
from pgtop.model.signal import Signal
from pgtop.text.tone import Tone
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows

WIDTH = 4
"""Cells of border and padding, left and right together."""
HEIGHT = 2
"""Lines of border."""


class _Look(NamedTuple):
    border: str
    plate: Tone
    """The title's tone."""
    tone: Tone
    """The tone of the button that signals."""


_HEADERS = ((24, 4), (15, 2), (0, 0))
"""Lines of screen, and how many of its header are above a list."""
_NOTICE_FROM = 15
"""Lines of screen from which the notice below a list is in sight."""
_LOOKS = {
    Signal.TERMINATE: _Look("heavy", Tone.ALARM_PLATE, Tone.ALARM),
    Signal.CANCEL: _Look("round", Tone.WARN_PLATE, Tone.WARN),
    Signal.LOG_MEMORY: _Look("round", Tone.WARN_PLATE, Tone.WARN),
}
_TERMINAL_COLOUR = Color.parse("ansi_default")


def signal_tone(signal: Signal) -> Tone:
    """Return the tone of the button that sends the signal."""
    return _LOOKS[signal].tone


def signal_plate(signal: Signal) -> Tone:
    """Return the tone of that button while it has the focus."""
    return _LOOKS[signal].plate


def draw_signal_frame(
    box: Widget,
    signal: Signal,
    palette: Palette,
) -> None:
    """Draw the frame of a question about a signal."""
    border, plate, _ = _LOOKS[signal]
    scheme = palette.styles.scheme
    is_alarm = plate is Tone.ALARM_PLATE
    title = palette.styles.tones[plate]
    words = scheme.alarm_frame if is_alarm else scheme.warn_frame
    _frame(
        box,
        border,
        _colour_of(words, title.bgcolor),
        Style.from_rich_style(title),
    )


def _colour_of(words: str, otherwise: RichColor | None) -> Color | None:
    """Return the colour of a frame that a scheme names; None for that of text."""
    colour = RichColor.parse(words) if words else otherwise
    return None if colour is None else Color.from_rich_color(colour)


def lines_around_list(size: Size) -> int:
    """Return the lines of header and notice that a list of many leaves in sight."""
    headers = [lines for least, lines in _HEADERS if size.height >= least]
    return headers[0] + _notice_lines(size)


def _notice_lines(size: Size) -> int:
    return int(size.height >= _NOTICE_FROM)


def place_list(
    box: Widget,
    size: Size,
    footer: int,
) -> None:
    """Give a list all lines between the header and the notice above the keys."""
    box.styles.height = size.height - footer - lines_around_list(size)
    box.styles.margin = (0, 0, _notice_lines(size), 0)


def place_question(
    box: Widget,
    size: Size,
    lines: int,
    row_end: int,
) -> None:
    """Put a box of so many lines into the middle, but below the row that it is about if there is
    room; `row_end` counts the lines down to that row.
    """
    free = max(0, size.height - lines)
    top = max(free // 2, min(row_end, free))
    box.styles.margin = (top, 0, 0, 0)


def show_rows_below(box: Widget, rows: Rows) -> None:
    """Show in the frame how many rows are below those in sight."""
    more = rows.more_below
    box.border_subtitle = f"{more} more below ({hint('page_down')})" if more else ""


def draw_quiet_frame(box: Widget, palette: Palette) -> None:
    """Draw the frame of what signals nothing."""
    _frame(
        box,
        "round",
        _colour_of(
            palette.styles.scheme.quiet_frame,
            palette.styles.tones[Tone.QUIET].color,
        ),
        Style.from_rich_style(palette.styles.tones[Tone.TAB]),
    )


def _frame(
    box: Widget,
    border: str,
    colour: Color | None,
    title: Style,
) -> None:
    box.styles.border = (border, colour or _TERMINAL_COLOUR)  # type: ignore[assignment]
    styles = box.styles
    if title.foreground is not None:
        styles.border_title_color = title.foreground
    if title.background is not None:
        styles.border_title_background = title.background
    styles.border_title_style = title.rich_style
