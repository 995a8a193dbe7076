"""The terminal's input, cut into keys, sequences and pastes, however a slow line splits it.

A terminal answers questions on the same line on which keys arrive, also questions that other
programs asked. None of the letters of a reply is ever a key. The grammar is that of ECMA-48, in 7
and in 8 bits.
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
"""

import codecs
import re
from collections.abc import Iterator
from enum import Enum, auto
from time import monotonic
from typing import NamedTuple

PASTE_LIMIT = 2_000
"""Characters kept of a paste: more than any field takes."""
_ESCAPE = "\x1b"
_ESCAPE_SECONDS = 0.1
"""Seconds after which an escape is the key."""
_SILENCE_SECONDS = 0.25
"""Seconds after which a sequence or a string will not be finished."""
_PASTE_SECONDS = 0.5
"""Seconds after which a paste will not be finished."""
_STRING_SECONDS = 2.0
"""Seconds after which an unfinished string ends in any case."""
_MAX_SEQUENCE = 64
"""Characters of a sequence that are kept; no key and no report has more."""


class TokenKind(Enum):
    """The kind of a token."""

    TEXT = auto()
    """Printable characters."""
    CONTROL = auto()
    """One control character."""
    ESCAPE = auto()
    """The Escape key."""
    SEQUENCE = auto()
    """A whole control sequence, which may be a key, a report or neither."""
    PASTE = auto()
    """The text of a bracketed paste, cut to PASTE_LIMIT."""
    COMMAND = auto()
    """The text of an operating system command, with which a terminal reports its colours. All other
    strings are dropped.
    """


class Token(NamedTuple):
    """A piece of the input."""

    kind: TokenKind
    text: str


_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    # X10 and UTF-8 encodings: three characters after the sequence
    r"|(?P<mouse>(?:\x1b\[|\x9b)M[^\x00-\x1f]{3})"
    r"|(?P<sequence>(?:\x1b\[|\x9b)(?:\[[ -~]|[378]\$|2[34]\$|(?![M\[])[ -?]*[@-~])"
    r"|(?:\x1bO|\x8f)[ -~])"
    r"|(?P<string>(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f]))"
    r"|(?P<unfinished>(?:\x1b\[|\x9b)(?:M[^\x00-\x1f]{0,2}|\[|[ -?]*)\Z|(?:\x1bO|\x8f)\Z|\x1b\Z)"
    r"|(?P<broken>(?:\x1b\[|\x9b)[ -?]*[M\[]?|\x1bO|\x8f)"  # what follows does not belong to it
    r"|\x1b\\"  # the end of a string that was never begun
    # an escape that begins nothing: Escape and then another key, however quickly they come
    r"|(?P<escape>\x1b)"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|[\x80-\x9f]"
)
"""Sequences with `$` at the end are rxvt's keys with Shift; `[A` to `[E` are the Linux console's F1
to F5.
"""
_STRING_END = re.compile(
    r"\x1b(?:\\|(?=.))|\x9c|\x07|[\x01-\x06\x0e-\x1a\x1c-\x1f]", re.DOTALL
)
_TAIL_OF_STRING = re.compile(r"[^\x00-\x07\x0e-\x1f\x9c]*(?:\x1b\\|\x9c|\x07)")
_PASTE_START = re.compile(r"(?:\x1b\[|\x9b)200~")
_PASTE_END = re.compile(r"(?:\x1b\[|\x9b)201~")
_PASTE_TAIL = re.compile(r"(?:\x1b(?:\[(?:2(?:0(?:1)?)?)?)?|\x9b(?:2(?:0(?:1)?)?)?)\Z")
_OSC = ("\x1b]", "\x9d")
_CANCELS = ("\x18", "\x1a")
_STRING_TERMINATORS = ("\x1b\\", "\x9c", "\x07", *_CANCELS)


class _State(Enum):
    GROUND = auto()
    STRING = auto()
    PASTE = auto()


class Scanner:
    """Cuts text into tokens, piece by piece.

    Memory and time for an unfinished token are bounded.
    """

    def __init__(self) -> None:
        self._state = _State.GROUND
        self._held = ""
        self._began = 0.0
        self._is_command = False
        self._string = ""
        self._pasted = ""
        self._given_up: _State | None = None
        """A string or a paste of which a rest may come with the next piece."""

    @property
    def timeout(self) -> float | None:
        """Seconds to wait for the rest of what has begun; None if nothing has."""
        if self._state is _State.PASTE:
            return _PASTE_SECONDS
        if self._held == _ESCAPE:
            return _ESCAPE_SECONDS
        return _SILENCE_SECONDS if self._held or self._state is _State.STRING else None

    def feed(self, text: str) -> Iterator[Token]:
        """Yield the tokens that are whole."""
        text = self._without_late_rest(self._held + text)
        self._held = ""
        if self._state is _State.STRING and monotonic() - self._began > _STRING_SECONDS:
            self._state = _State.GROUND
        at = 0
        while at < len(text):
            if self._state is _State.STRING:
                at, commands = self._take_string(text, at)
                yield from commands
            elif self._state is _State.PASTE:
                at, pasted = self._take_paste(text, at)
                yield from pasted
            else:
                at, token = self._next(text, at)
                if token:
                    yield token

    def expire(self) -> Iterator[Token]:
        """Give up what was begun, after a silence of `timeout`."""
        held = self._held
        self._held = ""
        state = self._state
        self._state = _State.GROUND
        if state is not _State.GROUND:
            self._given_up = state
        if state is _State.PASTE:
            yield self._whole_paste()
        elif held == _ESCAPE:
            yield Token(TokenKind.ESCAPE, _ESCAPE)

    def _without_late_rest(self, text: str) -> str:
        """Drop the rest of a string or a paste that was given up, if it comes after all."""
        late = self._given_up
        self._given_up = None
        if late is _State.PASTE and not _PASTE_START.search(text):
            ends = list(_PASTE_END.finditer(text))
            if ends:
                return text[ends[-1].end() :]
        if late is _State.STRING and (tail := _TAIL_OF_STRING.match(text)):
            return text[tail.end() :]
        return text

    def _next(self, text: str, at: int) -> tuple[int, Token | None]:
        """Return the place after the next token, and the token unless it is dropped."""
        match = _TOKEN.match(text, at)
        if match is None:  # cannot be: each character matches
            return at + 1, None
        kind = match.lastgroup
        piece = match[0]
        if kind == "string":
            self._state = _State.STRING
            self._began = monotonic()
            self._is_command = piece in _OSC
            self._string = ""
        elif kind == "unfinished":
            self._held = piece[:_MAX_SEQUENCE]
        elif kind == "sequence":
            return match.end(), self._sequence(piece)
        elif kind in _KINDS:
            return match.end(), Token(_KINDS[kind], piece)
        return match.end(), None

    def _sequence(self, sequence: str) -> Token | None:
        if _PASTE_START.fullmatch(sequence):
            self._state = _State.PASTE
            self._pasted = ""
            return None
        if len(sequence) > _MAX_SEQUENCE:
            return None
        return Token(TokenKind.SEQUENCE, sequence)

    def _take_string(self, text: str, at: int) -> tuple[int, list[Token]]:
        """Return the place after the string's end, or after all of it that has come, and the
        command that the string is.
        """
        for end in _STRING_END.finditer(text, at):
            if end[0] == "\x07" and not self._is_command:
                continue
            self._state = _State.GROUND
            if end[0] not in _STRING_TERMINATORS:
                # another sequence or a control key: the string was cut
                return end.start(), []
            self._gather_string(text[at : end.start()])
            return end.end(), self._command(end[0])
        if text.endswith(_ESCAPE):
            self._held = _ESCAPE
        self._gather_string(text[at : len(text) - len(self._held)])
        return len(text), []

    def _gather_string(self, text: str) -> None:
        self._string += text[: _MAX_SEQUENCE + 1 - len(self._string)]

    def _command(self, end: str) -> list[Token]:
        """Return the command that was gathered, if it is one and is whole."""
        is_whole = end not in _CANCELS and len(self._string) <= _MAX_SEQUENCE
        if not self._is_command or not is_whole:
            return []
        return [Token(TokenKind.COMMAND, self._string)]

    def _take_paste(self, text: str, at: int) -> tuple[int, list[Token]]:
        """Gather a paste, which ends at the last end mark before another paste; the marks before
        that one are text.
        """
        following = _PASTE_START.search(text, at)
        until = following.start() if following else len(text)
        ends = list(_PASTE_END.finditer(text, at, until))
        if ends:
            self._gather(_PASTE_END.sub("", text[at : ends[-1].start()]))
            self._state = _State.GROUND
            self._given_up = _State.PASTE
            return ends[-1].end(), [self._whole_paste()]
        if following:
            self._gather(text[at:until])
            return following.end(), []
        tail = _PASTE_TAIL.search(text, at)
        self._held = tail[0] if tail else ""
        self._gather(text[at : len(text) - len(self._held)])
        return len(text), []

    def _gather(self, text: str) -> None:
        self._pasted += text[: PASTE_LIMIT + 1 - len(self._pasted)]

    def _whole_paste(self) -> Token:
        pasted = self._pasted
        self._pasted = ""
        return Token(TokenKind.PASTE, pasted)


_KINDS = {
    "text": TokenKind.TEXT,
    "control": TokenKind.CONTROL,
    "escape": TokenKind.ESCAPE,
}


def _as_c1(error: UnicodeError) -> tuple[str, int]:
    """Decode a byte from 0x80 to 0x9f that is not UTF-8 as an 8-bit control, anything else as
    U+FFFD.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start]
    is_control = error.end - error.start == 1 and 0x80 <= byte <= 0x9F
    return (chr(byte) if is_control else "\ufffd"), error.end


codecs.register_error("pgtop-terminal", _as_c1)


def new_decoder() -> codecs.IncrementalDecoder:
    """Make a decoder of a terminal's bytes."""
    return codecs.getincrementaldecoder("utf-8")("pgtop-terminal")
