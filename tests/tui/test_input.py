"""Keys arrive as typed, however the line cuts or joins their bytes."""

import os
import queue
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from pgtop.tui.terminal.input import read_input

_PATIENCE = 20.0


def _keys(*chunks: bytes) -> list[str]:
    """The keys that the chunks, each read on its own, are taken for."""
    terminal, feed = os.pipe()
    stop, end = os.pipe()
    seen: list[str] = []

    def deliver(message: Message) -> None:
        if isinstance(message, events.Key):
            seen.append(message.key)

    try:
        for chunk in chunks:
            os.write(feed, chunk)
        os.close(feed)
        assert not read_input(terminal, stop, XTermParser, deliver)
    finally:
        for descriptor in (terminal, stop, end):
            os.close(descriptor)
    return seen


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (b"\x1bq", ["escape", "q"]),
        (b"\x1bK", ["escape", "K"]),
        (b"\x1b/a", ["escape", "slash", "a"]),
        (b"a\x1b\rb", ["a", "escape", "enter", "b"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[Aq", ["up", "q"]),
        (b"\x1b\x1bq", ["escape", "escape", "q"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
    ],
)
def test_escape_and_the_next_key_are_two(text: bytes, keys: list[str]) -> None:
    """Escape with a letter right behind it is Escape and the letter; sequences stay sequences."""
    assert _keys(text) == keys


@given(st.text(alphabet="abcK/y \x1b\r", max_size=12))
def test_no_key_is_lost(text: str) -> None:
    """Of any mixture of letters and escapes, typed in one burst, every letter arrives, in order."""
    letters = [character for character in text if character.isalpha()]
    assert [key for key in _keys(text.encode()) if len(key) == 1] == letters


@pytest.mark.parametrize(
    "begun", [b"\x1b", b"\x1b\x1b", b"\x1b\x1b\x1b", b"\x1b[", b"\x1b[1;", b"\x1b[1\x1b", b"\x1b[<0;1"]
)
def test_what_was_begun_holds_nothing_up(begun: bytes) -> None:
    """After escapes, and after sequences that never end, the next key is taken at once, for itself and nothing else."""
    terminal, feed = os.pipe()
    stop, end = os.pipe()
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    def deliver(message: Message) -> None:
        if isinstance(message, events.Key):
            seen.put(message.key)

    reading = threading.Thread(target=read_input, args=(terminal, stop, XTermParser, deliver))
    reading.start()
    try:
        os.write(feed, begun)
        assert seen.get(timeout=_PATIENCE)  # it was given up
        while not seen.empty():
            seen.get()
        os.write(feed, b"?")
        keys = [seen.get(timeout=_PATIENCE)]
        while keys[-1] != "question_mark":
            keys.append(seen.get(timeout=_PATIENCE))
    finally:
        os.write(end, b"\0")
        reading.join()
        for descriptor in (terminal, feed, stop, end):
            os.close(descriptor)


@pytest.mark.parametrize(
    "noise", [b"\x1b[1114112u", b"\x1b[99999999999u", b"\x1b[" + b"9" * 5000 + b"u", b"\x1b[97;1;1114112u"]
)
def test_noise_is_dropped(noise: bytes) -> None:
    """The number of a key that no character has ends nothing, and the keys after it are read."""
    assert _keys(noise, b"q")[-1] == "q"


@given(st.lists(st.binary(max_size=12), max_size=4))
def test_no_bytes_end_the_reading(chunks: list[bytes]) -> None:
    """Whatever the line brings, nothing is raised."""
    _keys(*filter(None, chunks))
