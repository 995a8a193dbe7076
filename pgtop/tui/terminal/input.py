"""Reading keys without ever waking up for nothing.

There is a timeout only after an escape, which may be a key or the beginning of a sequence. Escape and then a letter
are two keys, however quickly they come: a slow line delivers them at once. There are no Alt keys here.
"""

import os
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
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


def read_input(terminal: int, stop: int, parser: XTermParser, deliver: Callable[[Message], None]) -> bool:
    """Deliver what comes from `terminal` until `stop` is readable; False when the input ended before that."""
    decode = getincrementaldecoder("utf-8")("replace").decode
    timeout, held = None, ""
    while True:
        ready = select([terminal, stop], [], [], timeout)[0]
        if stop in ready:
            return True
        if not ready:
            timeout = None
            _deliver(_escape_key() if held else parser.tick(), deliver)
            held = ""
            continue
        data = _read(terminal)
        if not data:
            return False
        if b"\x1b" in data:
            timeout = ESCAPE_DELAY + _SLACK
        text = held + decode(data)
        held = _ESCAPE if text.endswith(_ESCAPE) else ""
        _deliver(_parsed(text.removesuffix(held), parser), deliver)


def _parsed(text: str, parser: XTermParser) -> Iterable[Message]:
    """What the text means, escapes that stand for themselves being keys."""
    first, *others = _ESCAPE_KEY.split(text)
    if first:
        yield from parser.feed(first)
    for other in others:
        yield from _escape_key()
        if other:
            yield from parser.feed(other)


def _escape_key() -> Iterable[Message]:
    yield events.Key("escape", _ESCAPE)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # a hung-up terminal says EIO
        return b""


def _deliver(messages: Iterable[Message], deliver: Callable[[Message], None]) -> None:
    for message in messages:
        deliver(message)
