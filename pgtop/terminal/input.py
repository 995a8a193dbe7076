"""Reading keys without ever waking up for nothing.

There is a timeout only after the beginning of a sequence, which may be the Escape key or never be
finished. Escape and then a letter are two keys, however quickly they come, as a slow line delivers
them at once; so there are no Alt keys.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from select import select

from textual import events
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

from pgtop.terminal.colour_query import report_of
from pgtop.terminal.messages import ColourReported
from pgtop.terminal.sequences import Scanner, Token, TokenKind, new_decoder
from pgtop.terminal.textual_private import (
    ANSI_SEQUENCES_KEYS,
    FUNCTIONAL_KEYS,
    XTermParser,
    keys_of,
)

_CHUNK = 4096
_FOCUS: dict[str, Callable[[], Message]] = {
    "\x1b[I": events.AppFocus,
    "\x1b[O": events.AppBlur,
}
_MOUSE = re.compile(r"\x1b\[<\d{1,5};\d{1,5};\d{1,5}[Mm]")
_POSITION = re.compile(r"\x1b\[(\d{1,5});(\d{1,5})R")
_SYNCHRONISES = re.compile(r"\x1b\[\?2026;[1-4]\$y")
_NUMBERED = re.compile(r"\x1b\[(\d*)[\d:;]*([~ABCDEFHPQRS])")
_PRIVATE = "<=>?"


class Keys:
    """Turns text into keys, pastes and the few reports that were requested; drops everything else.

    `room` returns how many more messages will be kept: these and the last key remain of a flood.
    """

    def __init__(
        self,
        new_parser: Callable[[], XTermParser],
        room: Callable[[], int] = lambda: _CHUNK,
    ) -> None:
        self._parser = new_parser()
        self._room = room
        self._scanner = Scanner()

    @property
    def timeout(self) -> float | None:
        """Seconds after which `expire` is to be called if nothing comes; None for never."""
        return self._scanner.timeout

    def feed(self, text: str) -> Iterator[Message]:
        """Yield the messages so far; an unfinished one waits for its rest, or for `expire`."""
        yield from self._messages(list(self._scanner.feed(text)))

    def expire(self) -> Iterator[Message]:
        """Yield the messages of what will not be finished, as nothing has come for a while."""
        yield from self._messages(list(self._scanner.expire()))

    def _messages(self, tokens: list[Token]) -> Iterator[Message]:
        room = self._room()
        last = max(
            (place for place, token in enumerate(tokens) if not _is_report(token)),
            default=0,
        )
        for place, token in enumerate(tokens):
            if (
                room <= 0
                and place != last
                and not _is_report(token)
                and token.text != "\x03"
            ):
                continue
            for message in self._meaning(token, max(1, room)):
                room -= 1
                yield message

    def _meaning(self, token: Token, room: int) -> Iterator[Message]:
        if token.kind is TokenKind.TEXT:
            text = token.text
            kept = text if len(text) <= room else text[: room - 1] + text[-1]
            for character in kept:
                yield from self._keys(character)
        elif token.kind is TokenKind.CONTROL:
            yield from self._keys(token.text)
        elif token.kind is TokenKind.ESCAPE:
            yield events.Key("escape", token.text)
        elif token.kind is TokenKind.PASTE:
            yield events.Paste(token.text)
        elif token.kind is TokenKind.COMMAND:
            if report := report_of(token.text):
                yield ColourReported(report)
        else:
            yield from self._sequence(_in_7_bits(token.text))

    def _sequence(self, sequence: str) -> Iterator[Message]:
        if focus := _FOCUS.get(sequence):
            yield focus()
        elif position := _POSITION.fullmatch(sequence):
            row, column = map(int, position.groups())
            yield events.CursorPosition(column - 1, row - 1)
        elif _MOUSE.fullmatch(sequence):
            if (mouse := self._parser.parse_mouse_code(sequence)) is not None:
                yield mouse
        elif _SYNCHRONISES.fullmatch(sequence):
            yield TerminalSupportsSynchronizedOutput()
        elif sequence[2:3] not in _PRIVATE:
            yield from self._keys(sequence)

    def _keys(self, sequence: str) -> Iterator[Message]:
        """Yield the keys that Textual knows for a character or a sequence; none for any other."""
        if (numbered := _NUMBERED.fullmatch(sequence)) and not _is_known(
            sequence, numbered
        ):
            return
        try:
            keys = keys_of(self._parser, sequence)
        except (OverflowError, ValueError):  # a number that no character has
            return
        yield from (key for key in keys if key.key != "<ignore>")


def read_input(
    terminal: int,
    stop: int,
    new_parser: Callable[[], XTermParser],
    deliver: Callable[[Message], None],
    room: Callable[[], int] = lambda: _CHUNK,
) -> bool:
    """Deliver input from `terminal` until `stop` is readable; return False if the input ended
    before that.
    """
    decode = new_decoder().decode
    keys = Keys(new_parser, room)
    while True:
        ready = select(
            [terminal, stop],
            [],
            [],
            keys.timeout,
        )[0]
        if stop in ready:
            return True
        if not ready:
            _deliver(keys.expire(), deliver)
            continue
        data = _read(terminal)
        if not data:
            return False
        _deliver(keys.feed(decode(data)), deliver)


def _is_known(sequence: str, numbered: re.Match[str]) -> bool:
    """Return whether the key has a name: Textual would take the number of any other for a
    character.
    """
    return (
        sequence in ANSI_SEQUENCES_KEYS
        or f"{numbered[1] or 1}{numbered[2]}" in FUNCTIONAL_KEYS
    )


def _is_report(token: Token) -> bool:
    """Return whether the token is a reply, which no flood may drop."""
    if token.kind is TokenKind.COMMAND:
        return True
    return token.kind is TokenKind.SEQUENCE and token.text.endswith(("R", "y"))


def _in_7_bits(sequence: str) -> str:
    if sequence.startswith("\x9b"):
        return "\x1b[" + sequence[1:]
    return "\x1bO" + sequence[1:] if sequence.startswith("\x8f") else sequence


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # EIO, from a terminal that has hung up
        return b""


def _deliver(messages: Iterable[Message], deliver: Callable[[Message], None]) -> None:
    for message in messages:
        deliver(message)
