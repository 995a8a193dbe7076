"""A gate that drops keys which were typed before the question that they would answer could be seen.

Keys and the terminal's answers come on one line, in order. With the frame that draws a question the
terminal is asked for its cursor's position: keys before the answer were typed before the question
was there to be read, however slow the line is and however long the terminal stalls. That holds for
the terminal that answers: a multiplexer does so itself.

Text that is pasted slowly goes on after the answer. So a key that is dropped, or means nothing to
the question, closes the gate until a pause: people do not answer within half a second of a stray
letter.
"""

from collections.abc import Callable

_BREATH = 0.5
"""Seconds without a key after one that was dropped."""
_ANSWER = 1.0
"""Seconds that an answer may take until it is asked for again, or not waited for."""


class KeyGate:
    """Closed from the moment that something is asked until it was seen.

    `ask` has the terminal prove that it shows what is drawn, and returns the number of the proof,
    which `proven` is called with; `answers`: the terminal has ever given one. Times are those at
    which keys were read, in seconds.
    """

    def __init__(self, ask: Callable[[], int], answers: Callable[[], bool]) -> None:
        self._ask = ask
        self._answers = answers
        self._closed = False
        self._asked_at: float | None = None
        self._needed = 0
        self._proven = 0
        self._dropped_at = float("-inf")

    @property
    def is_drawn(self) -> bool:
        """True if the question, if there is one, is drawn; until then no key can be judged."""
        return not self._closed or self._asked_at is not None

    @property
    def is_seen(self) -> bool:
        """True if the terminal has proven that it shows the question."""
        return self._asked_at is not None and self._proven >= self._needed

    def open(self) -> None:
        """Let keys through, as there is no question."""
        self._closed = False

    def close(self) -> None:
        """Hold keys back: there is a question that is not drawn yet."""
        self._closed, self._asked_at = True, None
        self._dropped_at = float("-inf")

    def drawn(self, at: float) -> None:
        """Ask for the proof, as the question is drawn."""
        if not self.is_drawn:
            self._ask_at(at)

    def proven(self, number: int) -> None:
        """Take a proof: the terminal shows what was drawn before that number was asked for."""
        self._proven = max(self._proven, number)

    def admits(self, at: float) -> bool:
        """Return whether a key that was read at `at` may answer; it is dropped otherwise."""
        if self._closed and self._may_be_seen(at) and at - self._dropped_at >= _BREATH:
            self._closed = False
        if self._closed:
            self._dropped_at = at
        return not self._closed

    def lets_leave(self, at: float) -> bool:
        """Return whether a key that was read at `at` may leave the question, unless it is part of a
        text.
        """
        return self.is_seen or (self.is_drawn and at - self._dropped_at >= _BREATH)

    def stray(self, at: float) -> None:
        """Close the gate after a key that means nothing to the question: what follows at once is no
        answer either.
        """
        self._closed, self._dropped_at = True, at

    def _may_be_seen(self, at: float) -> bool:
        if self.is_seen or self._asked_at is None or at - self._asked_at < _ANSWER:
            return self.is_seen
        if not self._answers():  # a terminal that never does: long enough after it was drawn
            return True
        self._ask_at(at)  # the answer is lost, or the terminal stalls
        return False

    def _ask_at(self, at: float) -> None:
        self._asked_at = at
        self._needed = self._ask()
