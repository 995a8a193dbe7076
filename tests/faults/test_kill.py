"""A session is ended while something breaks: it is asked for once at most, and told no better than
it was seen.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.model.plan import Plan
from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus, Signal
from pgtop.monitor.clock import MonotonicClock
from pgtop.signalling.audit_log import FileAuditLog, read
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import plan_for_one
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.view.outcome import outcome_words
from tests.faults.fault_env import ANSWERS, FAULTS, Connection, Fault, Ground
from tests.waiting import until

_PATIENCE = 1.0
_ORDER = b"pg_terminate_backend"

_names = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))


@pytest.fixture
async def session(ground: Ground) -> AsyncIterator[ServerConnection]:
    """pgtop's session over the network that will break."""
    made = ServerConnection(
        {name: str(value) for name, value in conninfo_to_dict(ground.dsn).items()}
    )
    yield made
    await made.close()


@_names
async def test_what_breaks_before_the_order(
    fault: Fault, ground: Ground, session: ServerConnection, tmp_path: Path
) -> None:
    """A fault that is there already: the order goes out once or not at all, and is told as what it
    was.
    """
    with ground.admin(user="app", dbname="postgres") as victim:
        made = await _plan(session, victim)
        try:
            await asyncio.to_thread(fault.strike, ground)
            ending = asyncio.create_task(_end(session, made, tmp_path))
            await asyncio.to_thread(
                until, lambda: _is_out(ending, ground), "the order is neither out nor refused"
            )
        finally:
            await asyncio.to_thread(fault.mend, ground)
        [outcome] = (await ending).outcomes
    _check(outcome, ground, tmp_path)


@_names
async def test_what_breaks_before_the_answer(
    fault: Fault, ground: Ground, session: ServerConnection, tmp_path: Path
) -> None:
    """The server has ended the session, and its answer is lost: it is not sent again, and not told
    as done.
    """
    with ground.admin(user="app", dbname="postgres") as victim:
        made = await _plan(session, victim)
        ground.proxy.stall(ANSWERS)
        ending = asyncio.create_task(_end(session, made, tmp_path))
        await asyncio.to_thread(
            until, lambda: not _lives(made.targets[0].backend.pid), "the order has not arrived"
        )
        try:
            await asyncio.to_thread(fault.strike, ground)
            ground.proxy.cut()
        finally:
            await asyncio.to_thread(fault.mend, ground)
            ground.proxy.mend()
        [outcome] = (await ending).outcomes
    _check(outcome, ground, tmp_path)
    assert outcome.receipt.answer is ReplyStatus.UNKNOWN
    assert outcome.effect in (ObservedEffect.GONE, ObservedEffect.UNSEEN)


async def _plan(session: ServerConnection, victim: Connection) -> Plan:
    snapshot = await PostgresSource(session).sample()
    [target] = [backend for backend in snapshot.backends if backend.pid == victim.info.backend_pid]
    return plan_for_one(Signal.TERMINATE, target, snapshot)


async def _end(session: ServerConnection, plan: Plan, folder: Path) -> Progress:
    errands = SignalExecutor(
        PostgresSignaller(session),
        MonotonicClock(),
        FileAuditLog(folder / "audit.jsonl", {"os_user": "dba"}),
    )
    *_, last = [progress async for progress in errands.run(plan, "a test", _PATIENCE)]
    return last


def _is_out(ending: asyncio.Task[Progress], ground: Ground) -> bool:
    return ending.done() or _ORDER in ground.proxy.heard


def _check(outcome: Outcome, ground: Ground, folder: Path) -> None:
    sent = ground.proxy.said.count(_ORDER)
    assert sent <= 1
    assert outcome.final
    if outcome.receipt.answer is ReplyStatus.UNREACHED:
        assert sent == 0
    if outcome.effect is ObservedEffect.GONE:
        until(lambda: not _lives(outcome.order.target.pid), "it was told to be gone")
    if "terminated" in outcome_words(outcome).text:
        assert (sent, outcome.receipt.answer, outcome.effect) == (
            1,
            ReplyStatus.SENT,
            ObservedEffect.GONE,
        )
    [record] = read(folder / "audit.jsonl").records
    assert record.as_dict()["outcome"]["answer"] == outcome.receipt.answer.value


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
