"""Random histories of a small server, and their timelines in memory and in a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

from hypothesis import strategies as st

from pgtop.analysis.timeline import Timeline
from pgtop.model.backend import Backend
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor import packed
from pgtop.monitor.history import History
from pgtop.monitor.poller import Sampled
from pgtop.sources.recording.file_format import BlockHeader
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.writer import RecordingWriter
from tests import scenes

HEADER = BlockHeader(
    "1.0", "db1:5432", "17.2", "", "admin", "shop", False, True, 1.0, "all"
)
_BASE = scenes.calm()
HIDDEN = 104
"""The pid of sessions with a hidden start."""


class Change(NamedTuple):
    """The next change of a session; a small repr keeps failures readable."""

    pid: int
    kind: str
    """`new`, `gone`, or its state."""
    query: str | None = None
    blocker: int = 0


class Step(NamedTuple):
    """The next sample."""

    seconds: int
    changes: list[Change]
    idle: frozenset[int] | None = None
    """pids of a new idle group; None keeps the group as far as its sessions are unchanged."""


_CHANGES = st.builds(
    Change,
    pid=st.integers(101, 104),
    kind=st.sampled_from(["new", "gone", "active", "idle"]),
    query=st.sampled_from([None, "", "select 1", "select 2"]),
    blocker=st.sampled_from([0, 101, 102]),
)
STEPS = st.lists(
    st.builds(
        Step,
        seconds=st.sampled_from([1, 30, 70]),
        changes=st.lists(_CHANGES, max_size=3),
        idle=st.none() | st.frozensets(st.integers(101, 104)),
    ),
    min_size=1,
    max_size=12,
)


def samples_of(steps: Sequence[Step]) -> list[Snapshot]:
    """Return a sample for each step; a session that has ended does not come back."""
    samples: list[Snapshot] = []
    now = _BASE.taken_at
    rows: dict[int, Backend] = {}
    group = IdleGroup()
    for number, step in enumerate(steps):
        now += step.seconds * MICROSECONDS
        for change in step.changes:
            _apply(change, rows, start=number)
        pids = group.by_pid if step.idle is None else step.idle
        idle = tuple([row for pid, row in rows.items() if pid in pids])
        if idle != group.backends:
            group = IdleGroup(idle)
        ungrouped = tuple([row for pid, row in rows.items() if pid not in pids])
        sample = replace(_BASE, taken_at=now, ungrouped=ungrouped, idle_group=group)
        samples.append(sample)
    return samples


def _apply(change: Change, rows: dict[int, Backend], start: int) -> None:
    before = rows.pop(change.pid, None)
    if change.kind == "gone" or (before is None and change.kind != "new"):
        return
    is_new = before is None or change.kind == "new"
    rows[change.pid] = Backend(
        change.pid,
        backend_start=start if is_new or before is None else before.backend_start,
        state=change.kind,
        query=change.query,
        backend_type="client backend",
        blocked_by=(change.blocker,) if change.blocker else (),
    )
    if change.pid == HIDDEN:
        rows[change.pid] = Backend(change.pid)


@contextmanager
def timelines(samples: Sequence[Snapshot]) -> Iterator[tuple[Timeline, Timeline]]:
    """Yield a ring and a recording of the samples, both with small blocks."""
    with (
        TemporaryDirectory() as folder,
        patch.object(packed, "MOST_SAMPLES", 3),
    ):
        ring = History(86_400)
        path = Path(folder) / "a.pgtop"
        writer = RecordingWriter(path)
        for sample in samples:
            ring.add(Sampled(sample, 0.0, 1.0))
            writer.add(sample, HEADER)
        writer.close()
        recording = Recording(path)
        try:
            yield ring, recording
        finally:
            recording.close()
