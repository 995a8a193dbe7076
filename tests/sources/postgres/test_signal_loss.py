"""A connection that fails around a signal: the reply claims no more than is known, and nothing is
sent twice.
"""

import psycopg
import pytest
from psycopg import errors

from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import ReplyStatus, Signal, SignalRequest
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.signals import (
    Comparison,
    PostgresSignaller,
    never_ran,
    reply_for,
)
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.signal_helpers import alive, as_role, gone, look, now


async def test_the_own_session(
    session: ServerConnection, signaller: PostgresSignaller
) -> None:
    """Ending the own session breaks the connection: the next check runs over a new one."""
    async with session.acquire() as channel:
        pid = channel.features.pid
    own = await look(signaller, BackendId(pid, None))
    assert own is not None
    [reply] = await signaller.send_all([SignalRequest(Signal.TERMINATE, own)])
    assert reply.status is ReplyStatus.UNKNOWN
    await gone(signaller, own.identity)


class CutWire(Wire):
    """A wire that is cut when a signal crosses it: before the server has it, or before the answer
    returns.
    """

    def __init__(self, host: str, port: str, *, reaches_server: bool) -> None:
        super().__init__(host, port)
        self._reaches_server = reaches_server
        self.signals = 0

    def _up(self, data: bytes) -> bytes:
        if b"pg_terminate_backend" in data:
            self.signals += 1
            if not self._reaches_server:
                raise ConnectionResetError
        return data

    def _down(self, data: bytes) -> bytes:
        if self.signals:
            raise ConnectionResetError
        return data


@pytest.mark.parametrize("reaches_server", [True, False])
async def test_a_lost_answer_is_unknown_and_sent_once(
    signaller: PostgresSignaller,
    connect: Connect,
    parameters: dict[str, str],
    reaches_server: bool,
) -> None:
    """The connection fails before the answer: the reply claims nothing, and the signal is not sent
    again.
    """
    victim = await connect()
    seen = await now(signaller, victim)
    wire = CutWire(
        parameters["host"], parameters["port"], reaches_server=reaches_server
    )
    async with wire.laid():
        far = {"host": "127.0.0.1", "port": wire.port, "sslmode": "disable"}
        async with as_role(parameters, far) as cut_off:
            [reply] = await cut_off.send_all([SignalRequest(Signal.TERMINATE, seen)])
        assert reply.status is ReplyStatus.UNKNOWN
        assert reply.reason
        assert wire.signals == 1
    if reaches_server:
        await gone(signaller, seen.identity)
    else:
        assert await alive(victim)


async def test_no_connection_nothing_sent(
    parameters: dict[str, str], unused_tcp_port: int
) -> None:
    """Without a connection the reply states that nothing was sent, and why."""
    async with as_role(
        parameters, {"host": "127.0.0.1", "port": str(unused_tcp_port)}
    ) as signaller:
        [reply] = await signaller.send_all(
            [SignalRequest(Signal.TERMINATE, Backend(1, 1, usesysid=10))]
        )
    assert reply.status is ReplyStatus.UNREACHED
    assert reply.reason


async def test_a_timeout_claims_nothing(
    signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str]
) -> None:
    """A statement that the server aborts may have signalled or not; here it had not."""
    victim, blocker = await connect(), await connect()
    request = SignalRequest(Signal.TERMINATE, await now(signaller, victim))
    fresh = ServerConnection(parameters)
    await fresh.connect()
    async with blocker.transaction():
        # A new session has to look the function up there; our lock_timeout breaks that off.
        await blocker.execute("LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE")
        [reply] = await PostgresSignaller(fresh).send_all([request])
    await fresh.close()
    assert reply.status is ReplyStatus.UNKNOWN
    assert await alive(victim)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InsufficientPrivilege, True),
        (errors.UndefinedFunction, True),
        (errors.QueryCanceled, False),  # timed out, or cancelled by an administrator
        (errors.OutOfMemory, False),
        (errors.AdminShutdown, False),  # our own session was ended
        (psycopg.OperationalError, False),  # the network: there is no SQLSTATE
    ],
)
def test_which_errors_prove_that_nothing_ran(
    error: type[psycopg.Error], expected: bool
) -> None:
    """Only an error before the function's work is a refusal."""
    assert never_ran(error()) is expected


_SAME = Comparison(
    True, True, True, False, True, True, True, True, True, False, False, True
)
_HIDDEN = _SAME._replace(same_start=None, enough_seen=True)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (_SAME, ReplyStatus.SENT),
        (_HIDDEN, ReplyStatus.SENT),
        (_SAME._replace(same_server=False), ReplyStatus.UNREACHED),
        (
            _SAME._replace(
                present=False, same_start=None, same_owner=False, auxiliary=True
            ),
            ReplyStatus.GONE,
        ),
        (_SAME._replace(sent=False), ReplyStatus.GONE),
        (_SAME._replace(sent=False, auxiliary=True), ReplyStatus.REFUSED),
        (_SAME._replace(own=True), ReplyStatus.REFUSED),
        (_SAME._replace(same_start=False), ReplyStatus.REPLACED),
        (_SAME._replace(same_start=None), ReplyStatus.REFUSED),
        (_SAME._replace(same_client=False), ReplyStatus.REPLACED),
        (_SAME._replace(same_owner=False), ReplyStatus.CHANGED),
        (_SAME._replace(same_type=False), ReplyStatus.CHANGED),
        (_SAME._replace(same_name=False), ReplyStatus.CHANGED),
        (_SAME._replace(same_query=False), ReplyStatus.CHANGED),
        (_SAME._replace(same_query=None), ReplyStatus.CHANGED),
        (_SAME._replace(same_start=False, same_query=False), ReplyStatus.REPLACED),
        (_HIDDEN._replace(same_owner=False), ReplyStatus.REPLACED),
        (_HIDDEN._replace(same_name=False), ReplyStatus.CHANGED),
        (_HIDDEN._replace(same_type=False), ReplyStatus.CHANGED),
    ],
)
def test_the_reply_in_the_row(row: Comparison, status: ReplyStatus) -> None:
    """Every row has one reply, and only a function that returned true is `sent`."""
    assert reply_for(row).status is status
