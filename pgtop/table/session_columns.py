"""The columns of the sessions. One declaration is read by the table, the sort menu and the help."""

from dataclasses import replace
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table import columns
from pgtop.table import session_cells as cells
from pgtop.table import session_host as host_cells
from pgtop.table.columns import ColumnSet
from pgtop.table.session_locks import (
    lock_key,
    lock_text,
    lock_text_in,
    lock_tone,
    pid_tone,
)
from pgtop.table.session_progress import (
    NARROW,
    narrow_state_or_progress_in,
    state_or_progress_in,
)
from pgtop.table.session_state import severity
from pgtop.text.tone import Tone

Column: TypeAlias = columns.Column[Backend, DerivedSnapshot]


def _time(
    name: str,
    title: str,
    meaning: str,
    start: cells.Start,
    rank: int,
    on_request: bool = False,
) -> Column:
    """Return the column of a time since `start`."""
    key = cells.seconds_since(start)
    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=6,
        rank=rank,
        key=key,
        text=cells.rough_text_of(key) if on_request else cells.time_text_of(key),
        tone=cells.row_tone,
        right=True,
        on_request=on_request,
        is_aging=True,
    )


_PID = Column(
    name="pid",
    title="PID",
    meaning="process id of the backend",
    width=7,
    usual=5,
    most=10,
    rank=0,
    key=lambda backend, _: backend.pid,
    text=lambda backend, _: str(backend.pid),
    tone=pid_tone,
    right=True,
)
_NAME = Column(
    name="who",
    title="USER@DB",
    meaning="role and database of the session",
    width=18,
    usual=13,
    least=8,
    most=30,
    rank=8,
    key=cells.name_key,
    text=cells.name,
    tone=cells.row_tone,
).narrowed(15, most=24)
_DATABASE = Column(
    name="database",
    title="DATABASE",
    meaning="database it is connected to",
    width=12,
    usual=8,
    least=6,
    most=24,
    rank=22,
    key=lambda backend, _: backend.datname,
    text=lambda backend, _: backend.datname or "",
    tone=cells.row_tone,
)
_USER = Column(
    name="user",
    title="USER",
    meaning="role it logged in as",
    width=12,
    usual=8,
    least=6,
    most=24,
    rank=23,
    key=lambda backend, _: backend.usename,
    text=lambda backend, _: backend.usename or "",
    tone=cells.row_tone,
)
_APPLICATION = Column(
    name="application",
    title="APPLICATION",
    meaning="the name that its client's program gave itself",
    width=16,
    usual=12,
    least=8,
    most=24,
    rank=18,
    key=cells.application_key,
    text=cells.application,
    tone=cells.row_tone,
).narrowed(16, most=16)
_CLIENT = Column(
    name="client",
    title="CLIENT",
    meaning="address of its client; local: a socket; ~ if a pooler may have changed it",
    width=15,
    usual=10,
    least=9,
    most=16,
    rank=21,
    key=cells.client_key,
    text=cells.client,
    tone=cells.row_tone,
)
_STATE = Column(
    name="state",
    title="STATE",
    meaning="what it is doing (idle in tx!: the transaction failed), or its kind",
    width=12,
    usual=19,
    most=19,
    rank=3,
    key=cells.state,
    text=cells.state,
    text_in=state_or_progress_in,
    tone=severity,
    retoned={Tone.ALARM: Tone.ALARM_PLATE},
).narrowed(
    NARROW,
    usual=7,
    most=14,
    text=cells.narrow_state,
    text_in=narrow_state_or_progress_in,
)
_WAIT = Column(
    name="wait",
    title="WAIT",
    meaning="what it waits for, type and event",
    width=18,
    usual=19,
    least=8,
    most=21,
    instead_of="lock",
    rank=20,
    key=cells.wait,
    text=cells.text_of(cells.wait),
    text_in=cells.wait_in,
    tone=cells.row_tone,
).narrowed(7, usual=11, least=7, most=12)
_AGE = Column(
    name="age",
    title="AGE",
    meaning="since its transaction ([ if a later statement runs), query or state began",
    width=6,
    usual=6,
    most=8,
    rank=2,
    key=cells.age_key,
    text=cells.age_text,
    tone=severity,
    retoned={Tone.CALM: Tone.PLAIN},
    right=True,
    is_aging=True,
)
_BLOCKED_BY = Column(
    name="blocked_by",
    title="BY",
    meaning="blocked by: how many sessions it waits for",
    width=4,
    rank=24,
    key=cells.blocked_by,
    text=cells.text_of(cells.blocked_by),
    tone=lock_tone,
    right=True,
    on_request=True,
)
_BLOCKS = Column(
    name="blocks",
    title="BLOCKS",
    meaning="how many sessions it blocks, in all; ▲ marks a root",
    width=7,
    rank=25,
    key=cells.blocks_key,
    text=cells.blocks,
    tone=lock_tone,
    right=True,
    on_request=True,
)
_LOCK = Column(
    name="lock",
    title="LOCK",
    meaning="◄ pid it waits for, + and how many more, ▾ waiting behind; ▲ blocked by a root",
    width=12,
    usual=7,
    least=6,
    most=16,
    rank=4,
    key=lock_key,
    text=lock_text,
    text_in=lock_text_in,
    tone=lock_tone,
)
_XMIN_AGE = Column(
    name="xmin_age",
    title="XMIN AGE",
    meaning="transactions that its snapshot keeps vacuum from cleaning",
    width=10,
    rank=15,
    key=cells.xmin_age,
    text=cells.text_of(cells.xmin_age),
    tone=cells.row_tone,
    right=True,
    on_request=True,
)
_QUERY_ID = Column(
    name="query_id",
    title="QUERY ID",
    meaning="the query's number in pg_stat_statements",
    width=20,
    rank=16,
    key=cells.query_id,
    text=cells.text_of(cells.query_id),
    tone=cells.row_tone,
    right=True,
    on_request=True,
)
_USUAL = Column(
    name="usual",
    title="USUAL",
    meaning="mean time of its statement, and how many times that this run has taken",
    width=13,
    rank=17,
    key=cells.usual_key,
    text=cells.usual,
    tone=cells.row_tone,
    right=True,
    on_request=True,
    is_aging=True,
)


def _host_column(
    name: str,
    title: str,
    meaning: str,
    width: int,
    rank: int,
    key: cells.Key,
    text: cells.Text,
) -> Column:
    """Return a column of what a session uses on the machine of the server."""
    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=width,
        rank=rank,
        key=key,
        text=text,
        tone=cells.row_tone,
        right=True,
        on_request=True,
        is_offered=True,
    )


_CPU = _host_column(
    "cpu",
    "CPU %",
    "percent of one CPU, if pgtop runs on the server's machine",
    6,
    9,
    host_cells.cpu_key,
    host_cells.cpu,
)
_MEMORY = _host_column(
    "memory",
    "MEM",
    "its memory, with its share of what is common (PSS), likewise",
    5,
    10,
    host_cells.memory_key,
    host_cells.memory,
)
_READ = _host_column(
    "read",
    "READ/s",
    "bytes read from storage a second; elsewhere from version 18 on",
    7,
    11,
    host_cells.read_key,
    host_cells.read,
)
_WRITE = _host_column(
    "write",
    "WRITE/s",
    "bytes written to storage a second, likewise",
    8,
    12,
    host_cells.write_key,
    host_cells.write,
)
_LEADER = Column(
    name="leader",
    title="LEADER",
    meaning="pid of the leader of a parallel worker",
    width=7,
    rank=14,
    key=cells.leader,
    text=cells.text_of(cells.leader),
    tone=cells.row_tone,
    right=True,
    on_request=True,
)
_QUERY = Column(
    name="query",
    title="QUERY",
    meaning="its query; of an idle session, its last",
    width=24,
    rank=1,
    key=cells.query_key,
    text=cells.query,
    tone=cells.row_tone,
)

COLUMNS: tuple[Column, ...] = (
    _PID,
    _NAME,
    _DATABASE,
    _USER,
    _APPLICATION,
    _CLIENT,
    _STATE,
    _AGE,
    _time(
        "xact",
        "XACT",
        "since its transaction began",
        lambda b: b.xact_start,
        5,
    ),
    _time(
        "query_age",
        "STMT",
        "since its query began; of an idle session, its last",
        lambda b: b.query_start,
        6,
    ),
    _time(
        "state_age",
        "SINCE",
        "since its state changed",
        lambda b: b.state_change,
        7,
    ),
    _WAIT,
    _LOCK,
    _BLOCKED_BY,
    _BLOCKS,
    _time(
        "backend_age",
        "LOGIN",
        "since it logged in",
        lambda b: b.backend_start,
        13,
        True,
    ),
    _XMIN_AGE,
    _QUERY_ID,
    _USUAL,
    _CPU,
    _MEMORY,
    _READ,
    _WRITE,
    _LEADER,
    _QUERY,
)
"""All columns from left to right; `who` is `database` and `user` in one, `age` a time of three."""

SESSION_COLUMNS = ColumnSet(
    *COLUMNS,
    parts={"who": ("database", "user"), "age": ("xact", "query_age", "state_age")},
    giving_way=("client", "application", "wait", "who", "user", "database", "lock"),
)
column = SESSION_COLUMNS.column

WITH_COMMENTS = SESSION_COLUMNS.ending_with(
    replace(_QUERY, text=cells.query_with_comments)
)
"""The columns with the comments before each statement."""
