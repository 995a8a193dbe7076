"""The state of a session: its word, how loudly that word asks for attention, and its age."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.text.tone import Tone

MINUTE = 60.0

_STATES = {
    ACTIVE: "active",
    IDLE: "idle",
    "idle in transaction": "idle in tx",
    "idle in transaction (aborted)": "idle in tx!",
    "fastpath function call": "fastpath",
    "disabled": "disabled",
    None: "starting",
}
_KINDS = {
    WALSENDER: "walsender",
    PARALLEL_WORKER: "worker",
    "autovacuum worker": "autovacuum",
    "autovacuum launcher": "av launcher",
    "background writer": "bgwriter",
    "background worker": "bgworker",
    "logical replication launcher": "lr launcher",
    "logical replication worker": "lr worker",
    "logical replication apply worker": "lr apply",
    "logical replication tablesync worker": "lr tablesync",
    "logical replication parallel worker": "lr parallel",
    "slotsync worker": "slotsync",
    "walsummarizer": "summarizer",
}


def age_start(backend: Backend) -> Instant | None:
    """Return the start of `age`: of the transaction, else of the running query, else of the
    state.
    """
    if backend.xact_start is not None:
        return backend.xact_start
    if backend.state == ACTIVE and backend.query_start is not None:
        return backend.query_start
    return backend.state_change


def state_word(backend: Backend) -> str:
    """Return the state of a client, or the kind of a background process, in at most twelve
    cells.
    """
    kind = backend.backend_type
    if kind is None:
        return "hidden"
    if kind not in (CLIENT_BACKEND, PARALLEL_WORKER):
        return _KINDS.get(kind, kind)
    if backend.waits_for_lock:
        return "waiting"
    if kind == PARALLEL_WORKER:
        return _KINDS[kind]
    return _STATES.get(backend.state, backend.state or "")


def state_in_full(backend: Backend) -> str:
    """Return the state of a client as the server names it, or "waiting" while it waits for a lock;
    the kind of a background process.
    """
    if backend.is_client and backend.state and not backend.waits_for_lock:
        return backend.state
    return state_word(backend)


def severity(backend: Backend, derived: DerivedSnapshot) -> Tone:
    """Return the tone of a session's state, given how long the state has lasted.

    Only the root of a lock tree is an alarm: the others are free once it has ended.
    """
    if derived.forest.is_root(backend.pid):
        return Tone.ALARM
    if is_quiet(backend):
        return Tone.QUIET
    if backend.waits_for_lock:
        return Tone.WARN
    if backend.leader_pid is not None:
        return Tone.QUIET
    if backend.in_transaction_idle:
        limit = derived.limits.idle_in_transaction
        is_long = _lasts_longer(age_start(backend), derived, limit)
        return Tone.WARN if is_long else Tone.NOTICE
    return Tone.WARN if _runs_long(backend, derived) else Tone.CALM


def _runs_long(backend: Backend, derived: DerivedSnapshot) -> bool:
    """Return whether the statement or its transaction is older than the user's limit."""
    limits = derived.limits
    if _lasts_longer(backend.xact_start, derived, limits.transaction):
        return True
    is_active = backend.state == ACTIVE and backend.query_start is not None
    start = backend.query_start if is_active else backend.state_change
    return _lasts_longer(start, derived, limits.statement)


def _lasts_longer(
    start: Instant | None,
    derived: DerivedSnapshot,
    seconds: float,
) -> bool:
    return start is not None and seconds_between(start, derived.now) > seconds


def is_quiet(backend: Backend) -> bool:
    """Return whether a session is idle, hidden, or one of the server's own processes."""
    return backend.state == IDLE or backend.backend_type not in (
        CLIENT_BACKEND,
        PARALLEL_WORKER,
    )
