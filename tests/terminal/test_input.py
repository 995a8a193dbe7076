"""Keys arrive as typed, however the line cuts or joins their bytes."""

import os
import queue
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from pgtop.terminal.input import Keys, read_input
from pgtop.terminal.sequences import PASTE_LIMIT, Scanner, Token
from tests.waiting import PATIENCE, until

_REPLIES = (
    b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", b"\x1b]11;rgb:1e1e/1e1e/2e2e\x07",
    b"\x9d10;rgb:KKKK/yyyy/0000\x9c",
    b"\x1b]52;c;S3lreQ==\x1b\\", b"\x1b]0;K\xc3\xa9y\x1b\\", b"\xc2\x9d0;Ky\xc2\x9c",
    b"\x1b]lKy\ty\x1b\\",
    b"\x1b[?62;22c", b"\x1b[>0;276;0c", b"\x1bP!|7E7E4B79\x1b\\", b"\x1bP>|Konsole 22.12.3\x1b\\",
    b"\x1bP>|a\x07Ky\x1b\\", b"\x1bP1+r4B79=4B\x1b\\", b"\x90>|Ky\x9c", b"\x1b_Gi=31;OKy\x1b\\",
    b"\x9fGKy\x9c",
    b"\x1b^Ky\x1b\\", b"\x1bXKy\x1b\\", b"\x1b[?2026;2$y", b"\x1b[?2048;1$y", b"\x1b[4;1$y",
        b"\x1b[?0u",
    b"\x1b[?25u", b"\x1b[?997;1n", b"\x1b[0n", b"\x9b0n", b"\x1b[48;999999;999999;1;1t",
        b"\x1b[8;24;80t",
    b"\x1b[4;1080;1920t", b"\x1b[I", b"\x1b[O", b"\x1b[12;40R", b"\x1b[?12;40;1R",
        b"\x1b[<0;75;121M",
    b"\x1b[<0;-1;121m", b"\x1b[32;75;121M", b"\x1b[M KK", b"\x1b[M`Ky", b"\x9bM yK",
        b"\x1b[M \xc4\x80K",
    b"\x1b[M \xfe\xff", b"\x1b[1;75;121;1&w", b"\x1b[75~", b"\x1b[121;1S", b"\x1b[27;1;75~",
        b"\x1b[1;1;1;1;1K",
    b"\x1b[" + b"7" * 3000 + b"K", b"\x1b[200~K\ny\x1b[201~",
    b"\x1b[200~K\x1b]0;y\x1b[200~y\x1b[201~", b"\x1b\\", b"\x9b?1;2c", b"\x85", b"\x1b[3;4;5",
        b"\x1b[97;1:3x",
)  # fmt: skip
"""What terminals send that is no key: replies of every form, mouse reports, pastes, and what is
broken.
"""
_BEGUN = (
    b"\x1b[",
    b"\x1b[1;",
    b"\x1b[<0;1",
    b"\x1bO",
    b"\x1b[M ",
    b"\x1b]11;rgb:",
    b"\x1bPKy",
    b"\x9b",
    b"\x1b[200~Ky",
)


class _Reading:
    """The reading of a pipe, in a thread; a context manager."""

    def __init__(self) -> None:
        self._terminal, self._feed = os.pipe()
        self._stop, self._end = os.pipe()
        self._seen: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.gave_up = False
        """Once what was begun is not waited for any more."""
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._end, b"\0")
        self._thread.join()
        for descriptor in (self._terminal, self._feed, self._stop, self._end):
            os.close(descriptor)

    def send(self, data: bytes) -> None:
        os.write(self._feed, data)

    def key(self) -> str:
        return self._seen.get(timeout=PATIENCE)

    def _read(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            expire = Keys.expire

            def note(keys: Keys) -> Iterator[Message]:
                yield from expire(keys)
                self.gave_up = True

            patch.setattr(Keys, "expire", note)
            read_input(self._terminal, self._stop, XTermParser, self._deliver)

    def _deliver(self, message: Message) -> None:
        if isinstance(message, events.Key):
            self._seen.put(message.key)


def _keys(*chunks: bytes) -> list[str]:
    """Return the keys in the chunks, each of which is read on its own."""
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
    """All letters in a mixture of letters and escapes, typed in one burst, arrive in order."""
    letters = [character for character in text if character.isalpha()]
    assert [key for key in _keys(text.encode()) if len(key) == 1] == letters


@pytest.mark.parametrize(
    ("begun", "keys"),
    [
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1b\x1b\x1b", ["escape"] * 3),
        (b"\x1b[1\x1b", ["escape"]),
        (b"\x1b]0;title\x1b", ["escape"]),
        *((begun, []) for begun in _BEGUN),
    ],
)
def test_an_unfinished_sequence_delays_no_key(begun: bytes, keys: list[str]) -> None:
    """The next key after escapes, or after sequences that never end, is read at once and as
    itself."""
    with _Reading() as reading:
        reading.send(begun)
        until(lambda: reading.gave_up, "what was begun is not given up")
        reading.send(b"?")
        assert [reading.key() for _ in range(len(keys) + 1)] == [*keys, "question_mark"]


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (b"\x1b]11;rgb:1e1e/1e", b"1e/2e2e\x1b\\"),
        (b"\x1b]11;rgb:1e1e/1e", b"1e/2e2e\x07"),
        (b"\x1bP>|Kon", b"Kole 22\x9c"),
        (b"\x1b[200~one", b"Ky\x1b[201~"),
    ],
)
def test_the_late_rest_of_a_sequence_is_no_key(begun: bytes, rest: bytes) -> None:
    """A reply or a paste that stalled is dropped to its end, if the end comes in one piece."""
    with _Reading() as reading:
        reading.send(begun)
        until(lambda: reading.gave_up, "what was begun is not given up")
        reading.send(rest + b"?")
        assert reading.key() == "question_mark"


@pytest.mark.parametrize(
    "noise",
    [
        b"\x1b[1114112u",
        b"\x1b[99999999999u",
        b"\x1b[" + b"9" * 5000 + b"u",
        b"\x1b[97;1;1114112u",
    ],
)
def test_noise_is_dropped(noise: bytes) -> None:
    """The number of a key that no character has ends nothing, and the keys after it are read."""
    assert _keys(noise, b"q")[-1] == "q"


@given(st.lists(st.binary(max_size=12), max_size=4))
def test_no_bytes_end_the_reading(chunks: list[bytes]) -> None:
    """No input raises an error."""
    _keys(*filter(None, chunks))


@given(
    st.data(),
    st.lists(
        st.sampled_from(_REPLIES) | st.text("aKy/ é", min_size=1, max_size=3),
        max_size=8,
    ),
)
def test_keys_between_replies_arrive(
    data: st.DataObject, pieces: list[bytes | str]
) -> None:
    """All keys among replies arrive, in any order and in any pieces, and nothing else does."""
    typed = "".join(piece for piece in pieces if isinstance(piece, str)).replace(
        " ", "·"
    )
    sent = b"".join(_apart(piece) for piece in pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)), max_size=6)))
    chunks = [
        sent[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)
    ]
    keys = "".join(_NAMES.get(key, key) for key in _keys(*filter(None, chunks)))
    assert keys == typed


_NAMES = {"slash": "/", "space": "·"}


def _apart(piece: bytes | str) -> bytes:
    """Return a reply unchanged; an unfinished one ends with the start of the next, which is a key
    here.
    """
    return piece.encode() if isinstance(piece, str) else piece + b"\x1b[0n"


def test_a_mark_of_the_end_inside_a_paste_makes_no_key() -> None:
    """A paste ends at its last end mark."""
    assert _keys(b"\x1b[200~a\x1b[201~Ky\x1b[201~q") == ["q"]
    scanner = Scanner()
    tokens = [*scanner.feed("\x1b[200~a\x1b[201~"), *scanner.feed("Ky\x1b[201~q")]
    assert [token.text for token in tokens] == ["a", "q"]


@pytest.mark.parametrize("size", [PASTE_LIMIT, 100_000])
@pytest.mark.parametrize("end", [b"\x1b[201~", b""], ids=["ended", "never ended"])
def test_a_paste_is_bounded(size: int, end: bytes) -> None:
    """A paste of any length, finished or not, is kept up to the bound, and none of it is a key."""
    scanner = Scanner()
    tokens: list[Token] = []
    for text in ["\x1b[200~", *["K" * 1000] * (size // 1000), end.decode()]:
        tokens += scanner.feed(text)
    tokens += scanner.expire()
    assert [len(token.text) for token in tokens] == [min(size, PASTE_LIMIT + 1)]
