"""The bytes that a terminal was sent, without pgtop's own sequences."""

import codecs
import re

from tests.hostile_text import OURS
from tests.pty import Terminal

_UNFINISHED = re.compile(r"\x1b[^@-Z\\^_`a-z]*\Z|\x1b\]22;?[a-z]*\Z")


class RawOutput:
    """The raw bytes that a terminal was sent."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._read = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._rest = ""

    def sent(self) -> str:
        """Return the output since the last call, without pgtop's own control sequences."""
        raw = bytes(self.terminal.raw[self._read :])
        self._read += len(raw)
        text = OURS.sub("", self._rest + self._decode(raw))
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        return text[: unfinished.start()] if unfinished else text
