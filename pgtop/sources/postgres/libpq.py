"""Two calls of libpq that psycopg does not offer in the form that pgtop needs.

psycopg's compiled build holds Python's lock while libpq polls a connection: a key on a dead mount,
a Kerberos server or a million rounds of SCRAM would stop every thread. ctypes releases the lock.
And libpq keeps no SQLSTATE of a refused login, but includes it in its message when verbose.
https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQSETERRORVERBOSITY
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

from psycopg import pq

if TYPE_CHECKING:
    import ctypes

_DEFAULT_VERBOSITY = 1
_VERBOSE = 2


def poll(pgconn: pq.abc.PGconn) -> int:
    """Let libpq take the next step of connecting, while other threads run."""
    state: int = _library().PQconnectPoll(_pointer(pgconn))
    return state


def show_sqlstates(pgconn: pq.abc.PGconn, shown: bool) -> None:
    """Choose whether the connection's error messages contain SQLSTATE and routine."""
    verbosity = _VERBOSE if shown else _DEFAULT_VERBOSITY
    _library().PQsetErrorVerbosity(_pointer(pgconn), verbosity)


def _pointer(pgconn: pq.abc.PGconn) -> "ctypes.c_void_p":
    from ctypes import c_void_p

    return c_void_p(getattr(pgconn, "pgconn_ptr"))  # noqa: B009  # not in psycopg's protocol


@cache
def _library() -> "ctypes.CDLL":
    """Load the same libpq that psycopg uses: the loader also finds names in the libraries that a
    library is linked with.
    """
    import ctypes

    if pq.__impl__ == "python":
        from psycopg.pq import _pq_ctypes

        path = _pq_ctypes.pq._name  # type: ignore[attr-defined]
    else:
        path = sys.modules[pq.PGconn.__module__].__file__
    return ctypes.CDLL(path)
