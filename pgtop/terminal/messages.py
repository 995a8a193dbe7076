"""What the driver tells the app."""

from textual.message import Message


class InputWaiting(Message, bubble=False):
    """The terminal has sent something that the driver keeps for the app."""


class Proven(Message, bubble=False):
    """The terminal has proven that it shows what was drawn before the proof was asked for."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
