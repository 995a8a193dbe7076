"""A session is terminated while something breaks: one signal at most, and no claim beyond what was
seen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.model.plan import Plan
from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus, Signal
from pgtop.monitor.clock import MonotonicClock
from pgtop.signalling.audit_log import FileAuditLog
from pgtop.signalling.audit_reader import read
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import plan_for_one
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.view.outcome import outcome_words
from tests.faults.fault_env import ANSWERS, FAULTS, Connection, Fault, FaultEnv
from tests.waiting import until

_PATIENCE = 1.0
_SIGNAL_SQL = b"pg_terminate_backend"

_names = pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-")
)


@pytest.fixture
async def session(fault_env: FaultEnv) -> AsyncIterator[ServerConnection]:
    """Connect as pgtop does, over the network that will break."""
    session = ServerConnection(
        {name: str(value) for name, value in conninfo_to_dict(fault_env.dsn).items()}
    )
    yield session
    await session.close()


@_names
async def test_a_fault_before_the_request(
    fault: Fault, fault_env: FaultEnv, session: ServerConnection, tmp_path: Path
) -> None:
    """During a fault the request is sent once or not at all, and reported as such."""
    with fault_env.admin(user="app", dbname="postgres") as victim:
        plan = await _plan(session, victim)
        try:
            await asyncio.to_thread(fault.strike, fault_env)
            ending = asyncio.create_task(_end(session, plan, tmp_path))
            await asyncio.to_thread(
                until,
                lambda: _is_sent_or_done(ending, fault_env),
                "the request is neither sent nor refused",
            )
        finally:
            await asyncio.to_thread(fault.repair, fault_env)
        [outcome] = (await ending).outcomes
    _check(outcome, fault_env, tmp_path)


@_names
async def test_a_fault_before_the_reply(
    fault: Fault, fault_env: FaultEnv, session: ServerConnection, tmp_path: Path
) -> None:
    """A request with a lost reply is neither sent again nor reported as done."""
    with fault_env.admin(user="app", dbname="postgres") as victim:
        plan = await _plan(session, victim)
        fault_env.proxy.stall(ANSWERS)
        ending = asyncio.create_task(_end(session, plan, tmp_path))
        await asyncio.to_thread(
            until,
            lambda: not _is_alive(plan.targets[0].backend.pid),
            "the request has not arrived",
        )
        try:
            await asyncio.to_thread(fault.strike, fault_env)
            fault_env.proxy.cut()
        finally:
            await asyncio.to_thread(fault.repair, fault_env)
            fault_env.proxy.repair()
        [outcome] = (await ending).outcomes
    _check(outcome, fault_env, tmp_path)
    assert outcome.reply.status is ReplyStatus.UNKNOWN
    assert outcome.effect in (ObservedEffect.GONE, ObservedEffect.UNSEEN)


async def _plan(session: ServerConnection, victim: Connection) -> Plan:
    snapshot = await PostgresSource(session).sample()
    [target] = [
        backend
        for backend in snapshot.backends
        if backend.pid == victim.info.backend_pid
    ]
    return plan_for_one(Signal.TERMINATE, target, snapshot)


async def _end(session: ServerConnection, plan: Plan, folder: Path) -> Progress:
    executor = SignalExecutor(
        PostgresSignaller(session),
        MonotonicClock(),
        FileAuditLog(folder / "audit.jsonl", {"os_user": "dba"}),
    )
    *_, last = [progress async for progress in executor.run(plan, "a test", _PATIENCE)]
    return last


def _is_sent_or_done(ending: asyncio.Task[Progress], fault_env: FaultEnv) -> bool:
    return ending.done() or _SIGNAL_SQL in fault_env.proxy.client_bytes


def _check(outcome: Outcome, fault_env: FaultEnv, folder: Path) -> None:
    sent = fault_env.proxy.forwarded.count(_SIGNAL_SQL)
    assert sent <= 1
    assert outcome.is_final
    if outcome.reply.status is ReplyStatus.UNREACHED:
        assert sent == 0
    if outcome.effect is ObservedEffect.GONE:
        until(
            lambda: not _is_alive(outcome.request.target.pid), "it was reported as gone"
        )
    if "terminated" in outcome_words(outcome).text:
        assert (sent, outcome.reply.status, outcome.effect) == (
            1,
            ReplyStatus.SENT,
            ObservedEffect.GONE,
        )
    [record] = read(folder / "audit.jsonl").records
    assert record.as_dict()["outcome"]["answer"] == outcome.reply.status.value


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
