"""Plans, logs and disks for the tests of the audit log."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.signalling.audit_log import FileAuditLog
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import make_plan
from tests.fakes import FakeSignaller, JumpingClock
from tests.scenes import busy


def plan_of_many() -> Plan:
    scene = busy()
    return make_plan(Signal.TERMINATE, scene.backends, scene)


def execute(executor: SignalExecutor, plan: Plan, reason: str = "") -> Progress:
    async def last() -> Progress:
        progress = Progress(plan, ())
        async for progress in executor.run(plan, reason):  # noqa: B007
            pass
        return progress

    return asyncio.run(last())


def log_in(folder: Path) -> FileAuditLog:
    return FileAuditLog(folder / "state" / "audit.jsonl", {"os_user": "anna"})


@contextlib.contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: the kernel cuts the write, as on a full
    disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def size_in_third_record(audit_log: FileAuditLog) -> int:
    """Return a size of the log within its third record, once a plan is written."""
    spare = FileAuditLog(audit_log.path.with_name("spare.jsonl"), audit_log.person)
    execute(SignalExecutor(FakeSignaller(), JumpingClock(), spare), plan_of_many())
    return sum(map(len, spare.path.read_text().splitlines(keepends=True)[:2])) + 20


WHOLE_RECORD = {
    "event": "asked",
    "id": "1",
    "at": "2026-03-10T14:25:07.250+00:00",
    "os_user": "anna",
    "server": "db1:5432",
    "as_role": "dba",
    "signal": "cancel",
    "pid": 1,
    "backend_start": None,
    "role": "web",
    "database": "shop",
    "application": "",
    "client": None,
    "query": "",
    "reason": "",
}
