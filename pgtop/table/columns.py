"""What can be seen of a session: one declaration per column, read by the table, the sort menu, the
filter and the help.

`key` orders by value and `text` is raw: nothing is formatted to be compared, and nothing is cleaned
before it is drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    HIDDEN_QUERY,
    IDLE,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Tone
from pgtop.text.units import age, quiet_age, rough_age

Key = Callable[[Backend, DerivedSnapshot], Any]
Text = Callable[[Backend, DerivedSnapshot], str]
Toner = Callable[[Backend, DerivedSnapshot], Tone]
Start = Callable[[Backend], Instant | None]

MINUTE = 60.0
WORKER_MARK = "└ "
HIDDEN_WORDS = "(hidden: grant pg_read_all_stats)"
NOT_YET = "…"
ROOT_MARK = "▲"
"""Before the number of sessions that hang on the root of a tree of waiters."""

_STATES = {
    ACTIVE: "active", IDLE: "idle", "idle in transaction": "idle in tx", "idle in transaction (aborted)": "idle in tx!",
    "fastpath function call": "fastpath", "disabled": "disabled", None: "starting",
}  # fmt: skip
_KINDS = {
    WALSENDER: "walsender", PARALLEL_WORKER: "worker", "autovacuum worker": "autovacuum",
    "autovacuum launcher": "av launcher", "background writer": "bgwriter", "background worker": "bgworker",
    "logical replication launcher": "lr launcher", "logical replication worker": "lr worker",
    "logical replication apply worker": "lr apply", "logical replication tablesync worker": "lr tablesync",
    "logical replication parallel worker": "lr parallel", "slotsync worker": "slotsync", "walsummarizer": "summarizer",
}  # fmt: skip
_NARROW_STATES = {
    "idle in tx": "idle tx",
    "idle in tx!": "idle tx!",
    "autovacuum": "autovac",
    "walsender": "walsend",
}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One thing to see of each session; there is one of each, so it is equal to nothing but itself.

    `key` gives what it is sorted by, None for nothing to compare; `text` the raw words of the cell.
    The smaller `rank`, the longer it stays when space is short. `narrow` stands for it where the
    most important ones would not all fit.
    """

    name: str
    title: str
    meaning: str
    width: int
    rank: int
    key: Key
    text: Text
    tone: Toner
    right: bool = False
    on_request: bool = False
    narrow: "Column | None" = None


def column(name: str) -> Column:
    """The column called `name`; ValueError says which there are."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(f"there is no column {name!r}: use one of {', '.join(_BY_NAME)}") from None


def falls(name: str | None) -> bool:
    """The order that is meant first: most of what is counted or timed, A to Z of what is named."""
    return name is None or column(name).right


def age_start(backend: Backend) -> Instant | None:
    """Since when `age` counts: its transaction began, or else its running query, or else its state
    changed.
    """
    if backend.xact_start is not None:
        return backend.xact_start
    if backend.state == ACTIVE and backend.query_start is not None:
        return backend.query_start
    return backend.state_change


def state_word(backend: Backend) -> str:
    """What it is doing, in at most twelve cells; for a background process, what it is."""
    kind = backend.backend_type
    if kind is None:
        return "hidden"
    if kind not in (CLIENT_BACKEND, PARALLEL_WORKER):
        return _KINDS.get(kind, kind)
    if backend.waits_for_lock:
        return "waiting"
    return (
        _KINDS[kind] if kind == PARALLEL_WORKER else _STATES.get(backend.state, backend.state or "")
    )


def severity(backend: Backend, picture: DerivedSnapshot) -> Tone:
    """How much its state, and how long it has lasted, asks for attention."""
    if _is_quiet(backend):
        return Tone.QUIET
    if backend.waits_for_lock:
        return Tone.ALARM if _lasts(backend.query_start, picture, MINUTE) else Tone.WARN
    if backend.in_transaction_idle:
        return _severity_in_transaction(backend, picture)
    if _lasts(age_start(backend), picture, 10 * MINUTE):
        return Tone.WARN
    return Tone.NOTICE if _lasts(age_start(backend), picture, MINUTE) else Tone.PLAIN


def _severity_in_transaction(backend: Backend, picture: DerivedSnapshot) -> Tone:
    if backend.pid in picture.blocks or _lasts(age_start(backend), picture, 10 * MINUTE):
        return Tone.ALARM
    return Tone.WARN if _lasts(age_start(backend), picture, MINUTE) else Tone.NOTICE


def _lasts(since: Instant | None, picture: DerivedSnapshot, seconds: float) -> bool:
    return since is not None and seconds_between(since, picture.now) > seconds


def _is_quiet(backend: Backend) -> bool:
    """Nobody waits for it to be looked at: idle, hidden, or a process of the server's own."""
    return backend.state == IDLE or backend.backend_type not in (CLIENT_BACKEND, PARALLEL_WORKER)


def _row(backend: Backend, _picture: DerivedSnapshot) -> Tone:
    return Tone.QUIET if _is_quiet(backend) else Tone.PLAIN


def _blocker(backend: Backend, picture: DerivedSnapshot) -> Tone:
    if not picture.blocks.get(backend.pid):
        return _row(backend, picture)
    return Tone.ALARM if backend.in_transaction_idle else Tone.STRONG


def _waiter(backend: Backend, picture: DerivedSnapshot) -> Tone:
    return severity(backend, picture) if backend.waits_for_lock else _row(backend, picture)


def _state(backend: Backend, _picture: DerivedSnapshot) -> str:
    return state_word(backend)


def _narrow_state(backend: Backend, _picture: DerivedSnapshot) -> str:
    word = state_word(backend)
    return _NARROW_STATES.get(word, word)


def _who(backend: Backend, _picture: DerivedSnapshot) -> str:
    return name_of_session(backend)


def _who_key(backend: Backend, _picture: DerivedSnapshot) -> tuple[str, str] | None:
    if backend.usename is None and backend.datname is None:
        return None
    return backend.usename or "", backend.datname or ""


def _client(backend: Backend, _picture: DerivedSnapshot) -> str:
    if backend.client_addr is not None:
        return backend.client_addr
    return "local" if backend.backend_type == CLIENT_BACKEND else ""


def _client_key(backend: Backend, _picture: DerivedSnapshot) -> tuple[int, bytes] | None:
    if backend.client_addr is not None:
        return _address_key(backend.client_addr)
    return (0, b"") if backend.backend_type == CLIENT_BACKEND else None


@lru_cache(maxsize=4096)
def _address_key(address: str) -> tuple[int, bytes]:
    """Addresses by number, IPv4 before IPv6, so that 10.0.0.9 comes before 10.0.0.10."""
    import ipaddress  # only when somebody sorts by it

    try:
        packed = ipaddress.ip_address(address).packed
    except ValueError:
        return 99, address.encode(errors="replace")
    return len(packed), packed


def _wait(backend: Backend, _picture: DerivedSnapshot) -> str | None:
    if backend.wait_event_type is None:
        return None
    return f"{backend.wait_event_type}:{backend.wait_event or ''}"


def _narrow_wait(backend: Backend, _picture: DerivedSnapshot) -> str:
    return backend.wait_event_type or ""


def _blocked_by(backend: Backend, _picture: DerivedSnapshot) -> int | None:
    """How many it waits for; the server may name a parallel query's pid more than once."""
    return len(set(backend.blocked_by)) or None


def _blocks(backend: Backend, picture: DerivedSnapshot) -> str:
    count = picture.blocks.get(backend.pid)
    return f"{ROOT_MARK if picture.forest.is_root(backend.pid) else ''}{count}" if count else ""


def _blocks_key(backend: Backend, picture: DerivedSnapshot) -> tuple[bool, int] | None:
    """Roots first, whatever hangs on those that wait themselves."""
    count = picture.blocks.get(backend.pid)
    return (picture.forest.is_root(backend.pid), count) if count else None


def _query(backend: Backend, _picture: DerivedSnapshot) -> str:
    if backend.hidden or backend.query == HIDDEN_QUERY:
        return HIDDEN_WORDS
    if backend.query is None:
        return NOT_YET if backend.is_client or backend.leader_pid else ""
    return (WORKER_MARK if backend.leader_pid else "") + backend.query.lstrip()


def _query_key(backend: Backend, _picture: DerivedSnapshot) -> str | None:
    return None if backend.hidden else backend.query


def _written(key: Key) -> Text:
    """The value itself as text; nothing for None."""

    def text(backend: Backend, picture: DerivedSnapshot) -> str:
        value = key(backend, picture)
        return "" if value is None else str(value)

    return text


def _since(start: Start) -> tuple[Key, Text]:
    """Key and text of the seconds since `start`, roughly; of who is quiet, still more so."""

    def key(backend: Backend, picture: DerivedSnapshot) -> float | None:
        since = start(backend)
        return None if since is None else seconds_between(since, picture.snapshot.taken_at)

    def text(backend: Backend, picture: DerivedSnapshot) -> str:
        seconds = key(backend, picture)
        return quiet_age(seconds) if _is_quiet(backend) else rough_age(seconds)

    return key, text


_age_key, _rough_age = _since(age_start)


def _age(backend: Backend, picture: DerivedSnapshot) -> str:
    """To the second, but for who is quiet: hundreds of idle sessions need not be drawn every
    second.
    """
    return _rough_age(backend, picture) if _is_quiet(backend) else age(_age_key(backend, picture))


def _with_narrow(full: Column, width: int, text: Text | None = None) -> Column:
    """The column, with a narrower one to stand for it."""
    return replace(full, narrow=replace(full, width=width, text=text or full.text))


COLUMNS: tuple[Column, ...] = (
    Column("pid", "PID", "process id of the backend", 7, 0,
           lambda b, _: b.pid, lambda b, _: str(b.pid), _blocker, right=True),
    _with_narrow(Column("who", "USER@DATABASE", "role and database of the session", 18, 6, _who_key, _who, _row), 15),
    Column("database", "DATABASE", "database it is connected to", 12, 18,
           lambda b, _: b.datname, lambda b, _: b.datname or "", _row),
    Column("user", "USER", "role it logged in as", 12, 19,
           lambda b, _: b.usename, lambda b, _: b.usename or "", _row),
    Column("application", "APPLICATION", "the name its program gave itself", 16, 12,
           lambda b, _: b.application_name or None, lambda b, _: b.application_name or "", _row),
    Column("client", "CLIENT", "address it comes from; local: a socket on the server", 15, 15,
           _client_key, _client, _row),
    _with_narrow(
        Column("state", "STATE", "what it is doing (idle in tx!: the transaction failed), or its kind", 12, 3,
               _state, _state, severity), 8, _narrow_state),
    _with_narrow(
        Column("wait", "WAIT", "what it waits for, type and event", 18, 11, _wait, _written(_wait), _waiter),
        7, _narrow_wait),
    Column("age", "AGE", "since its transaction began, or else its running query, or else its state", 6, 2,
           _age_key, _age, severity, right=True),
    Column("xact", "XACT", "since its transaction began", 6, 14,
           *_since(lambda b: b.xact_start), _row, right=True),
    Column("query_age", "STMT", "since its query began; of an idle session, its last", 6, 16,
           *_since(lambda b: b.query_start), _row, right=True),
    Column("state_age", "SINCE", "since its state changed", 6, 17,
           *_since(lambda b: b.state_change), _row, right=True),
    Column("blocked_by", "BLK", "blocked by: how many sessions it waits for", 4, 4,
           _blocked_by, _written(_blocked_by), _waiter, right=True),
    Column("blocks", "BLOCKS", "how many sessions it blocks, in all; ▲ is a root", 7, 5,
           _blocks_key, _blocks, _blocker, right=True),
    Column("backend_age", "LOGIN", "since it logged in", 6, 7,
           *_since(lambda b: b.backend_start), _row, right=True, on_request=True),
    Column("xmin_age", "XMIN AGE", "transactions that its snapshot keeps vacuum from cleaning", 10, 9,
           lambda b, _: b.xmin_age, _written(lambda b, _: b.xmin_age), _row, right=True, on_request=True),
    Column("query_id", "QUERY ID", "the query's number in pg_stat_statements", 20, 10,
           lambda b, _: b.query_id, _written(lambda b, _: b.query_id), _row, right=True, on_request=True),
    Column("leader", "LEADER", "pid of the leader of a parallel worker", 7, 8,
           lambda b, _: b.leader_pid, _written(lambda b, _: b.leader_pid), _row, right=True, on_request=True),
    Column("query", "QUERY", "its query; of an idle session, its last", 24, 1, _query_key, _query, _row),
)  # fmt: skip
"""All columns as they stand on a wide screen. `who` says in one what `database` and `user` say in
two.
"""

_BY_NAME = {column.name: column for column in COLUMNS}
