"""The known values of a session, column by column. None is unknown: neither a term nor its negation
matches.

- Hidden sessions show their pid, role, database and application name, and nothing else.
- A process of the server's own has no database, role or client; a session that is still logging in
  may have one.
- The name of a role or a database that cannot be found (dropped, too new, or in an unreadable
  catalog) is unknown. `user="role 16402"`, as it is shown, matches exactly that role.
- A wait event that is NULL is known: the session waits for nothing. An empty application name is
  known, too.
- A query that fills the server's buffer, or the requested length, is known up to there.
- A session has a time only in the state that the time belongs to: `xact` in a transaction,
  `query-age` while a statement runs, `idle` while idle. A session with tracking disabled has none.
"""

from collections.abc import Callable
from typing import TypeAlias

from pgtop.analysis.budget import OTHER, WAITING, state_of
from pgtop.analysis.client_names import ClientNames, client_of, pool_names_of, pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    DISABLED,
    HIDDEN_QUERY,
    IDLE,
    IDLE_IN_TRANSACTION_ABORTED,
    LOCAL,
    WALSENDER,
    Backend,
)
from pgtop.model.section import POOLS
from pgtop.model.server import DATABASE_NUMBER, ROLE_NUMBER
from pgtop.model.snapshot import Snapshot
from pgtop.table.session_columns import column
from pgtop.table.session_state import state_word

Texts: TypeAlias = tuple[str, ...]
StateDecision: TypeAlias = Callable[[Backend], bool | None]

_FASTPATH = "fastpath function call"
_FREE_BYTES = 4
"""Bytes that stay free behind a text that was cut: one for the server itself, and up to three of
half a character.
"""


def database_name(backend: Backend) -> str | None:
    """Return the name of its database, unless only the number is known."""
    return _without_number(backend.datname, DATABASE_NUMBER, backend.datid)


def role_name(backend: Backend) -> str | None:
    """Return the name of its role, unless only the number is known."""
    return _without_number(backend.usename, ROLE_NUMBER, backend.usesysid)


def _without_number(name: str | None, prefix: str, oid: int | None) -> str | None:
    """Return the name, or None if it is only the number: the prefix first, as this is called for
    thousands of sessions.
    """
    if name is not None and name.startswith(prefix) and name == f"{prefix}{oid}":
        return None
    return name


def database(backend: Backend) -> Texts | None:
    """Return the name of the database, or "" for a process without one."""
    if backend.datname is not None:
        return _text(database_name(backend))
    return _none_of_its_own(backend, backend.datid)


def role(backend: Backend) -> Texts | None:
    """Return the name of the role, or "" for a process without one."""
    if backend.usename is not None:
        return _text(role_name(backend))
    return _none_of_its_own(backend, backend.usesysid)


def _none_of_its_own(backend: Backend, oid: int | None) -> Texts | None:
    is_servers_own = oid is None and backend.backend_type != CLIENT_BACKEND
    return ("",) if is_servers_own else None


def _text(value: str | None) -> Texts | None:
    return None if value is None else (value,)


def application(backend: Backend) -> Texts | None:
    """Return the application name."""
    return _text(backend.application_name)


def client(backend: Backend) -> str | None:
    """Return the address, `local` for a socket on the server, or "" for a process without a
    client.
    """
    if backend.hidden:
        return backend.client_addr
    if backend.client_addr is None and backend.backend_type == WALSENDER:
        return LOCAL
    return client_of(backend)


def client_in(snapshot: Snapshot) -> Callable[[Backend], str | None]:
    """Return what gives the address of each session's client: behind a pooler the client's own."""
    pooled = pooled_of(snapshot)
    names = ClientNames(pooled)

    def pooled_client(backend: Backend) -> str | None:
        is_pooled = backend.identity in pooled
        return names.client(backend) if is_pooled else client(backend)

    return pooled_client if pooled else client


def client_texts_in(snapshot: Snapshot) -> Callable[[Backend], Texts | None]:
    """Return what gives these addresses as texts."""
    name_of = client_in(snapshot)
    return lambda backend: _text(name_of(backend))


def application_in(snapshot: Snapshot) -> Callable[[Backend], Texts | None]:
    """Return what gives each session's application name: behind a pooler that of its client."""
    pooled = pooled_of(snapshot)
    names = ClientNames(pooled)

    def pooled_application(backend: Backend) -> Texts | None:
        is_pooled = backend.identity in pooled
        return (names.application(backend),) if is_pooled else application(backend)

    return pooled_application if pooled else application


def pool_in(snapshot: Snapshot) -> Callable[[Backend], Texts | None]:
    """Return what gives the name of the pool that a session belongs to; "" for one of no pool."""
    if POOLS not in snapshot.sections:
        return lambda _: None
    names = pool_names_of(snapshot)

    def pool(backend: Backend) -> Texts | None:
        name = names.get(backend.identity)
        if name is None and backend.hidden:
            return None
        return (name or "",)

    return pool


def host(backend: Backend) -> Texts | None:
    """Return the host name."""
    return _text(backend.client_hostname)


def process_type(backend: Backend) -> Texts | None:
    """Return the type of the process."""
    return _text(backend.backend_type)


def wait_texts(backend: Backend) -> Texts | None:
    """Return type:event, type and event, or "" for a session that waits for nothing."""
    if backend.hidden and backend.wait_event_type is None:
        return None
    return _wait_texts(backend.wait_event_type, backend.wait_event)


def _wait_texts(wait_type: str | None, event: str | None) -> Texts:
    if wait_type is None:
        return ("",)
    event = event or ""
    return f"{wait_type}:{event}", wait_type, event


def state_texts(backend: Backend) -> Texts | None:
    """Return the word on screen, and the server's: it also calls sessions active that wait for a
    lock.
    """
    if backend.hidden or backend.state == DISABLED:
        return None
    return _state_texts(backend)


def _state_texts(backend: Backend) -> Texts:
    server_state = "" if backend.waits_for_lock else backend.state or ""
    return state_word(backend), server_state


def activity_texts(
    process_type: str | None,
    state: str | None,
    wait_type: str | None,
    event: str | None,
) -> Texts:
    """Return the texts of the columns type, state and wait."""
    backend = Backend(
        0,
        backend_type=process_type,
        state=state,
        wait_event_type=wait_type,
        wait_event=event,
    )
    return process_type or "", *_state_texts(backend), *_wait_texts(wait_type, event)


def query(backend: Backend) -> str | None:
    """Return the text as far as it was sent; "" for a process that has never run a query."""
    if backend.hidden or backend.query == HIDDEN_QUERY or backend.state == DISABLED:
        return None
    if backend.query is None and backend.query_start is None and not backend.is_client:
        return ""
    return backend.query


def cut(snapshot: Snapshot) -> Callable[[str], bool]:
    """Return the test whether a part of a query may be missing: beyond the server's buffer, or the
    requested length, or masked.
    """
    buffer_size = snapshot.server.track_activity_query_size
    kept = min(buffer_size, snapshot.text_bytes + 1) - _FREE_BYTES

    def is_cut(text: str) -> bool:
        may_fill = 4 * len(text) >= kept  # cheaper than to encode each
        return may_fill and len(text.encode(errors="replace")) >= kept

    def is_cut_or_masked(text: str) -> bool:
        return "?" in text or is_cut(text)

    return is_cut_or_masked if snapshot.are_queries_masked else is_cut


_STATE_TESTS: dict[str, Callable[[Backend], bool]] = {
    "active": lambda backend: state_of(backend) == ACTIVE,
    "waiting": lambda backend: state_of(backend) == WAITING,
    "idle": lambda backend: backend.state == IDLE,
    "idle-in-tx": lambda backend: backend.in_transaction_idle,
    "aborted": lambda backend: backend.state == IDLE_IN_TRANSACTION_ABORTED,
    "fastpath": lambda backend: backend.state == _FASTPATH,
    "starting": lambda backend: backend.state is None and backend.is_client,
}


def in_state(word: str) -> StateDecision:
    """Return the decision whether a session is in the state `word`, as the bar counts it."""
    if word == "hidden":
        return lambda backend: backend.hidden
    if word == "disabled":
        return lambda backend: None if backend.hidden else backend.state == DISABLED
    if word == "other":
        return lambda backend: None if backend.hidden else _is_other(backend)
    test = _STATE_TESTS[word]

    def decide(backend: Backend) -> bool | None:
        is_unknown = backend.hidden or backend.state == DISABLED
        return None if is_unknown else test(backend)

    return decide


def exactly_in_state(state: str) -> StateDecision:
    """Return the decision for `=`: unknown where the server's word and the bar's disagree.

    The server also calls a session active that waits for a lock, and has a name of its own for a
    failed transaction.
    """
    is_active = state == ACTIVE
    test = in_state("active" if is_active else "idle-in-tx")
    disagree = in_state("waiting" if is_active else "aborted")
    return lambda backend: None if disagree(backend) else test(backend)


def _is_other(backend: Backend) -> bool:
    return state_of(backend) == OTHER and (
        backend.state is not None or backend.is_client
    )


age = column("age").key
xact_age = column("xact").key
state_age = column("state_age").key
login_age = column("backend_age").key
"""The sort keys of the columns, so that a comparison never disagrees with the screen."""
_statement_age = column("query_age").key


def query_age(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the seconds since the running statement began; an idle session runs none."""
    is_running = backend.state in (ACTIVE, _FASTPATH)
    return _statement_age(backend, derived) if is_running else None


def idle_age(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the seconds since a session became idle."""
    return state_age(backend, derived) if backend.state == IDLE else None


def blockers(backend: Backend) -> frozenset[int] | None:
    """Return the pids that block a session; None if they are unknown."""
    may_wait = backend.hidden or backend.waits_for_lock
    if not backend.blocked_by and may_wait:
        return None
    return frozenset(backend.blocked_by)


def blocker_count(backend: Backend, _: DerivedSnapshot) -> float | None:
    """Return how many pids block a session."""
    pids = blockers(backend)
    return None if pids is None else len(pids)


def misses_waiters(derived: DerivedSnapshot) -> bool:
    """Return whether there may be waiters without known blockers."""
    return any(
        not backend.blocked_by and _may_wait(backend)
        for backend in derived.snapshot.busy
    )


def _may_wait(backend: Backend) -> bool:
    return backend.backend_start is None or backend.wait_event_type == "Lock"
