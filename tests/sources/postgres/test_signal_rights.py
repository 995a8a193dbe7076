"""The server's decision about a role's signals: refusals are reported, and hidden columns are never
trusted.
"""

import pytest

from pgtop.model.signal import ENDING, ReplyStatus, Signal, SignalReply, SignalRequest
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.signal_helpers import (
    RoleMaker,
    alive,
    as_role,
    gone,
    may_choose_pids,
    now,
    session_with_pid,
)


@pytest.mark.parametrize(
    "options",
    ["", "IN ROLE pg_signal_backend", "IN ROLE pg_signal_backend, pg_read_all_stats"],
)
async def test_a_superusers_session_is_refused(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker, options: str
) -> None:
    """The reply is the server's own sentence, and nothing happened."""
    victim = await connect()
    async with as_role(parameters, await make_role(options)) as signaller:
        [reply] = await signaller.send_all(
            [SignalRequest(Signal.TERMINATE, await now(signaller, victim))]
        )
    assert reply.status is ReplyStatus.REFUSED
    assert "superuser" in reply.reason.lower()
    assert await alive(victim)


async def test_another_roles_session_is_refused(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """A plain role may not signal another role's session; the server's sentence names the role that
    could.
    """
    victim = await connect(**await make_role(""))
    async with as_role(parameters, await make_role("")) as signaller:
        [reply] = await signaller.send_all(
            [SignalRequest(Signal.TERMINATE, await now(signaller, victim))]
        )
    assert reply.status is ReplyStatus.REFUSED
    assert "pg_signal_backend" in reply.reason
    assert await alive(victim)


async def test_a_member_ends_its_roles_session(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """A member of the target's role sees its start and may end it."""
    owner = await make_role("")
    victim = await connect(**owner)
    async with as_role(
        parameters, await make_role(f"IN ROLE {owner['user']}")
    ) as signaller:
        seen = await now(signaller, victim)
        assert seen.backend_start is not None
        assert await signaller.send_all([SignalRequest(Signal.TERMINATE, seen)]) == [
            SignalReply(ReplyStatus.SENT)
        ]
        await gone(signaller, seen.identity)


async def test_a_hidden_session_is_known_by_its_role(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """With pg_signal_backend and without pg_read_all_stats, the visible columns are compared, and
    the signal is sent.
    """
    victim = await connect(**await make_role(""))
    async with as_role(
        parameters, await make_role("IN ROLE pg_signal_backend")
    ) as signaller:
        seen = await now(signaller, victim)
        assert seen.hidden
        assert seen.backend_start is None
        for signal in ENDING:
            assert await signaller.send_all([SignalRequest(signal, seen)]) == [
                SignalReply(ReplyStatus.SENT)
            ]
        await gone(signaller, seen.identity)


@pytest.mark.skipif(
    not may_choose_pids(), reason="only root on Linux may say which pid comes next"
)
@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"dbname": "template1"}, ReplyStatus.REPLACED),
        ({"application_name": "another"}, ReplyStatus.CHANGED),
    ],
)
async def test_a_reused_pid_of_the_same_role_gets_no_signal(
    connect: Connect,
    parameters: dict[str, str],
    make_role: RoleMaker,
    changed: dict[str, str],
    answer: ReplyStatus,
) -> None:
    """With a hidden start, database and application name identify the next session of a pid."""
    owner = await make_role("")
    old = await connect(**owner, application_name="old")
    async with as_role(
        parameters, await make_role("IN ROLE pg_signal_backend")
    ) as signaller:
        seen = await now(signaller, old)
        await old.close()
        await gone(signaller, seen.identity)
        with session_with_pid(
            seen.pid, {**parameters, **owner, "application_name": "old", **changed}
        ) as successor:
            for signal in ENDING:
                [reply] = await signaller.send_all([SignalRequest(signal, seen)])
                assert reply.status is answer
            assert successor.execute("SELECT 1").fetchone() == (1,)


async def test_a_renamed_session_that_is_hidden_may_be_another(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """A session may change its application name; with a hidden start nothing is sent, and the
    reason is given.
    """
    victim = await connect(**await make_role(""))
    async with as_role(
        parameters, await make_role("IN ROLE pg_signal_backend")
    ) as signaller:
        seen = await now(signaller, victim)
        await victim.execute("SET application_name = 'renamed'")
        [reply] = await signaller.send_all([SignalRequest(Signal.TERMINATE, seen)])
    assert (reply.status, "it may be another session" in reply.reason) == (
        ReplyStatus.CHANGED,
        True,
    )
    assert await alive(victim)


async def test_a_start_that_is_hidden_now_is_not_trusted(
    signaller: PostgresSignaller,
    connect: Connect,
    parameters: dict[str, str],
    make_role: RoleMaker,
) -> None:
    """A request with a start is refused if this role cannot see it; of another role, it is another
    session.
    """
    victim = await connect(**await make_role(""))
    seen = await now(signaller, victim)
    async with as_role(
        parameters, await make_role("IN ROLE pg_signal_backend")
    ) as blind:
        [reply] = await blind.send_all([SignalRequest(Signal.TERMINATE, seen)])
        [stranger] = await blind.send_all(
            [SignalRequest(Signal.TERMINATE, seen._replace(usesysid=10))]
        )
    assert (stranger.status, reply.status) == (
        ReplyStatus.REPLACED,
        ReplyStatus.REFUSED,
    )
    assert "may not see when it started" in reply.reason
    assert await alive(victim)
