"""The columns of the sessions. One declaration is read by the table, the sort menu and the help."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, HIDDEN_QUERY, Backend
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.session_state import age_start, is_quiet, severity, state_word
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Tone
from pgtop.text.units import age, quiet_age, rough_age

Column: TypeAlias = columns.Column[Backend, DerivedSnapshot]
Key: TypeAlias = columns.Key[Backend, DerivedSnapshot]
Text: TypeAlias = columns.Text[Backend, DerivedSnapshot]
Start: TypeAlias = Callable[[Backend], Instant | None]

WORKER_MARK = "└ "
HIDDEN_WORDS = "(hidden: grant pg_read_all_stats)"
NOT_YET = "…"
ROOT_MARK = "▲"
"""Stands before the number of sessions that the root of a lock tree blocks."""

_NARROW_STATES = {
    "idle in tx": "idle tx",
    "idle in tx!": "idle tx!",
    "autovacuum": "autovac",
    "walsender": "walsend",
}


# Tones.


def _row(backend: Backend, _derived: DerivedSnapshot) -> Tone:
    return Tone.QUIET if is_quiet(backend) else Tone.PLAIN


def _blocker(backend: Backend, derived: DerivedSnapshot) -> Tone:
    if not derived.blocks.get(backend.pid):
        return _row(backend, derived)
    return Tone.ALARM if backend.in_transaction_idle else Tone.STRONG


def _waiter(backend: Backend, derived: DerivedSnapshot) -> Tone:
    return (
        severity(backend, derived) if backend.waits_for_lock else _row(backend, derived)
    )


# Keys and texts.


def _state(backend: Backend, _derived: DerivedSnapshot) -> str:
    return state_word(backend)


def _narrow_state(backend: Backend, _derived: DerivedSnapshot) -> str:
    word = state_word(backend)
    return _NARROW_STATES.get(word, word)


def _name(backend: Backend, _derived: DerivedSnapshot) -> str:
    return name_of_session(backend)


def _name_key(backend: Backend, _derived: DerivedSnapshot) -> tuple[str, str] | None:
    if backend.usename is None and backend.datname is None:
        return None
    return backend.usename or "", backend.datname or ""


def _client(backend: Backend, _derived: DerivedSnapshot) -> str:
    if backend.client_addr is not None:
        return backend.client_addr
    return "local" if backend.backend_type == CLIENT_BACKEND else ""


def _client_key(
    backend: Backend, _derived: DerivedSnapshot
) -> tuple[int, bytes] | None:
    if backend.client_addr is not None:
        return _address_key(backend.client_addr)
    return (0, b"") if backend.backend_type == CLIENT_BACKEND else None


@lru_cache(maxsize=4096)
def _address_key(address: str) -> tuple[int, bytes]:
    """Return a key that orders addresses by number, IPv4 before IPv6: 10.0.0.9 before 10.0.0.10."""
    import ipaddress  # late, as few sort by address

    try:
        packed = ipaddress.ip_address(address).packed
    except ValueError:
        return 99, address.encode(errors="replace")
    return len(packed), packed


def _wait(backend: Backend, _derived: DerivedSnapshot) -> str | None:
    if backend.wait_event_type is None:
        return None
    return f"{backend.wait_event_type}:{backend.wait_event or ''}"


def _narrow_wait(backend: Backend, _derived: DerivedSnapshot) -> str:
    return backend.wait_event_type or ""


def _blocked_by(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    """Count blockers once each: the server may repeat the pid of a parallel query."""
    return len(set(backend.blocked_by)) or None


def _blocks(backend: Backend, derived: DerivedSnapshot) -> str:
    count = derived.blocks.get(backend.pid)
    if not count:
        return ""
    mark = ROOT_MARK if derived.forest.is_root(backend.pid) else ""
    return f"{mark}{count}"


def _blocks_key(backend: Backend, derived: DerivedSnapshot) -> tuple[bool, int] | None:
    """Return a key that puts roots before all sessions that wait themselves."""
    count = derived.blocks.get(backend.pid)
    return (derived.forest.is_root(backend.pid), count) if count else None


def _query(backend: Backend, _derived: DerivedSnapshot) -> str:
    if backend.hidden or backend.query == HIDDEN_QUERY:
        return HIDDEN_WORDS
    if backend.query is None:
        return NOT_YET if backend.is_client or backend.leader_pid else ""
    mark = WORKER_MARK if backend.leader_pid else ""
    return mark + backend.query.lstrip()


def _query_key(backend: Backend, _derived: DerivedSnapshot) -> str | None:
    return None if backend.hidden else backend.query


def _xmin_age(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.xmin_age


def _query_id(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.query_id


def _leader(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.leader_pid


def _text_of(key: Key) -> Text:
    """Return the function that writes the value of `key`; None is empty."""

    def text(backend: Backend, derived: DerivedSnapshot) -> str:
        value = key(backend, derived)
        return "" if value is None else str(value)

    return text


def _seconds_since(start: Start) -> Key:
    def key(backend: Backend, derived: DerivedSnapshot) -> float | None:
        instant = start(backend)
        return (
            None
            if instant is None
            else seconds_between(instant, derived.snapshot.taken_at)
        )

    return key


def _rough_text_of(key: Key) -> Text:
    """Return the function that writes a time roughly; of quiet sessions, more roughly still."""

    def text(backend: Backend, derived: DerivedSnapshot) -> str:
        seconds = key(backend, derived)
        return quiet_age(seconds) if is_quiet(backend) else rough_age(seconds)

    return text


_age_key = _seconds_since(age_start)
_rough_age = _rough_text_of(_age_key)


def _age(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the age to the second; roughly for quiet sessions, so that hundreds of rows need not
    be drawn every second.
    """
    if is_quiet(backend):
        return _rough_age(backend, derived)
    return age(_age_key(backend, derived))


def _time(
    name: str,
    title: str,
    meaning: str,
    start: Start,
    rank: int,
    on_request: bool = False,
) -> Column:
    """Return the column of a time since `start`."""
    key = _seconds_since(start)
    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=6,
        rank=rank,
        key=key,
        text=_rough_text_of(key),
        tone=_row,
        right=True,
        on_request=on_request,
    )


_PID = Column(
    name="pid",
    title="PID",
    meaning="process id of the backend",
    width=7,
    rank=0,
    key=lambda backend, _: backend.pid,
    text=lambda backend, _: str(backend.pid),
    tone=_blocker,
    right=True,
)
_NAME = Column(
    name="who",
    title="USER@DATABASE",
    meaning="role and database of the session",
    width=18,
    rank=6,
    key=_name_key,
    text=_name,
    tone=_row,
).narrowed(15)
_DATABASE = Column(
    name="database",
    title="DATABASE",
    meaning="database it is connected to",
    width=12,
    rank=18,
    key=lambda backend, _: backend.datname,
    text=lambda backend, _: backend.datname or "",
    tone=_row,
)
_USER = Column(
    name="user",
    title="USER",
    meaning="role it logged in as",
    width=12,
    rank=19,
    key=lambda backend, _: backend.usename,
    text=lambda backend, _: backend.usename or "",
    tone=_row,
)
_APPLICATION = Column(
    name="application",
    title="APPLICATION",
    meaning="the name its program gave itself",
    width=16,
    rank=12,
    key=lambda backend, _: backend.application_name or None,
    text=lambda backend, _: backend.application_name or "",
    tone=_row,
)
_CLIENT = Column(
    name="client",
    title="CLIENT",
    meaning="address it comes from; local: a socket on the server",
    width=15,
    rank=15,
    key=_client_key,
    text=_client,
    tone=_row,
)
_STATE = Column(
    name="state",
    title="STATE",
    meaning="what it is doing (idle in tx!: the transaction failed), or its kind",
    width=12,
    rank=3,
    key=_state,
    text=_state,
    tone=severity,
).narrowed(8, _narrow_state)
_WAIT = Column(
    name="wait",
    title="WAIT",
    meaning="what it waits for, type and event",
    width=18,
    rank=11,
    key=_wait,
    text=_text_of(_wait),
    tone=_waiter,
).narrowed(7, _narrow_wait)
_AGE = Column(
    name="age",
    title="AGE",
    meaning="since its transaction began, or else its running query, or else its state",
    width=6,
    rank=2,
    key=_age_key,
    text=_age,
    tone=severity,
    right=True,
)
_BLOCKED_BY = Column(
    name="blocked_by",
    title="BY",
    meaning="blocked by: how many sessions it waits for",
    width=4,
    rank=4,
    key=_blocked_by,
    text=_text_of(_blocked_by),
    tone=_waiter,
    right=True,
)
_BLOCKS = Column(
    name="blocks",
    title="BLOCKS",
    meaning="how many sessions it blocks, in all; ▲ marks a root",
    width=7,
    rank=5,
    key=_blocks_key,
    text=_blocks,
    tone=_blocker,
    right=True,
)
_XMIN_AGE = Column(
    name="xmin_age",
    title="XMIN AGE",
    meaning="transactions that its snapshot keeps vacuum from cleaning",
    width=10,
    rank=9,
    key=_xmin_age,
    text=_text_of(_xmin_age),
    tone=_row,
    right=True,
    on_request=True,
)
_QUERY_ID = Column(
    name="query_id",
    title="QUERY ID",
    meaning="the query's number in pg_stat_statements",
    width=20,
    rank=10,
    key=_query_id,
    text=_text_of(_query_id),
    tone=_row,
    right=True,
    on_request=True,
)
_LEADER = Column(
    name="leader",
    title="LEADER",
    meaning="pid of the leader of a parallel worker",
    width=7,
    rank=8,
    key=_leader,
    text=_text_of(_leader),
    tone=_row,
    right=True,
    on_request=True,
)
_QUERY = Column(
    name="query",
    title="QUERY",
    meaning="its query; of an idle session, its last",
    width=24,
    rank=1,
    key=_query_key,
    text=_query,
    tone=_row,
)

COLUMNS: tuple[Column, ...] = (
    _PID,
    _NAME,
    _DATABASE,
    _USER,
    _APPLICATION,
    _CLIENT,
    _STATE,
    _WAIT,
    _AGE,
    _time(
        "xact",
        "XACT",
        "since its transaction began",
        lambda b: b.xact_start,
        14,
    ),
    _time(
        "query_age",
        "STMT",
        "since its query began; of an idle session, its last",
        lambda b: b.query_start,
        16,
    ),
    _time(
        "state_age",
        "SINCE",
        "since its state changed",
        lambda b: b.state_change,
        17,
    ),
    _BLOCKED_BY,
    _BLOCKS,
    _time(
        "backend_age",
        "LOGIN",
        "since it logged in",
        lambda b: b.backend_start,
        7,
        True,
    ),
    _XMIN_AGE,
    _QUERY_ID,
    _LEADER,
    _QUERY,
)
"""All columns as they stand on a wide screen. `who` is `database` and `user` in one."""

SESSION_COLUMNS = ColumnSet(
    *COLUMNS,
    essential=("who", "state", "wait", "age", "blocked_by", "blocks"),
    parts={"who": ("database", "user")},
)
column = SESSION_COLUMNS.column
