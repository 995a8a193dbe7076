"""Keys arrive as typed, however the line cuts or joins their bytes."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from pgtop.tui.terminal.input import read_input


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
        assert not read_input(terminal, stop, XTermParser(), deliver)
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
