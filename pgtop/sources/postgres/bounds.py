"""How long an answer of the server may take, how large it may be, and how much of it has come."""

import array
import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from functools import cache
from termios import FIONREAD
from time import monotonic, thread_time

import psycopg

from pgtop.sources.postgres.shapes import AnswerError, TooLongError

ANSWER_SECONDS = 8.0
"""The longest that one result may take. The server's own limit for a statement is 5 s: past this,
something hangs.
"""
SLOWEST = 128 * 1024
"""Bytes a second that count as an answer under way. What trickles, such as notices alone, does
not.
"""
ANSWER_BYTES = 4 << 20
"""The most that an exchange may bring: a whole query, 1 MiB at most, or a line on each of 10,000
sessions.
"""

WORK_SECONDS = 1.0
"""The most CPU that libpq may take for it: ten times what it needs for the longest one. It keeps a
list of the server's settings, which takes the longer to search the more a server invents."""
_BUFFER = 16 * 1024
"""What libpq reads at once, unless a message is longer."""
_TOO_MUCH_MEMORY = "The server's answer takes too much memory and was given up."

_LONG = 256 * 1024
"""Bytes from which on an answer is watched with what costs a little."""
_GROWTH = 64 * 1024
"""KiB that the memory of this process may grow meanwhile: four times the longest answer, as a value
that is missing has four bytes on the wire and sixteen in libpq."""

_ROOM = 32 << 20
"""Bytes that the data of this process may grow during one answer: the longest takes 16 MiB in
libpq, and a new thread's stack 8 MiB. libpq makes room for a message as soon as its length is
announced, and fills that room in one call."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DATA_FIELD = 5
"""https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html"""

_WAITING = 128 * 1024
"""Bytes that may wait in the kernel, which doubles it: more than one answer of a usual sample
has.
"""

_BYTES_RECEIVED = slice(128, 136)
_TCP_INFO_SIZE = 136
"""Up to tcpi_bytes_received in Linux's struct tcp_info, since 4.1.
https://man7.org/linux/man-pages/man7/tcp.7.html
"""


class Room:
    """The memory that libpq may take from now on, counted when it is allocated, before anything is
    written to it.
    """

    def __init__(self) -> None:
        self._before = _data_size()

    @property
    def is_exceeded(self) -> bool:
        """True if the process has grown by more than any answer needs; never where the kernel does
        not report that.
        """
        return _data_size() - self._before > _ROOM


class Bounds:
    """The bounds of one answer, over the socket `descriptor`."""

    def __init__(self, descriptor: int, most: int) -> None:
        self._descriptor = descriptor
        self._most = most
        self._received = 0
        self._work = 0.0
        self._due = monotonic() + ANSWER_SECONDS
        self._room = Room()
        self._before: int | None = None
        """What had come over the connection before; None until that is of interest, or where it
        cannot be known.
        """
        self._memory = 0

    def left(self) -> float:
        """Return the seconds until the answer is given up."""
        return self._due - monotonic()

    def answered(self) -> None:
        """Start the clock for the next result, as one is complete."""
        self._due = monotonic() + ANSWER_SECONDS

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count what libpq reads, and how long it works on that, while the context lasts."""
        queued, began = self._queued(), thread_time()
        try:
            yield
        finally:
            size = max(queued - self._queued(), min(queued, _BUFFER))
            self._received += size
            self._due += size / SLOWEST
            self._work += thread_time() - began

    def check(self) -> None:
        """Raise psycopg.Error if the answer takes too long, or is too long."""
        self.check_room()
        if self._received > _LONG:
            self._look_closely()
        if self._received > self._most:
            raise TooLongError(
                f"The server's answer is longer than {self._most >> 20} MiB and was given up."
            )
        if self._work > WORK_SECONDS:
            raise AnswerError("The server's answer is too much work to read and was given up.")
        if self.left() <= 0:
            raise psycopg.OperationalError(
                f"The server did not answer within {ANSWER_SECONDS:.0f} s."
            )

    def check_room(self) -> None:
        """Raise TooLongError if libpq has made room for more than an answer may have: it would fill
        it at once.
        """
        if self._room.is_exceeded:
            raise TooLongError(_TOO_MUCH_MEMORY)

    def _look_closely(self) -> None:
        """Count what has come by the kernel: libpq goes on reading while a quick server goes on
        sending.
        """
        memory, received = _peak(), bytes_received(self._descriptor)
        if not self._memory:
            self._memory = memory
            self._before = None if received is None else received - self._received
        if received is not None and self._before is not None:
            self._received = received - self._before
        if memory - self._memory > _GROWTH:
            raise TooLongError(_TOO_MUCH_MEMORY)

    def _queued(self) -> int:
        with suppress(OSError):  # libpq has closed the socket, and will say why
            return queued(self._descriptor)
        return 0


def keep_little_waiting(descriptor: int) -> None:
    """Let the kernel keep less of a quick server's answer for libpq.

    libpq reads a message that is announced as long in one go, as long as bytes are there: with the
    kernel's own 6 MiB waiting and a sender on the same machine that go took 400 MiB before a bound
    could be looked at.
    """
    with (
        suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, os.dup(descriptor)) as wire,
    ):
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WAITING)


def queued(descriptor: int) -> int:
    """Return how many bytes have arrived and were not read. Raises OSError."""
    count = array.array("i", [0])
    ioctl(descriptor, FIONREAD, count)
    return count[0]


@cache
def _statm() -> int | None:
    """Open the kernel's report on the memory of this process, once: a read takes 2 µs then, not
    8.
    """
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:  # not Linux
        return None


def _data_size() -> int:
    """Return the bytes of private writable memory, touched or not; 0 where the kernel does not
    report them.
    """
    report = _statm()
    if report is None:
        return 0
    return int(os.pread(report, 128, 0).split()[_DATA_FIELD]) * _PAGE


def _peak() -> int:
    """Return the most memory that this process has had, in KiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // 1024 if sys.platform == "darwin" else size


def bytes_received(descriptor: int) -> int | None:
    """Return the bytes that have come over this TCP connection so far; None where the kernel does
    not say.
    """
    try:  # of whatever family: where one is named, Python does not ask the kernel which it is
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, os.dup(descriptor)) as wire:
            info = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    except (OSError, AttributeError):  # a local socket; not Linux
        return None
    return (
        int.from_bytes(info[_BYTES_RECEIVED], sys.byteorder)
        if len(info) == _TCP_INFO_SIZE
        else None
    )
