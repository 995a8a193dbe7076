"""The messages from the driver to the app."""

from textual.message import Message


class InputWaiting(Message, bubble=False):
    """The driver keeps input from the terminal for the app."""


class Proven(Message, bubble=False):
    """The terminal has proven that it shows what was drawn before the request for the proof."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
