"""What is known of a session, column by column. None is unknown: neither a term nor its negation
holds.

- Hidden sessions show their pid, role, database and application name, and nothing else.
- A process of the server's own is known to have no database, role or client; a session that is
  still logging in is not.
- A role or a database whose name cannot be found (dropped, too new, or in a catalog that may not be
  read) has a name that is not known. `user="role 16402"`, as it is shown, is exactly that one.
- A wait event that is NULL is known: the session waits for nothing. An empty application name is
  known, too.
- A query that fills what the server keeps, or what was asked for, is known up to there.
- A time is known of sessions that have it: `xact` in a transaction, `query-age` while a statement
  runs, `idle` of idle sessions, and none of a session whose activity is not tracked.
"""

from collections.abc import Callable

from pgtop.analysis.breakdown import client_of
from pgtop.analysis.budget import OTHER, WAITING, state_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    DISABLED,
    HIDDEN_QUERY,
    IDLE,
    IDLE_IN_TRANSACTION_ABORTED,
    WALSENDER,
    Backend,
)
from pgtop.model.server import DATABASE_NUMBER, ROLE_NUMBER
from pgtop.model.snapshot import Snapshot
from pgtop.table.session_columns import column
from pgtop.table.session_state import state_word

_LOCAL = "local"
_UNSPLIT = 4
"""Bytes that stay free behind a text that was cut: one for the server itself, and up to three of
half a character.
"""


def database_name(backend: Backend) -> str | None:
    """Return the name of its database, where it is not only its number that is shown."""
    return _real(backend.datname, DATABASE_NUMBER, backend.datid)


def role_name(backend: Backend) -> str | None:
    """Return the name of its role, where it is not only its number that is shown."""
    return _real(backend.usename, ROLE_NUMBER, backend.usesysid)


def _real(name: str | None, kind: str, oid: int | None) -> str | None:
    is_number = name is not None and name.startswith(kind) and name == f"{kind}{oid}"
    return None if is_number else name


def database(backend: Backend) -> tuple[str, ...] | None:
    if backend.datname is not None:
        name = database_name(backend)
        return None if name is None else (name,)
    return ("",) if backend.datid is None and backend.backend_type != CLIENT_BACKEND else None


def role(backend: Backend) -> tuple[str, ...] | None:
    if backend.usename is not None:
        name = role_name(backend)
        return None if name is None else (name,)
    return ("",) if backend.usesysid is None and backend.backend_type != CLIENT_BACKEND else None


def application(backend: Backend) -> tuple[str, ...] | None:
    return None if backend.application_name is None else (backend.application_name,)


def client(backend: Backend) -> str | None:
    """Return the address, `local` for a socket on the server, or "" for a process that has no
    client.
    """
    if backend.hidden:
        return backend.client_addr
    if backend.client_addr is None and backend.backend_type == WALSENDER:
        return _LOCAL
    return client_of(backend)


def client_texts(backend: Backend) -> tuple[str, ...] | None:
    name = client(backend)
    return None if name is None else (name,)


def host(backend: Backend) -> tuple[str, ...] | None:
    return None if backend.client_hostname is None else (backend.client_hostname,)


def process_type(backend: Backend) -> tuple[str, ...] | None:
    return None if backend.backend_type is None else (backend.backend_type,)


def wait_texts(backend: Backend) -> tuple[str, ...] | None:
    if backend.hidden and backend.wait_event_type is None:
        return None
    return _wait_texts(backend.wait_event_type, backend.wait_event)


def _wait_texts(kind: str | None, event: str | None) -> tuple[str, ...]:
    return ("",) if kind is None else (f"{kind}:{event or ''}", kind, event or "")


def state_texts(backend: Backend) -> tuple[str, ...] | None:
    """Return the word on the screen, and the server's, which calls those active too that wait for a
    lock.
    """
    return None if backend.hidden or backend.state == DISABLED else _state_texts(backend)


def _state_texts(backend: Backend) -> tuple[str, ...]:
    return state_word(backend), "" if backend.waits_for_lock else backend.state or ""


def activity_texts(
    kind: str | None, state: str | None, wait: str | None, event: str | None
) -> tuple[str, ...]:
    """Return what a session is and does, in the words of the columns type, state and wait."""
    backend = Backend(0, backend_type=kind, state=state, wait_event_type=wait, wait_event=event)
    return kind or "", *_state_texts(backend), *_wait_texts(wait, event)


def query(backend: Backend) -> str | None:
    """Return the text as far as it was sent; "" for what has never run a query."""
    if backend.hidden or backend.query == HIDDEN_QUERY or backend.state == DISABLED:
        return None
    return (
        ""
        if backend.query is None and backend.query_start is None and not backend.is_client
        else backend.query
    )


def cut(snapshot: Snapshot) -> Callable[[str], bool]:
    """Return the test whether a part of a query may be missing: the server keeps, and was asked
    for, only so much.

    So may be what was masked.
    """
    kept = min(snapshot.server.track_activity_query_size, snapshot.text_bytes + 1) - _UNSPLIT

    def is_cut(text: str) -> bool:
        return 4 * len(text) >= kept and len(text.encode(errors="replace")) >= kept

    return (lambda text: "?" in text or is_cut(text)) if snapshot.are_queries_masked else is_cut


# States, in the words of the bar.

_WORDS: dict[str, Callable[[Backend], bool]] = {
    "active": lambda backend: state_of(backend) == ACTIVE,
    "waiting": lambda backend: state_of(backend) == WAITING,
    "idle": lambda backend: backend.state == IDLE,
    "idle-in-tx": lambda backend: backend.in_transaction_idle,
    "aborted": lambda backend: backend.state == IDLE_IN_TRANSACTION_ABORTED,
    "fastpath": lambda backend: backend.state == "fastpath function call",
    "starting": lambda backend: backend.state is None and backend.is_client,
}


def in_state(word: str) -> Callable[[Backend], bool | None]:
    """Return the decision whether a session is in the state `word`, as the bar counts it."""
    if word == "hidden":
        return lambda backend: backend.hidden
    if word == "disabled":
        return lambda backend: None if backend.hidden else backend.state == DISABLED
    if word == "other":
        return lambda backend: None if backend.hidden else _is_other(backend)
    test = _WORDS[word]
    return lambda backend: None if backend.hidden or backend.state == DISABLED else test(backend)


def exactly_in_state(state: str) -> Callable[[Backend], bool | None]:
    """Return the decision for `=`: unknown where the server's word and the bar's do not agree.

    The server calls a session active that waits for a lock, and has a name of its own for a failed
    transaction.
    """
    test = in_state("active" if state == ACTIVE else "idle-in-tx")
    doubt = in_state("waiting" if state == ACTIVE else "aborted")
    return lambda backend: None if doubt(backend) else test(backend)


def _is_other(backend: Backend) -> bool:
    return state_of(backend) == OTHER and (backend.state is not None or backend.is_client)


# Numbers.


age, xact_age, state_age, login_age = (
    column(name).key for name in ("age", "xact", "state_age", "backend_age")
)
"""What the columns are sorted by, so that a comparison never disagrees with what is seen."""
_statement_age = column("query_age").key


def query_age(backend: Backend, snapshot: DerivedSnapshot) -> float | None:
    """Return for how long a statement has run; an idle session runs none."""
    runs = backend.state == ACTIVE or backend.state == "fastpath function call"
    return _statement_age(backend, snapshot) if runs else None


def idle_age(backend: Backend, snapshot: DerivedSnapshot) -> float | None:
    """Return for how long an idle session has been idle."""
    return state_age(backend, snapshot) if backend.state == IDLE else None


def blockers(backend: Backend) -> frozenset[int] | None:
    """Return the pids that block a session; None if they are not known."""
    if not backend.blocked_by and (backend.hidden or backend.waits_for_lock):
        return None
    return frozenset(backend.blocked_by)


def blocker_count(backend: Backend, _: DerivedSnapshot) -> float | None:
    pids = blockers(backend)
    return None if pids is None else len(pids)


def misses_waiters(snapshot: DerivedSnapshot) -> bool:
    """Return whether there may be waiters whose blockers are not known."""
    return any(
        not b.blocked_by and (b.backend_start is None or b.wait_event_type == "Lock")
        for b in snapshot.snapshot.busy
    )
