"""The messages from the driver to the app."""

from textual.message import Message

from pgtop.terminal.colour_query import ColourReport, TerminalColours


class InputWaiting(Message, bubble=False):
    """The driver keeps input from the terminal for the app."""


class Proven(Message, bubble=False):
    """The terminal has proven that it shows what was drawn before the request for the proof."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class ColourReported(Message, bubble=False):
    """The terminal has reported one of its colours."""

    def __init__(self, report: ColourReport) -> None:
        super().__init__()
        self.report = report


class BackgroundReported(Message, bubble=False):
    """The terminal has reported its background."""

    def __init__(self, colours: TerminalColours) -> None:
        super().__init__()
        self.colours = colours
