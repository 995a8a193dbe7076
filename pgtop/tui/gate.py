"""A gate that drops keys typed before the question that they would answer could be seen.

Keys and the terminal's answers come on one line, in order. The frame that draws a question requests
the cursor's position: keys before the answer were typed before the question could be read, however
slow the line is and however long the terminal stalls. The proof is about the terminal that answers:
a multiplexer answers by itself.

Text that is pasted slowly goes on after the answer. Therefore a key that is dropped, or means
nothing to the question, closes the gate until a pause: people do not answer within half a second of
a stray letter.
"""

from collections.abc import Callable

_PAUSE_SECONDS = 0.5
"""Time without a key after one that was dropped."""
_ANSWER_SECONDS = 1.0
"""Time that an answer may take until it is requested again, or not waited for."""


class KeyGate:
    """A gate that is closed from the moment a question is asked until it was seen.

    `request` has the terminal prove that it shows what is drawn, and returns the number of the
    proof, which `proven` is called with. `answers` returns whether the terminal has ever given a
    proof. Times are those at which keys were read, in seconds.
    """

    def __init__(self, request: Callable[[], int], answers: Callable[[], bool]) -> None:
        self._request = request
        self._answers = answers
        self._closed = False
        self._requested_at: float | None = None
        self._needed = 0
        self._proven = 0
        self._dropped_at = float("-inf")

    @property
    def is_drawn(self) -> bool:
        """True if the question, if there is one, is drawn; until then no key can be judged."""
        return not self._closed or self._requested_at is not None

    @property
    def is_seen(self) -> bool:
        """True if the terminal has proven that it shows the question."""
        return self._requested_at is not None and self._proven >= self._needed

    def open(self) -> None:
        """Let all keys pass, as there is no question."""
        self._closed = False

    def close(self) -> None:
        """Hold keys back, as there is a question that is not drawn yet."""
        self._closed = True
        self._requested_at = None
        self._dropped_at = float("-inf")

    def drawn(self, at: float) -> None:
        """Request the proof, as the question is drawn."""
        if not self.is_drawn:
            self._request_at(at)

    def proven(self, number: int) -> None:
        """Take a proof: the terminal shows what was drawn before that number was requested."""
        self._proven = max(self._proven, number)

    def admits(self, at: float) -> bool:
        """Return whether a key that was read at `at` may answer; it is dropped otherwise."""
        if self._closed and self._may_be_seen(at) and self._has_paused(at):
            self._closed = False
        if self._closed:
            self._dropped_at = at
        return not self._closed

    def lets_leave(self, at: float) -> bool:
        """Return whether a key that was read at `at` may leave the question, unless it is part of a
        text.
        """
        return self.is_seen or (self.is_drawn and self._has_paused(at))

    def stray(self, at: float) -> None:
        """Close the gate after a key that means nothing to the question: keys that follow at once
        are no answer either.
        """
        self._closed = True
        self._dropped_at = at

    def _has_paused(self, at: float) -> bool:
        """Return whether no key was dropped just before `at`."""
        return at - self._dropped_at >= _PAUSE_SECONDS

    def _may_be_seen(self, at: float) -> bool:
        if (
            self.is_seen
            or self._requested_at is None
            or at - self._requested_at < _ANSWER_SECONDS
        ):
            return self.is_seen
        if not self._answers():
            return True  # no proof will come, and the question was drawn long ago
        self._request_at(at)  # the answer is lost, or the terminal stalls
        return False

    def _request_at(self, at: float) -> None:
        self._requested_at = at
        self._needed = self._request()
