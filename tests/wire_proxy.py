"""A TCP port in front of a real server that rewrites its rows and sentences as a test wants.

The real driver talks to a real server: every statement, type and other message is theirs.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self, TypeAlias

Row: TypeAlias = dict[str, bytes | None]
"""A row as its columns' names and their values on the wire; the first one of equal names."""
RewriteRow: TypeAlias = Callable[[Row], Iterable[Mapping[str, bytes | None]]]
"""Returns the rows for the client in place of one of the server's, each as its changed values."""

ACTIVITY = (
    "pid", "backend_start", "datid", "leader_pid", "usesysid", "application_name", "host",
    "client_hostname",
    "client_port", "xact_start", "query_start", "state_change", "wait_event_type", "wait_event",
    "state",
    "backend_xid", "backend_xmin", "age", "query_id", "text", "backend_type", "blockers", "settled",
    "idlers",
    "instant",
)  # fmt: skip
"""The columns of `queries.activity`, in the order that `read_backend` expects."""

_ROW, _COLUMNS, _ERROR, _NOTICE = b"D", b"T", b"E", b"N"
_NAMELESS = "?column?"
_SENTENCES = b"MDH"
"""Fields of an error or a notice that hold sentences: message, detail and hint."""


class WireProxy:
    """Listens on 127.0.0.1 until the block ends.

    `rewrite_row` and `sentence` may change at any time. The client must not request encryption:
    `PLAIN`.
    """

    PLAIN: ClassVar = {"sslmode": "disable", "gssencmode": "disable"}

    def __init__(
        self,
        host: str,
        port: int,
        rewrite_row: RewriteRow = lambda row: ({},),
        names: Sequence[str] = (),
    ) -> None:
        self._server = host, port
        self.rewrite_row = rewrite_row
        self.names = list(names)
        """Names for the columns of a result with as many, of which the first has none."""
        self.sentence: bytes | None = None
        """The text of the sentences of errors and notices."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):  # the block has ended
            while True:
                client = self._listener.accept()[0]
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # like the client's own attempt
                    client.close()
                    continue
                self._ends += client, server
                self._start(_pass_on, client, server, lambda data: data)
                self._start(_pass_on, server, client, _Messages(self).rewritten)


def _pass_on(
    source: socket.socket, target: socket.socket, rewrite: Callable[[bytes], bytes]
) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(rewrite(data))
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
    source.close()


class _Messages:
    """The server's side of one connection, cut into messages."""

    def __init__(self, wire_proxy: WireProxy) -> None:
        self._wire_proxy = wire_proxy
        self._unfinished = b""
        self._names: list[str] = []

    def rewritten(self, data: bytes) -> bytes:
        self._unfinished += data
        return b"".join(self._whole())

    def _whole(self) -> Iterator[bytes]:
        while len(self._unfinished) >= 5:
            size = 1 + int.from_bytes(self._unfinished[1:5], "big")
            if len(self._unfinished) < size:
                return
            message, self._unfinished = self._unfinished[:size], self._unfinished[size:]
            yield self._rewritten(message)

    def _rewritten(self, message: bytes) -> bytes:
        kind = message[:1]
        if kind == _COLUMNS:
            self._names = list(_names_in(message))
            if self._names[0] == _NAMELESS and len(self._names) == len(
                self._wire_proxy.names
            ):
                self._names = self._wire_proxy.names
        if kind in (_ERROR, _NOTICE) and self._wire_proxy.sentence is not None:
            return _with_sentence(message, self._wire_proxy.sentence)
        if kind != _ROW:
            return message
        values = list(_values_in(message))
        row = dict(reversed(list(zip(self._names, values, strict=True))))
        return b"".join(
            self._row(values, changes) for changes in self._wire_proxy.rewrite_row(row)
        )

    def _row(
        self, values: list[bytes | None], changes: Mapping[str, bytes | None]
    ) -> bytes:
        cells = [*values]
        for name, value in changes.items():
            cells[self._names.index(name)] = value
        fields = (
            b"\xff\xff\xff\xff" if v is None else struct.pack(">i", len(v)) + v
            for v in cells
        )
        body = struct.pack(">h", len(cells)) + b"".join(fields)
        return _ROW + struct.pack(">i", 4 + len(body)) + body


def _with_sentence(message: bytes, words: bytes) -> bytes:
    """Return the error or notice with `words` as its sentences; the protocol ends a field at a
    zero."""
    sentence = words.replace(b"\0", b"")
    fields = [
        field[:1] + sentence if field[:1] in _SENTENCES else field
        for field in message[5:-2].split(b"\0")
    ]
    body = b"".join(field + b"\0" for field in fields) + b"\0"
    return message[:1] + struct.pack(">i", 4 + len(body)) + body


def _names_in(message: bytes) -> Iterator[str]:
    """Yield the name of each column: it ends with a zero, and 18 bytes about the type follow."""
    at = 7
    while at < len(message):
        end = message.index(b"\0", at)
        yield message[at:end].decode()
        at = end + 19


def _values_in(message: bytes) -> Iterator[bytes | None]:
    at = 7
    while at < len(message):
        size = int.from_bytes(message[at : at + 4], "big", signed=True)
        yield None if size < 0 else message[at + 4 : at + 4 + size]
        at += 4 + max(0, size)
