"""A port that leads to a server and rewrites its messages one by one."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from tests.listener import Listener

Rewrite: TypeAlias = Callable[[bytes, bytes], bytes]
"""Returns what is sent in place of a message, given its kind and body.

https://www.postgresql.org/docs/current/protocol.html
"""

GERMAN = (
    "verbleibende Verbindungen sind für Superuser reserviert: zu viele Verbindungen"
)
JAPANESE = "データベースは今お休みです"
NOISE = "\x1b[31m: ~ FATAL:  53300 }{ starting up\tx"
_SENTENCES = (b"E"[0], b"N"[0])
_WORDS = b"SMDHW"
"""Fields for people: severity, message, detail, hint, context."""


def message(kind: bytes, body: bytes) -> bytes:
    """Return a message as it goes over the wire."""
    return kind + (len(body) + 4).to_bytes(4) + body


def with_sentences(words: str) -> Rewrite:
    """Make a rewrite that puts `words` in place of every sentence of the server."""

    def rewrite(kind: bytes, body: bytes) -> bytes:
        if kind[0] not in _SENTENCES:
            return message(kind, body)
        fields = [
            each[:1] + (words.encode() if each[0] in _WORDS else each[1:])
            for each in body.split(b"\0")
            if each
        ]
        return message(kind, b"\0".join([*fields, b"", b""]))

    return rewrite


def with_warnings(kind: bytes, body: bytes) -> bytes:
    """Add warnings between any two messages once the role is known."""
    fields = (
        b"SWARNING",
        b"VWARNING",
        b"C01000",
        b"MRENOUNCE \x1b[2J md5 passwords",
        b"Hexpires soon",
    )
    warning = message(b"N", b"\0".join([*fields, b"", b""]))
    is_in = kind in b"SKZDCT12" or (kind == b"R" and body == bytes(4))
    return message(kind, body) + warning * 2 if is_in else message(kind, body)


class MessageProxy(Listener):
    """Leads to `target` (host, port); a context manager. Clients must not request TLS."""

    def __init__(self, target: tuple[str, int], rewrite: Rewrite) -> None:
        super().__init__(target)
        self._rewrite = rewrite

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            client,
            socket.create_connection(self._target) as server,
        ):
            self._open += [client, server]
            threading.Thread(
                target=self._up, args=[client, server], daemon=True
            ).start()
            rest = b""
            while data := server.recv(65536):
                rest = self._down(client, rest + data)

    def _down(self, client: socket.socket, data: bytes) -> bytes:
        """Forward complete messages, and return the rest."""
        at, out = 0, b""
        while len(data) >= at + 5 and len(data) >= (
            end := at + 1 + int.from_bytes(data[at + 1 : at + 5])
        ):
            out += self._rewrite(data[at : at + 1], data[at + 5 : end])
            at = end
        client.sendall(out)
        return data[at:]

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
