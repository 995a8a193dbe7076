"""Progress as programs read it. The names are stable."""

from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress import (
    Measure,
    measure,
    pace_seconds,
    percent,
    remaining_seconds,
    share_asleep,
    step_number,
    steps_of,
)
from pgtop.model.progress import Operation
from pgtop.model.serialise import record


def progress_record(operation: Operation, derived: DerivedSnapshot) -> dict[str, Any]:
    """Return the progress of a session."""
    return {
        "pid": operation.pid,
        "command": operation.command,
        "target": operation.target or None,
        "phase": operation.phase,
        "phase_number": step_number(operation),
        "phases": len(steps_of(operation)) or None,
        "percent": percent(operation),
        "remaining_seconds": remaining_seconds(operation),
        "waits_for": waits_for(operation, derived),
        "index": operation.index_name or None,
        **_work_record(operation),
        "pace_seconds": pace_seconds(operation),
        "asleep": share_asleep(operation),
    }


def _work_record(operation: Operation) -> dict[str, Any]:
    work = measure(operation)
    return dict.fromkeys(Measure._fields) if work is None else record(work)


def waits_for(operation: Operation, derived: DerivedSnapshot) -> int | None:
    """Return the pid of the session that holds up a command: the one that its view names, or the
    first one that blocks it.
    """
    if operation.waits_for is not None:
        return operation.waits_for
    backend = derived.snapshot.at(operation.pid)
    blockers = () if backend is None else backend.blocked_by
    return next((pid for pid in blockers if pid), None)
