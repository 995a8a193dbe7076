"""Limits of a server's answer: how long it may take, how large it may be, and how much of it has
arrived.
"""

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
"""Bytes a second from which an answer counts as under way; a trickle, such as notices alone, is
slower.
"""
ANSWER_BYTES = 4 << 20
"""The most bytes of one round trip: a whole query, 1 MiB at most, or a line on each of 10,000
sessions.
"""

WORK_SECONDS = 1.0
"""The most CPU that libpq may take for an answer: ten times what the longest one needs. libpq keeps
a list of the server's settings, which takes longer to search the more of them a server invents."""
_BUFFER = 16 * 1024
"""Bytes that libpq reads at once, unless a message is longer."""
_TOO_MUCH_MEMORY = "The server's answer takes too much memory and was abandoned."

_LONG = 256 * 1024
"""Bytes from which an answer is measured by the kernel's figures, which cost a little."""
_GROWTH = 64 * 1024
"""KiB that the memory of this process may grow during an answer: four times the longest answer, as
a missing value has four bytes on the wire and sixteen in libpq."""

_DATA_GROWTH = 32 << 20
"""Bytes that the data of this process may grow during one answer: the longest takes 16 MiB in
libpq, and a new thread's stack 8 MiB. libpq allocates memory for a message as soon as its length is
announced, and fills that memory in one call."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_DATA_FIELD = 5
"""https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html"""

_RECEIVE_BUFFER = 128 * 1024
"""Bytes that may wait in the kernel, which doubles this: more than a usual sample's answer has."""

_ANY_SOCKET = (socket.AF_INET, socket.SOCK_STREAM, 0)
"""Family, type and protocol of a copied descriptor. The family may be wrong: Python would spend a
system call on it if none was named.
"""

_BYTES_RECEIVED = slice(128, 136)
_TCP_INFO_SIZE = 136
"""Up to tcpi_bytes_received in Linux's struct tcp_info, since 4.1.
https://man7.org/linux/man-pages/man7/tcp.7.html
"""


class MemoryLimit:
    """The memory that libpq may allocate from now on, measured before anything is written to it."""

    def __init__(self) -> None:
        self._initial = _data_size()

    @property
    def is_exceeded(self) -> bool:
        """True if the process has grown by more than any answer needs; never where the kernel does
        not report that.
        """
        return _data_size() - self._initial > _DATA_GROWTH


class Bounds:
    """The limits of one answer, over the socket `descriptor`."""

    def __init__(self, descriptor: int, most: int) -> None:
        self._descriptor = descriptor
        self._most = most
        self.queued = 0
        """Bytes that had arrived and were not read when libpq last read."""
        self._received = 0
        self._work = 0.0
        self._deadline = monotonic() + ANSWER_SECONDS
        self._memory_limit = MemoryLimit()
        self._initial_received: int | None = None
        """Bytes received over the connection before this answer; None until they are needed, or
        where the kernel does not report them.
        """
        self._initial_memory = 0

    def left(self) -> float:
        """Return the seconds until the answer is abandoned."""
        return self._deadline - monotonic()

    def answered(self) -> None:
        """Restart the clock for the next result, as one is complete."""
        self._deadline = monotonic() + ANSWER_SECONDS

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count what libpq reads, and the CPU time it takes, while the context lasts."""
        queued_before = self._queued()
        began = thread_time()
        try:
            yield
        finally:
            self.queued = self._queued()
            size = max(queued_before - self.queued, min(queued_before, _BUFFER))
            self._received += size
            self._deadline += size / SLOWEST
            self._work += thread_time() - began

    def check(self) -> None:
        """Raise psycopg.Error if the answer exceeds a limit."""
        self.check_memory()
        if self._received > _LONG:
            self._measure()
        if self._received > self._most:
            size = f"{self._most >> 20} MiB"
            raise TooLongError(
                f"The server's answer is longer than {size} and was abandoned."
            )
        if self._work > WORK_SECONDS:
            raise AnswerError(
                "The server's answer takes too much CPU to read and was abandoned."
            )
        if self.left() <= 0:
            raise psycopg.OperationalError(
                f"The server did not answer within {ANSWER_SECONDS:.0f} s."
            )

    def check_memory(self) -> None:
        """Raise TooLongError if libpq has allocated more than an answer may need: it would fill
        that at once.
        """
        if self._memory_limit.is_exceeded:
            raise TooLongError(_TOO_MUCH_MEMORY)

    def _measure(self) -> None:
        """Take the kernel's count of bytes: libpq keeps reading while a fast server keeps
        sending.
        """
        memory = _peak_memory()
        received = bytes_received(self._descriptor)
        if not self._initial_memory:
            self._initial_memory = memory
            if received is not None:
                self._initial_received = received - self._received
        if received is not None and self._initial_received is not None:
            self._received = received - self._initial_received
        if memory - self._initial_memory > _GROWTH:
            raise TooLongError(_TOO_MUCH_MEMORY)

    def _queued(self) -> int:
        with suppress(OSError):  # libpq has closed the socket, and will report why
            return queued(self._descriptor)
        return 0


def limit_receive_buffer(descriptor: int) -> None:
    """Let the kernel buffer less of a fast server's answer for libpq.

    libpq reads a message that is announced as long in one call, as long as bytes are there: with
    the kernel's own 6 MiB waiting and a sender on the same machine, that call took 400 MiB before a
    limit could be checked.
    """
    with suppress(OSError), _as_socket(descriptor) as tcp_socket:
        tcp_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def queued(descriptor: int) -> int:
    """Return how many bytes have arrived and were not read. Raises OSError."""
    count = array.array("i", [0])
    ioctl(descriptor, FIONREAD, count)
    return count[0]


def bytes_received(descriptor: int) -> int | None:
    """Return the bytes received over this TCP connection so far, or None where the kernel does not
    report them.
    """
    try:
        # the base class: its subclass takes twice as long for one option
        tcp_socket = socket.SocketType(*_ANY_SOCKET, os.dup(descriptor))
        try:
            info = tcp_socket.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE
            )
        finally:
            tcp_socket.close()
    except (OSError, AttributeError):  # a local socket; not Linux
        return None
    if len(info) != _TCP_INFO_SIZE:
        return None
    return int.from_bytes(info[_BYTES_RECEIVED], sys.byteorder)


def _as_socket(descriptor: int) -> socket.socket:
    """Return a socket on a copy of the descriptor."""
    return socket.socket(*_ANY_SOCKET, os.dup(descriptor))


@cache
def _statm() -> int | None:
    """Open the kernel's report on the memory of this process, once: reading it then takes 2 µs, not
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
    pages = int(os.pread(report, 128, 0).split()[_DATA_FIELD])
    return pages * _PAGE


def _peak_memory() -> int:
    """Return the most memory that this process has had, in KiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // 1024 if sys.platform == "darwin" else size
