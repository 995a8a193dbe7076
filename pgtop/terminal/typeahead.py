"""The queue of keys that are not handled yet: bounded, in order; a flood keeps its beginning and
its last key.

The thread that reads the terminal puts, the event loop takes. A terminal delivers a paste at a
megabyte a second, and a key costs a millisecond: more than people type is dropped, so that the next
key is handled at once.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

from textual import events
from textual.message import Message

from pgtop.terminal.sequences import PASTE_LIMIT

_INTERRUPT = "ctrl+c"
"""The key that ends a program, whatever was typed before it."""
_KEYS = PASTE_LIMIT
_KEYS_PER_SECOND = 200.0
_WAITING = 3 * _KEYS  # messages that may wait, whatever they are
_QUIET = 0.05
"""Seconds without a key after which a flood is over."""


class Allowance:
    """A token bucket: `most` at once, and `per_second` later."""

    def __init__(self, most: int, per_second: float) -> None:
        self._most = most
        self._per_second = per_second
        self._left = float(most)
        self._at = monotonic()

    @property
    def left(self) -> int:
        """Tokens that are left now."""
        now = monotonic()
        earned = (now - self._at) * self._per_second
        self._left = min(self._most, self._left + earned)
        self._at = now
        return int(self._left)

    def spend(self) -> bool:
        """Take one; False if there is none."""
        if self.left < 1:
            return False
        self._left -= 1
        return True


class Typeahead:
    """A queue of messages from the terminal.

    `announce` is called, by the thread that puts, when there is news.
    """

    def __init__(self, announce: Callable[[], object]) -> None:
        self._announce = announce
        self._lock = Lock()
        self._waiting: deque[Message] = deque()
        self._last: Message | None = None
        """The last key of a flood, which is taken once that is over."""
        self._last_at = 0.0
        self._announced = False
        self._allowance = Allowance(_KEYS, _KEYS_PER_SECOND)

    def room(self) -> int:
        """Return how many more keys will be kept."""
        with self._lock:
            return self._allowance.left

    def put(self, message: Message) -> None:
        """Add a message if there is room."""
        with self._lock:
            self._add(message)
            is_news = not self._announced
            self._announced = True
        if is_news:
            self._announce()

    def take(self) -> Message | None:
        """Return the next message. None if there is none; `pause` shows whether one is to come."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._last and self._quiet_in() <= 0:
                last = self._last
                self._last = None
                return last
            self._announced = self._last is not None
            return None

    @property
    def pause(self) -> float | None:
        """Seconds until the flood may be over, to look again; None if there is none."""
        with self._lock:
            return max(0.0, self._quiet_in()) if self._last else None

    def take_text(self) -> str:
        """Return the printable characters that come next."""
        text: list[str] = []
        with self._lock:
            while self._waiting and (character := _printable(self._waiting[0])):
                self._waiting.popleft()
                text.append(character)
        return "".join(text)

    def skip(self, taken: Message) -> None:
        """Drop a key that was taken and those that wait, but for the last one, which is taken once
        no more come.
        """
        with self._lock:
            keys = [message for message in self._waiting if _is_typed(message)]
            self._last = self._last or (keys[-1] if keys else taken)
            self._keep_reports()

    def drop(self) -> None:
        """Drop all keys that wait."""
        with self._lock:
            self._last = None
            self._keep_reports()

    def _add(self, message: Message) -> None:
        if not _is_typed(message):
            if len(self._waiting) < _WAITING:
                self._waiting.append(message)
            return
        self._last_at = monotonic()
        if isinstance(message, events.Key) and message.key == _INTERRUPT:
            self._last = None
            self._keep_reports()
            self._waiting.append(message)
        elif self._last is None and self._allowance.spend():
            self._waiting.append(message)
        else:
            self._last = message

    def _quiet_in(self) -> float:
        return self._last_at + _QUIET - monotonic()

    def _keep_reports(self) -> None:
        self._waiting = deque(
            message for message in self._waiting if not _is_typed(message)
        )


def _is_typed(message: Message) -> bool:
    return isinstance(message, events.InputEvent | events.Paste)


def _printable(message: Message) -> str:
    if isinstance(message, events.Key) and message.is_printable and message.character:
        return message.character
    return ""
