"""Reading keys without ever waking up for nothing.

There is a timeout only after an escape, which may be a key or the beginning of a sequence.
"""

import os
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from select import select

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.message import Message

_CHUNK = 4096
_SLACK = 0.005  # so that the parser's own deadline has passed when ours has


def read_input(terminal: int, stop: int, parser: XTermParser, deliver: Callable[[Message], None]) -> bool:
    """Deliver what comes from `terminal` until `stop` is readable; False when the input ended before that."""
    decode = getincrementaldecoder("utf-8")("replace").decode
    timeout = None
    while True:
        ready = select([terminal, stop], [], [], timeout)[0]
        if stop in ready:
            return True
        if not ready:
            timeout = None
            _deliver(parser.tick(), deliver)
            continue
        data = _read(terminal)
        if not data:
            return False
        if b"\x1b" in data:
            timeout = ESCAPE_DELAY + _SLACK
        if text := decode(data):
            _deliver(parser.feed(text), deliver)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # a hung-up terminal says EIO
        return b""


def _deliver(messages: Iterable[Message], deliver: Callable[[Message], None]) -> None:
    for message in messages:
        deliver(message)
