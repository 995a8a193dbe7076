"""An audit log that fails, stalls or is cut: that is reported; a required log stops the signal."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgtop.cli.args.audit_options import AuditCommand
from pgtop.cli.commands.audit import INTERRUPTED, UNFINISHED, lines, matching
from pgtop.model.audit import AuditEntry
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import Outcome, ReplyStatus, SignalReply, SignalRequest
from pgtop.ports import AuditError
from pgtop.signalling.audit_log import FileAuditLog, audit_log_for
from pgtop.signalling.audit_reader import read
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.view.outcome import outcome_words
from tests.fakes import FakeSignaller, JumpingClock
from tests.signalling.audit_helpers import (
    execute,
    full_after,
    log_in,
    plan_of_many,
    size_in_third_record,
)


class Broken:
    """An audit log that fails at the chosen step."""

    def __init__(self, at: str) -> None:
        self._at = at

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        if self._at == "begin":
            raise AuditError("the audit log could not be written: the disk is full")

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        if self._at == "finish":
            raise AuditError("the audit log could not be written: the disk is full")


@pytest.mark.parametrize(
    ("at", "required", "sent"),
    [
        ("begin", False, True),
        ("begin", True, False),
        ("finish", False, True),
        ("finish", True, True),
    ],
)
def test_a_failing_log_is_reported(at: str, required: bool, sent: bool) -> None:
    """A failure is always reported; if the log is required, nothing unrecorded is sent."""
    signaller = FakeSignaller()
    progress = execute(
        SignalExecutor(signaller, JumpingClock(), Broken(at), required), plan_of_many()
    )
    assert "disk is full" in progress.audit_failure
    assert bool(signaller.requests) is sent
    if not sent:
        assert {o.reply.status for o in progress.outcomes} == {ReplyStatus.UNRECORDED}
        assert {outcome_words(o).text for o in progress.outcomes} == {
            f"nothing was sent to {o.request.target.pid}" for o in progress.outcomes
        }


@pytest.mark.parametrize("required", [False, True])
def test_a_stalled_home_stalls_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    """While its file system stalls other tasks run; then that is reported, and only a required log
    stops the signal.
    """
    monkeypatch.setattr("pgtop.signalling.audit_log.WRITE_TIMEOUT", 0.05)
    audit_log, signaller, answers = log_in(tmp_path), FakeSignaller(), threading.Event()

    def hanging(_file: int, text: bytes) -> int:
        answers.wait()
        return len(text)

    monkeypatch.setattr(os, "write", hanging)

    async def end() -> tuple[Progress, int]:
        keys = asyncio.create_task(_count())
        *_, last = [
            progress
            async for progress in SignalExecutor(
                signaller, JumpingClock(), audit_log, required
            ).run(plan_of_many())
        ]
        keys.cancel()
        answers.set()
        return last, await keys

    with asyncio.Runner(loop_factory=_TickingLoop) as runner:
        progress, keys = runner.run(end())
    assert "has not answered" in progress.audit_failure
    assert bool(signaller.requests) is not required
    assert keys > 10


class _TickingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves on when it is read: a busy machine costs no rounds."""

    def __init__(self) -> None:
        super().__init__()
        self._ticks = 0

    def time(self) -> float:
        self._ticks += 1
        return self._ticks / 10_000


async def _count() -> int:
    """Return how many rounds the event loop has made until it is cancelled."""
    rounds = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.001)
            rounds += 1
    return rounds


def test_a_truncated_line_spoils_no_other(tmp_path: Path) -> None:
    """After a truncated record the next one starts on a line of its own, and the reader reports the
    damage.
    """
    audit_log, plan = log_in(tmp_path), plan_of_many()
    entries = [
        AuditEntry(str(n), request, plan.targets[n].backend, plan.server)
        for n, request in enumerate(plan.requests)
    ]
    asyncio.run(audit_log.begin(entries[:1]))
    size = audit_log.path.stat().st_size
    with (
        full_after(3 * size + size // 2),
        pytest.raises(AuditError, match="could not be written") as cut,
    ):
        asyncio.run(audit_log.begin(entries[1:]))
    written = cut.value.written
    assert 0 < written < len(entries) - 1
    assert not audit_log.path.read_text().endswith("\n")
    asyncio.run(audit_log.begin(entries[-1:]))
    log = read(audit_log.path)
    assert [record.request["id"] for record in log.records] == [
        "0",
        *map(str, range(1, written + 1)),
        entries[-1].id,
    ]
    assert log.damaged == 1


def test_a_truncated_batch_of_a_required_log_sends_nothing(tmp_path: Path) -> None:
    """The disk is full after two records and a half: nothing is sent, and the two unfinished ones
    are reported.
    """
    audit_log, signaller = log_in(tmp_path), FakeSignaller()
    with full_after(size_in_third_record(audit_log)):
        progress = execute(
            SignalExecutor(signaller, JumpingClock(), audit_log, required=True),
            plan_of_many(),
        )
    assert signaller.requests == []
    assert {outcome.reply.status for outcome in progress.outcomes} == {
        ReplyStatus.UNRECORDED
    }
    assert "shows 2 as unfinished, though nothing was sent" in progress.audit_failure
    log = read(audit_log.path)
    assert ([record.is_finished for record in log.records], log.damaged) == (
        [False, False],
        1,
    )


class Roomy:
    """An audit log with a disk that has room again for the outcomes."""

    def __init__(self, audit_log: FileAuditLog) -> None:
        self._cut, self._trail = size_in_third_record(audit_log), audit_log

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        with full_after(self._cut):
            await self._trail.begin(entries)

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        await self._trail.finish(ended)


@pytest.mark.parametrize("required", [True, False])
def test_only_recorded_signals_get_an_outcome(tmp_path: Path, required: bool) -> None:
    """No outcome is in the log without its request, and a recorded signal that was not sent says
    so.
    """
    audit_log, signaller, plan = log_in(tmp_path), FakeSignaller(), plan_of_many()
    progress = execute(
        SignalExecutor(signaller, JumpingClock(), Roomy(audit_log), required), plan
    )
    assert len(signaller.requests) == (0 if required else len(plan.targets))
    assert "could not be written" in progress.audit_failure
    log = read(audit_log.path)
    assert [record.is_finished for record in log.records] == [True, True]
    assert {record.as_dict()["outcome"]["effect"] for record in log.records} == {
        "not sent" if required else "gone"
    }
    ended = [
        line
        for line in audit_log.path.read_text().splitlines()
        if '"event": "ended"' in line
    ]
    assert len(ended) == 2


def test_an_interruption_leaves_the_signal_unfinished(tmp_path: Path) -> None:
    """An interruption writes that the signal was sent; it is among the unfinished ones."""
    audit_log = log_in(tmp_path)

    def interrupted(backend_id: BackendId) -> Backend | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(
            SignalExecutor(FakeSignaller(look=interrupted), JumpingClock(), audit_log),
            plan_of_many(),
        )
    records = read(audit_log.path).records
    assert {record.as_dict()["outcome"]["answer"] for record in records} == {"sent"}
    assert list(
        matching(records, AuditCommand(unfinished=True), datetime.now(UTC))
    ) == list(records)
    assert all(INTERRUPTED in "".join(lines(record)) for record in records)


def test_a_crash_leaves_signals_without_an_outcome(tmp_path: Path) -> None:
    """Requested signals that never completed are listed without an outcome."""
    audit_log, plan = log_in(tmp_path), plan_of_many()

    class Crashing(FakeSignaller):
        async def send_all(
            self, requests: Sequence[SignalRequest]
        ) -> Sequence[SignalReply]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(SignalExecutor(Crashing(), JumpingClock(), audit_log), plan)
    records = read(audit_log.path).records
    assert len(records) == len(plan.targets)
    assert all(record.outcome is None for record in records)
    assert all(UNFINISHED in "".join(lines(record)) for record in records)


async def test_a_user_without_a_home_has_no_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is recorded, which is reported; a signal that requires the log is not sent."""
    monkeypatch.setattr("pgtop.files._home", lambda: None)
    monkeypatch.delenv("XDG_STATE_HOME")
    signaller = FakeSignaller()
    executor = SignalExecutor(
        signaller, JumpingClock(), audit_log_for({}), required=True
    )
    *_, progress = [progress async for progress in executor.run(plan_of_many())]
    assert "no home folder" in progress.audit_failure
    assert signaller.requests == []
