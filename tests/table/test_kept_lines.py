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
from pgtop.model.progress import Operation
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.kept_lines import KeptLines
from pgtop.table.options import TableOptions
from pgtop.table.sessions import SESSIONS
from tests import scenes
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


def test_kept_lines_know_all_that_a_cell_may_read() -> None:
    """A new field of a derived snapshot belongs into the facts of a kept line, and here."""
    fields = {"snapshot", "forest", "blocks", "limits", "operations"}
    assert set(DerivedSnapshot._fields) == fields
