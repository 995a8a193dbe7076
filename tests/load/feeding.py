"""Hostile input for both sides of pgtop: random bytes, and bytes that resemble a protocol."""

import random
from collections.abc import Iterator, Mapping, Sequence

from tests.wire_proxy import Row

_SEQUENCES: tuple[bytes, ...] = (
    b"\x1b[", b"\x1bO", b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x9b", b"\x90",
    b"\x9d", b"\x1b\\",
    b"\x07", b"\x1b[200~", b"\x1b[201~", b"\x1b[M", b"\x1b[<0;9999;9999M",
        b"\x1b[48;99999;99999;1;1t",
    b"\x1b[99999999u", b"\x1b[1;1R", b"\x1b[?2048;1$y", b"\x1b[?1;2c", b"\x1b[I", b"\x1b[O",
        b"\x1b[A", b"\x1b[6~",
    b"\x00", b"\x1b", b"\r", b"\t", b"/", b"s", b"K", b"C", b"*", b" ", b"2", b"3", b"1", b"i",
    b"w", b"b", b"?", b"p",
    b"y", b"Ky", b"\xc3", b"\xe2\x82", b"\xff", b"a" * 3_000, b"\x1b]52;c;" + b"QUJD" * 2_000,
    b"jk" * 1_500,
    b"\x1b[200~" + b"K\ny" * 1_500, b"\x1b[D" * 1_000,
)  # fmt: skip
"""Beginnings and ends of sequences, keys, and long runs of the same."""
_LEAVE = b"q\x03\x1a"
"""Keys that would end or stop the program, and must not come by chance."""


def keys(seed: int, pieces: int) -> Iterator[bytes]:
    """Yield this many pieces of input, none of which ends pgtop by being a key."""
    chance = random.Random(seed)
    for _ in range(pieces):
        piece = (
            chance.choice(_SEQUENCES)
            if chance.random() < 0.7
            else chance.randbytes(chance.randint(1, 200))
        )
        yield piece.translate(None, _LEAVE)


class HostileRows:
    """Rewrites rows of the server: other texts in them, and sometimes more rows; others at each
    call."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def __call__(self, row: Row) -> Sequence[Mapping[str, bytes | None]]:
        if "query" not in row or self._chance.random() < 0.2:
            return ({},)
        return [
            {
                name: self._text()
                for name in ("query", "application_name")
                if name in row
            }
        ]

    def _text(self) -> bytes:
        """Return text that a server accepts: UTF-8 without NUL."""
        piece = b"".join(
            self._chance.choice(_SEQUENCES) for _ in range(self._chance.randint(0, 4))
        )
        return piece.decode("utf-8", "replace").replace("\0", "").encode()[:1_000]
