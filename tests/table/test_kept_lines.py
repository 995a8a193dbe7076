"""A line that is kept from an earlier sample is the line that would be drawn now."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.age_limits import AgeLimits
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    CLIENT_READ,
    IDLE,
    IDLE_IN_TRANSACTION,
    PARALLEL_WORKER,
    Backend,
)
from pgtop.model.backend_io import BackendIoReading, SessionIo
from pgtop.model.progress import Operation
from pgtop.model.section import BACKEND_IO, HOST, Section
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.kept_lines import KeptLines
from pgtop.table.options import TableOptions
from pgtop.table.sessions import SESSIONS
from tests import scenes
from tests.scenes.host import CALM, FIGURES
from tests.scenes.pools import READING, SURE, pooled
from tests.scenes.replication import BEHIND, DB3, PRIMARY, replicated

STARTS = (scenes.NOW, scenes.NOW - 8 * MICROSECONDS, None)
FIELDS: dict[str, Any] = {
    "backend_start": STARTS,
    "leader_pid": (None, 1),
    "usename": ("web", "日本", None),
    "application_name": ("", "pool"),
    "client_addr": (None, "10.0.0.1"),
    "xact_start": STARTS,
    "query_start": STARTS,
    "state_change": STARTS,
    "wait_event_type": (None, "Lock", "Client"),
    "wait_event": (None, CLIENT_READ),
    "state": (ACTIVE, IDLE, IDLE_IN_TRANSACTION),
    "query": (None, "select 1", "/* a */ select"),
    "query_id": (None, 7),
    "xmin_age": (None, 8),
    "backend_type": (CLIENT_BACKEND, PARALLEL_WORKER, None),
    "blocked_by": ((), (1,), (2,), (2, 3), (0,)),
}
SESSION = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in FIELDS.items()}
).map(lambda fields: Backend(pid=0, **fields))
OPERATIONS: Sequence[dict[int, Operation]] = (
    {},
    {1: Operation(1, "vacuum", "VACUUM", STARTS[0])},
    {1: Operation(1, "vacuum", "VACUUM FULL", STARTS[0])},
)
CHANGE = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(FIELDS[name]))
)
STEP = st.tuples(
    st.integers(0, 2),
    CHANGE,
    st.sampled_from((0, 0, 1, 60, 4_000)),
    st.sampled_from((AgeLimits(), AgeLimits(1.0, 2.0, 3.0))),
    st.sampled_from(OPERATIONS),
)
Step = tuple[int, tuple[str, object], int, AgeLimits, dict[int, Operation]]
OPTIONS = st.builds(
    lambda extra, apart: TableOptions(extra_columns=extra, ages_apart=apart),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(SESSION, SESSION, SESSION),
    st.lists(STEP, min_size=2, max_size=6),
    OPTIONS,
    st.sampled_from((80, 400)),
)
def test_a_kept_line_equals_a_new_one(
    sessions: tuple[Backend, ...],
    steps: list[Step],
    options: TableOptions,
    width: int,
) -> None:
    kept = KeptLines()
    layout = SESSIONS.layout(width, options)
    now = scenes.NOW
    rows = [row._replace(pid=pid) for pid, row in enumerate(sessions, 1)]
    for place, (field, value), seconds, limits, operations in steps:
        changes: dict[str, Any] = {field: value}
        rows[place] = rows[place]._replace(**changes)
        now += seconds * MICROSECONDS
        snapshot = replace(scenes.snapshot(rows), taken_at=now)
        derived = DerivedSnapshot.of(snapshot, limits=limits)
        derived = derived._replace(operations=operations)
        for row in rows:
            expected = SESSIONS.line(layout, row, derived)
            assert kept.line(layout, row, derived) == expected
    other = SESSIONS.layout(width + 9, options)
    assert kept.line(other, rows[0], derived) == SESSIONS.line(other, rows[0], derived)


def test_the_kept_line_of_a_walsender_follows_its_lag() -> None:
    kept = KeptLines()
    layout = SESSIONS.layout(200, TableOptions())
    further = BEHIND._replace(replay_lag=9.0)
    for sender in (BEHIND, further, further):
        reading = PRIMARY._replace(senders=(sender,))
        derived = DerivedSnapshot.of(replicated(reading))
        expected = SESSIONS.line(layout, DB3, derived)
        assert kept.line(layout, DB3, derived) == expected


def test_the_kept_line_of_a_session_follows_its_use_of_the_machine() -> None:
    """The figures change while the row stays the same."""
    kept = KeptLines()
    options = TableOptions(extra_columns=True)
    layout = SESSIONS.layout(400, options)
    row = scenes.busy().backends[0]
    counted = SessionIo(row.backend_start or 0, 2e6, 0.0)
    readings: Sequence[tuple[dict[int, Any], dict[int, SessionIo]]] = (
        ({}, {}),
        ({row.pid: FIGURES}, {}),
        ({row.pid: (0.0, None, None, 7e6, 0.0)}, {}),
        ({row.pid: (0.0,)}, {row.pid: counted}),
        ({}, {row.pid: counted._replace(write_bytes_per_second=9e6)}),
    )
    lines = set()
    for processes, sessions in readings:
        sections: dict[str, Section[Any]] = {
            HOST: Section(scenes.NOW, CALM._replace(processes=processes)),
            BACKEND_IO: Section(scenes.NOW, BackendIoReading(sessions)),
        }
        derived = DerivedSnapshot.of(replace(scenes.busy(), sections=sections))
        line = kept.line(layout, row, derived)
        assert line == SESSIONS.line(layout, row, derived)
        lines.add(line)
    assert len(lines) == len(readings)


def test_the_kept_line_of_a_waiter_follows_its_blockers() -> None:
    """A blocker that ends makes the waiter wait for fewer, before its row shows that."""
    kept = KeptLines()
    layout = SESSIONS.layout(200, TableOptions())
    blocker = scenes.active(8, "web@shop", "psql", "SELECT 1", 9.0)
    other = blocker._replace(pid=9)
    waiter = blocker._replace(pid=7, wait_event_type="Lock", blocked_by=(8, 9))
    lines = set()
    for rows in ([blocker, other, waiter], [blocker, waiter], [waiter]):
        derived = DerivedSnapshot.of(scenes.snapshot(rows))
        line = kept.line(layout, waiter, derived)
        assert line == SESSIONS.line(layout, waiter, derived)
        lines.add(line)
    assert len(lines) == 3


def test_the_kept_line_of_a_pooled_session_follows_its_client() -> None:
    kept = KeptLines()
    layout = SESSIONS.layout(200, TableOptions())
    names = []
    unlinked = READING._replace(links=())
    for snapshot in (pooled(READING), pooled(unlinked), pooled(READING)):
        derived = DerivedSnapshot.of(snapshot)
        line = kept.line(layout, SURE, derived)
        assert line == SESSIONS.line(layout, SURE, derived)
        names.append(line)
    assert names[0] == names[2] != names[1]


def test_kept_lines_know_all_that_a_cell_may_read() -> None:
    """A new field of a derived snapshot belongs into the facts of a kept line, and here."""
    fields = {"snapshot", "forest", "limits", "operations"}
    assert set(DerivedSnapshot._fields) == fields
