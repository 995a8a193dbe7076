"""Two calls of libpq that psycopg does not offer as pgtop needs them.

psycopg's compiled build holds Python's lock while libpq polls a connection: a key on a dead mount,
a Kerberos server or a million rounds of SCRAM would stop every thread. ctypes releases the lock.
And libpq keeps no SQLSTATE of a refused login, but writes it into its message when asked to be
verbose.
https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQSETERRORVERBOSITY
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

from psycopg import pq

if TYPE_CHECKING:
    import ctypes

_DEFAULT, _VERBOSE = 1, 2


def poll(pgconn: pq.abc.PGconn) -> int:
    """Let libpq take the next step of connecting; other threads run meanwhile."""
    state: int = _library().PQconnectPoll(_pointer(pgconn))
    return state


def show_sqlstates(pgconn: pq.abc.PGconn, shown: bool) -> None:
    """Choose whether the connection's error messages name SQLSTATE and routine."""
    _library().PQsetErrorVerbosity(_pointer(pgconn), _VERBOSE if shown else _DEFAULT)


def _pointer(pgconn: pq.abc.PGconn) -> "ctypes.c_void_p":
    from ctypes import c_void_p

    return c_void_p(getattr(pgconn, "pgconn_ptr"))  # noqa: B009  # not in psycopg's protocol


@cache
def _library() -> "ctypes.CDLL":
    """Return the very libpq that psycopg uses: the loader looks names up in what a library was
    linked with, too.
    """
    import ctypes

    if pq.__impl__ == "python":
        from psycopg.pq import _pq_ctypes

        path = _pq_ctypes.pq._name  # type: ignore[attr-defined]
    else:
        path = sys.modules[pq.PGconn.__module__].__file__
    return ctypes.CDLL(path)
