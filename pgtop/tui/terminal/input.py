"""Reading keys without ever waking up for nothing.

There is a timeout only after an escape, which may be a key or the beginning of a sequence. Escape and then a letter
are two keys, however quickly they come: a slow line delivers them at once. There are no Alt keys here.
"""

import os
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from select import select

from textual import events
from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.message import Message

_CHUNK = 4096
_SLACK = 0.005  # so that the parser's own deadline has passed when ours has
_ESCAPE = "\x1b"
_ESCAPE_KEY = re.compile(r"\x1b(?=[^\[\]OPX^_\\])")
"""An escape that begins no sequence and ends none."""


class Keys:
    """What text means, by Textual's parser; what would break that is noise of the line, and dropped."""

    def __init__(self, new_parser: Callable[[], XTermParser]) -> None:
        self._new_parser = new_parser
        self._parser = new_parser()
        self._held = ""

    def feed(self, text: str) -> Iterator[Message]:
        """The messages so far. A last escape is held until it is known what it begins; see `expire`."""
        pieces = _ESCAPE_KEY.split(self._held + text)
        self._held = _ESCAPE if pieces[-1].endswith(_ESCAPE) else ""
        pieces[-1] = pieces[-1].removesuffix(self._held)
        for place, piece in enumerate(pieces):
            if place:
                yield _escape_key()
            yield from self._parsed(piece)

    def expire(self) -> Iterator[Message]:
        """Nothing has come for a while: what was begun will not be finished."""
        yield from self._parser.tick()
        if self._held:
            self._held = ""
            yield _escape_key()

    def _parsed(self, text: str) -> Iterator[Message]:
        for part in text if _ESCAPE in text else filter(None, [text]):  # no text at all means the end to the parser
            try:
                yield from self._parser.feed(part)
            except (OverflowError, ValueError):  # the number of a key that no character has
                self._parser = self._new_parser()


def read_input(
    terminal: int, stop: int, new_parser: Callable[[], XTermParser], deliver: Callable[[Message], None]
) -> bool:
    """Deliver what comes from `terminal` until `stop` is readable; False when the input ended before that."""
    decode = getincrementaldecoder("utf-8")("replace").decode
    keys, timeout = Keys(new_parser), None
    while True:
        ready = select([terminal, stop], [], [], timeout)[0]
        if stop in ready:
            return True
        if not ready:
            timeout = None
            _deliver(keys.expire(), deliver)
            continue
        data = _read(terminal)
        if not data:
            return False
        if b"\x1b" in data:
            timeout = ESCAPE_DELAY + _SLACK
        _deliver(keys.feed(decode(data)), deliver)


def _escape_key() -> Message:
    return events.Key("escape", _ESCAPE)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # a hung-up terminal says EIO
        return b""


def _deliver(messages: Iterable[Message], deliver: Callable[[Message], None]) -> None:
    for message in messages:
        deliver(message)
