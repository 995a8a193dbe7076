"""The question for the terminal's text colour and background, and its answer.

xterm and most of its kin answer, within a round trip. tmux before 3.4, GNU screen, mosh and the
Linux console do not, so nothing may wait for the answer.
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Operating-System-Commands
"""

import re
from time import monotonic
from typing import NamedTuple

from pgtop.text.colour import RGB

_REQUEST = "\x1b]10;?\x1b\\\x1b]11;?\x1b\\"
"""The text's colour first: once the background is reported, no answer to the other is to come."""
_CHANNEL = "([0-9a-fA-F]{1,4})"
_REPORT = rf"1(?P<which>[01]);rgba?:{_CHANNEL}/{_CHANNEL}/{_CHANNEL}(?:/{_CHANNEL})?"
_LATE_SECONDS = 0.1
"""Seconds that an answer counts for once the terminal has answered a later question.

Terminals answer in order, so by then none is to come, whatever the line and the machine delay. A
later change of colours would startle the reader of the screen.
"""


class ColourReport(NamedTuple):
    """One of the terminal's two colours."""

    is_background: bool
    colour: RGB


class TerminalColours(NamedTuple):
    """The background, and the text's colour if the terminal reports it."""

    background: RGB
    text: RGB | None


class ColourQuery:
    """One question and its answer. Nothing counts that was not requested, or comes late."""

    def __init__(self) -> None:
        self.is_awaited = False
        """True from the request to the answer."""
        self._until: float | None = None
        self._text: RGB | None = None

    def request(self) -> str:
        """Return the question, to be sent to the terminal."""
        self.is_awaited = True
        return _REQUEST

    def close_soon(self) -> None:
        """Note that the terminal has answered a later question."""
        self._until = self._until or monotonic() + _LATE_SECONDS

    def take(self, report: ColourReport) -> TerminalColours | None:
        """Take a report; return the whole answer once there is one."""
        is_late = self._until is not None and monotonic() > self._until
        if is_late or not self.is_awaited:
            return None
        if not report.is_background:
            self._text = self._text or report.colour
            return None
        self.is_awaited = False
        return TerminalColours(report.colour, self._text)


def report_of(command: str) -> ColourReport | None:
    """Return the report that an operating system command of the terminal is; None if it is none."""
    report = re.fullmatch(_REPORT, command)
    if report is None:
        return None
    red, green, blue = map(_channel, report.group(2, 3, 4))
    return ColourReport(report["which"] == "1", RGB(red, green, blue))


def _channel(digits: str) -> int:
    """Return a channel of 8 bits from one of 4, 8, 12 or 16."""
    brightest = int("f" * len(digits), 16)
    return int(digits, 16) * 255 // brightest
