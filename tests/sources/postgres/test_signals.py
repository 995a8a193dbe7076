"""The signaller: exactly the requested session and query, or nothing and the true reason."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

import pgtop
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import ENDING, ReplyStatus, Signal, SignalReply, SignalRequest
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.signal_helpers import (
    SLEEP,
    alive,
    gone,
    look,
    may_choose_pids,
    now,
    run,
    session_with_pid,
    stop,
)
from tests.waiting import until_async


async def test_terminate_ends_exactly_that_session(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """The target is gone, and a session just like it continues."""
    victim, bystander = await connect(), await connect()
    seen = await now(signaller, victim)
    assert await signaller.send_all([SignalRequest(Signal.TERMINATE, seen)]) == [
        SignalReply(ReplyStatus.SENT)
    ]
    await gone(signaller, seen.identity)
    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT 1")
    assert await alive(bystander)


async def test_cancel_ends_exactly_that_query(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """The target's query ends and its session lives; the same query elsewhere continues."""
    victim, bystander = await connect(), await connect()
    seen, query = await run(signaller, victim, SLEEP)
    other, still = await run(signaller, bystander, SLEEP)
    assert await signaller.send_all([SignalRequest(Signal.CANCEL, seen)]) == [
        SignalReply(ReplyStatus.SENT)
    ]
    with pytest.raises(errors.QueryCanceled):
        await query
    assert await alive(victim)
    assert (await now(signaller, bystander)).query_start == other.query_start
    await stop(bystander, still)


@pytest.mark.parametrize("signal", ENDING)
@pytest.mark.parametrize("off", [-1, 1])
async def test_one_microsecond_is_another_session(
    signaller: PostgresSignaller, connect: Connect, signal: Signal, off: int
) -> None:
    """A start that differs by one microsecond is another session's: nothing is sent."""
    victim = await connect()
    seen, query = await run(signaller, victim, SLEEP)
    assert seen.backend_start is not None
    request = SignalRequest(
        signal, seen._replace(backend_start=seen.backend_start + off)
    )
    assert await signaller.send_all([request]) == [SignalReply(ReplyStatus.REPLACED)]
    assert (await now(signaller, victim)).query_start == seen.query_start
    await stop(victim, query)


async def test_another_role_under_the_pid_is_another_session(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """A session never changes the role of its login: with another role, nothing is sent."""
    victim = await connect()
    seen = await now(signaller, victim)
    request = SignalRequest(
        Signal.TERMINATE,
        seen._replace(backend_start=None, usesysid=(seen.usesysid or 0) + 1),
    )
    assert await signaller.send_all([request]) == [SignalReply(ReplyStatus.REPLACED)]
    assert await alive(victim)


async def test_a_pid_alone_is_no_target(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """A request without start and role is refused, though the pid exists."""
    victim = await connect()
    [reply] = await signaller.send_all(
        [SignalRequest(Signal.TERMINATE, Backend(victim.info.backend_pid))]
    )
    assert reply.status is ReplyStatus.REFUSED
    assert await alive(victim)


@pytest.mark.skipif(
    not may_choose_pids(), reason="only root on Linux may say which pid comes next"
)
async def test_a_reused_pid_is_not_signalled(
    signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str]
) -> None:
    """The kernel gives the pid of an ended session to a new one, which an old request does not
    signal.
    """
    old = await connect()
    seen = await now(signaller, old)
    await old.close()
    await gone(signaller, seen.identity)
    with session_with_pid(seen.pid, parameters) as successor:
        for signal in ENDING:
            assert await signaller.send_all([SignalRequest(signal, seen)]) == [
                SignalReply(ReplyStatus.REPLACED)
            ]
        assert await look(signaller, seen.identity) is None
        assert successor.execute("SELECT 1").fetchone() == (1,)


async def test_cancel_spares_the_next_query(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """The same session runs the same text again: the requested query is over, and this one
    continues.
    """
    victim = await connect()
    first, query = await run(signaller, victim, SLEEP)
    await stop(victim, query)
    second, query = await run(signaller, victim, SLEEP)
    assert await signaller.send_all([SignalRequest(Signal.CANCEL, first)]) == [
        SignalReply(ReplyStatus.CHANGED)
    ]
    assert (await now(signaller, victim)).query_start == second.query_start
    await stop(victim, query)


@pytest.mark.parametrize("before", ["SELECT 1", "BEGIN"])
async def test_without_a_query_nothing_is_cancelled(
    signaller: PostgresSignaller, connect: Connect, before: str
) -> None:
    """An idle session, in a transaction or not, has no query to cancel: nothing is sent and its
    state stays.
    """
    victim = await connect()
    await victim.execute(before)
    seen = await now(signaller, victim)
    assert await signaller.send_all([SignalRequest(Signal.CANCEL, seen)]) == [
        SignalReply(ReplyStatus.CHANGED)
    ]
    assert (await now(signaller, victim)).state_change == seen.state_change


async def test_cancel_of_the_first_query_of_a_session_seen_before_it(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """A request from before the first query of a session does not cancel it."""
    victim = await connect()
    seen = await now(signaller, victim)
    assert seen.query_start is None
    _, query = await run(signaller, victim, SLEEP)
    assert await signaller.send_all([SignalRequest(Signal.CANCEL, seen)]) == [
        SignalReply(ReplyStatus.CHANGED)
    ]
    await stop(victim, query)


@pytest.mark.parametrize("even_if_renamed", [False, True])
async def test_a_renamed_session_gets_no_signal(
    signaller: PostgresSignaller, connect: Connect, even_if_renamed: bool
) -> None:
    """A pooler gives a session of one client to another: a new application name stops all but the
    broadest request.
    """
    victim = await connect(application_name="one client")
    seen = await now(signaller, victim)
    await victim.execute("SET application_name = 'another'")
    [reply] = await signaller.send_all(
        [SignalRequest(Signal.TERMINATE, seen, even_if_renamed=even_if_renamed)]
    )
    if even_if_renamed:
        assert reply.status is ReplyStatus.SENT
    else:
        assert (reply.status, "application name" in reply.reason) == (
            ReplyStatus.CHANGED,
            True,
        )
        assert await alive(victim)


async def test_a_query_that_renames_its_session_is_cancelled(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """A long procedure shows its progress in the application name: the same query is cancelled."""
    victim = await connect(application_name="0 %")
    renaming = "SELECT set_config('application_name', '50 %', false), pg_sleep(100)"
    seen, query = await run(signaller, victim, renaming)

    async def renamed() -> bool:
        return (await now(signaller, victim)).application_name == "50 %"

    await until_async(renamed)
    request = SignalRequest(Signal.CANCEL, seen._replace(application_name="0 %"))
    assert await signaller.send_all([request]) == [SignalReply(ReplyStatus.SENT)]
    with pytest.raises(errors.QueryCanceled):
        await query


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"datid": 1}, ReplyStatus.CHANGED),
        # It was still logging in.
        (
            {"usesysid": None, "datid": None},
            ReplyStatus.CHANGED,
        ),
        ({"client_port": 7}, ReplyStatus.REPLACED),
        ({"client_addr": "192.0.2.7"}, ReplyStatus.REPLACED),
        ({"backend_type": "walsender"}, ReplyStatus.CHANGED),
        (
            {"backend_start": None, "backend_type": None, "client_port": None},
            ReplyStatus.SENT,
        ),
        ({"backend_start": None, "backend_type": "walsender"}, ReplyStatus.CHANGED),
        (
            {"backend_start": None, "backend_type": None, "datid": 1},
            ReplyStatus.REPLACED,
        ),
    ],
)
async def test_all_visible_columns_are_compared(
    signaller: PostgresSignaller,
    connect: Connect,
    changed: dict[str, Any],
    answer: ReplyStatus,
) -> None:
    """If any other column than the start differs from the session as seen, nothing is sent."""
    victim = await connect()
    seen = await now(signaller, victim)
    [reply] = await signaller.send_all(
        [SignalRequest(Signal.TERMINATE, seen._replace(**changed))]
    )
    assert reply.status is answer


async def test_cancel_without_tracked_activities(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """With track_activities off no session shows its query; the session is certain, so its query is
    cancelled.
    """
    victim = await connect()
    await victim.execute("SET track_activities = off")
    query = asyncio.create_task(victim.execute(SLEEP))
    seen = await now(signaller, victim)
    assert (seen.state, seen.query_start) == ("disabled", None)

    async def cancelled() -> bool:
        assert await signaller.send_all([SignalRequest(Signal.CANCEL, seen)]) == [
            SignalReply(ReplyStatus.SENT)
        ]
        return query.done()

    await until_async(cancelled)
    with pytest.raises(errors.QueryCanceled):
        await query


async def test_an_ended_session_is_gone(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """No session has the pid any more."""
    victim = await connect()
    seen = await now(signaller, victim)
    await victim.close()
    await gone(signaller, seen.identity)
    for signal in ENDING:
        assert await signaller.send_all([SignalRequest(signal, seen)]) == [
            SignalReply(ReplyStatus.GONE)
        ]


async def test_an_auxiliary_process_is_not_gone(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """The server signals none of its own processes: a refusal, as the process still exists."""
    admin = await connect()
    cursor = await admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    )
    [[pid]] = await cursor.fetchall()
    seen = await look(signaller, BackendId(pid, None))
    assert seen is not None
    [reply] = await signaller.send_all([SignalRequest(Signal.TERMINATE, seen)])
    assert reply.status is ReplyStatus.REFUSED
    assert reply.reason
    assert await look(signaller, seen.identity) is not None


def test_one_module_signals() -> None:
    """The names of the two functions occur in exactly one module of the package."""
    package = Path(pgtop.__file__).parent
    for name in ("pg_cancel_backend", "pg_terminate_backend"):
        holders = [path for path in package.rglob("*.py") if name in path.read_text()]
        assert [path.relative_to(package) for path in holders] == [
            Path("sources/postgres/signal_sql.py")
        ]
