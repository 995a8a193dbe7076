"""The one door: exactly the session and the query that were meant, or nothing and the truth about it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

import pgtop
from pgtop.model.backend import ACTIVE, Backend, BackendId
from pgtop.model.signal import Answer, Order, Receipt, Signal
from pgtop.postgres.session import Session
from pgtop.postgres.signals import Found, PostgresSignaller, never_ran, receipt_for
from tests.postgres.conftest import Connect, Wire, until

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
RoleMaker: TypeAlias = Callable[[str], Awaitable[dict[str, str]]]

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
SLEEP = "SELECT pg_sleep(100)"


@pytest.fixture
def signaller(session: Session) -> PostgresSignaller:
    """The door, opened as superuser."""
    return PostgresSignaller(session)


@pytest.fixture
async def make_role(connect: Connect) -> AsyncIterator[RoleMaker]:
    """Makes a role with the given options and tells how to connect as it; dropped when the test ends."""
    admin = await connect()
    made: list[sql.Identifier] = []

    async def role(options: str) -> dict[str, str]:
        name, password = f"pgtop_{secrets.token_hex(4)}", secrets.token_hex(8)
        made.append(sql.Identifier(name))
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} ").format(made[-1], password)
        await admin.execute(create + sql.SQL(options))
        return {"user": name, "password": password}

    yield role
    for name in made:
        await admin.execute(sql.SQL("DROP ROLE {}").format(name))


async def now(signaller: PostgresSignaller, connection: Connection) -> Backend:
    """The session of `connection` as the signaller's role sees it."""
    seen = await signaller.look(BackendId(connection.info.backend_pid, None))
    assert seen is not None
    return seen


async def run(signaller: PostgresSignaller, connection: Connection, query: str) -> tuple[Backend, "asyncio.Task[Any]"]:
    """Start a query that does not end by itself; its session, seen as it runs the query."""
    task: asyncio.Task[Any] = asyncio.create_task(connection.execute(query))

    async def runs() -> bool:
        seen = await now(signaller, connection)
        return seen.state == ACTIVE and seen.query == query

    await until(runs)
    return await now(signaller, connection), task


async def gone(signaller: PostgresSignaller, who: BackendId) -> None:
    async def is_gone() -> bool:
        return await signaller.look(who) is None

    await until(is_gone)


async def alive(connection: Connection) -> bool:
    """Its session still answers."""
    return await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def stop(connection: Connection, task: "asyncio.Task[Any]") -> None:
    await connection.cancel_safe()
    with pytest.raises(errors.QueryCanceled):
        await task


@contextlib.asynccontextmanager
async def as_role(parameters: dict[str, str], role: dict[str, str]) -> AsyncIterator[PostgresSignaller]:
    """The door, opened as another role."""
    session = Session({**parameters, **role})
    try:
        yield PostgresSignaller(session)
    finally:
        await session.close()


async def test_terminate_ends_exactly_that_session(signaller: PostgresSignaller, connect: Connect) -> None:
    """The target is gone, and a session just like it goes on."""
    victim, bystander = await connect(), await connect()
    seen = await now(signaller, victim)
    assert await signaller.send(Order.against(Signal.TERMINATE, seen)) == Receipt(Answer.SENT)
    await gone(signaller, seen.identity)
    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT 1")
    assert await alive(bystander)


async def test_cancel_ends_exactly_that_query(signaller: PostgresSignaller, connect: Connect) -> None:
    """The target's query ends and its session lives; the same query of another session runs on."""
    victim, bystander = await connect(), await connect()
    seen, query = await run(signaller, victim, SLEEP)
    other, still = await run(signaller, bystander, SLEEP)
    assert await signaller.send(Order.against(Signal.CANCEL, seen)) == Receipt(Answer.SENT)
    with pytest.raises(errors.QueryCanceled):
        await query
    assert await alive(victim)
    assert (await now(signaller, bystander)).query_start == other.query_start
    await stop(bystander, still)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("off", [-1, 1])
async def test_one_microsecond_is_another_session(
    signaller: PostgresSignaller, connect: Connect, signal: Signal, off: int
) -> None:
    """A start that differs by one microsecond is another session's: nothing is sent."""
    victim = await connect()
    seen, query = await run(signaller, victim, SLEEP)
    assert seen.backend_start is not None
    order = Order.against(signal, seen._replace(backend_start=seen.backend_start + off))
    assert await signaller.send(order) == Receipt(Answer.REPLACED)
    assert (await now(signaller, victim)).query_start == seen.query_start
    await stop(victim, query)


async def test_another_role_under_the_pid_is_another_session(signaller: PostgresSignaller, connect: Connect) -> None:
    """A session never changes the role it was opened as: where that differs, nothing is sent."""
    victim = await connect()
    seen = await now(signaller, victim)
    order = Order(Signal.TERMINATE, BackendId(seen.pid, None), usesysid=(seen.usesysid or 0) + 1)
    assert await signaller.send(order) == Receipt(Answer.REPLACED)
    assert await alive(victim)


async def test_a_pid_alone_is_no_target(signaller: PostgresSignaller, connect: Connect) -> None:
    """An order that knows neither start nor role is refused, though the pid is there."""
    victim = await connect()
    receipt = await signaller.send(Order(Signal.TERMINATE, BackendId(victim.info.backend_pid, None)))
    assert receipt.answer is Answer.REFUSED
    assert await alive(victim)


def may_choose_pids() -> bool:
    """Linux lets root say which pid comes next."""
    try:
        LAST_PID.write_text(LAST_PID.read_text())
    except OSError:
        return False
    return True


if may_choose_pids():

    async def test_a_reused_pid_is_not_signalled(
        signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str]
    ) -> None:
        """The kernel gives the pid of an ended session to a new one: an order against the old one spares it."""
        old = await connect()
        seen = await now(signaller, old)
        await old.close()
        await gone(signaller, seen.identity)
        with session_with_pid(seen.pid, parameters) as successor:
            for signal in Signal:
                assert await signaller.send(Order.against(signal, seen)) == Receipt(Answer.REPLACED)
            assert await signaller.look(seen.identity) is None
            assert successor.execute("SELECT 1").fetchone() == (1,)


@contextlib.contextmanager
def session_with_pid(pid: int, parameters: dict[str, str]) -> Any:
    """A session on a server of this machine whose process got this very pid."""
    for _ in range(200):
        LAST_PID.write_text(str(pid - 1))
        with psycopg.connect(make_conninfo(**parameters), autocommit=True) as connection:
            if connection.info.backend_pid == pid:
                yield connection
                return
    pytest.fail(f"the kernel never gave out pid {pid}")


async def test_cancel_spares_the_next_query(signaller: PostgresSignaller, connect: Connect) -> None:
    """Same session, same text, but started anew: the query that was to be cancelled is over, this one runs on."""
    victim = await connect()
    first, query = await run(signaller, victim, SLEEP)
    await stop(victim, query)
    second, query = await run(signaller, victim, SLEEP)
    assert await signaller.send(Order.against(Signal.CANCEL, first)) == Receipt(Answer.CHANGED)
    assert (await now(signaller, victim)).query_start == second.query_start
    await stop(victim, query)


@pytest.mark.parametrize("before", ["SELECT 1", "BEGIN"])
async def test_nothing_runs_nothing_is_cancelled(signaller: PostgresSignaller, connect: Connect, before: str) -> None:
    """An idle session, in a transaction or not, has no query to cancel: nothing is sent and its state stays."""
    victim = await connect()
    await victim.execute(before)
    seen = await now(signaller, victim)
    assert await signaller.send(Order.against(Signal.CANCEL, seen)) == Receipt(Answer.CHANGED)
    assert (await now(signaller, victim)).state_change == seen.state_change


async def test_cancel_of_the_first_query_of_a_session_seen_before_it(
    signaller: PostgresSignaller, connect: Connect
) -> None:
    """An order made when the session had not run any query yet does not hit its first one."""
    victim = await connect()
    seen = await now(signaller, victim)
    assert seen.query_start is None
    _, query = await run(signaller, victim, SLEEP)
    assert await signaller.send(Order.against(Signal.CANCEL, seen)) == Receipt(Answer.CHANGED)
    await stop(victim, query)


async def test_cancel_where_activity_is_not_tracked(signaller: PostgresSignaller, connect: Connect) -> None:
    """With track_activities off no session shows what it runs; the session is certain, so its query is cancelled."""
    victim = await connect()
    await victim.execute("SET track_activities = off")
    query = asyncio.create_task(victim.execute(SLEEP))
    seen = await now(signaller, victim)
    assert (seen.state, seen.query_start) == ("disabled", None)

    async def cancelled() -> bool:
        assert await signaller.send(Order.against(Signal.CANCEL, seen)) == Receipt(Answer.SENT)
        return query.done()

    await until(cancelled)
    with pytest.raises(errors.QueryCanceled):
        await query


async def test_an_ended_session_is_gone(signaller: PostgresSignaller, connect: Connect) -> None:
    """Nobody has the pid any more."""
    victim = await connect()
    seen = await now(signaller, victim)
    await victim.close()
    await gone(signaller, seen.identity)
    for signal in Signal:
        assert await signaller.send(Order.against(signal, seen)) == Receipt(Answer.GONE)


async def test_an_auxiliary_process_is_not_gone(signaller: PostgresSignaller, connect: Connect) -> None:
    """The server signals none of its own processes; that is a refusal, as the process is still there."""
    admin = await connect()
    found = await admin.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    [[pid]] = await found.fetchall()
    seen = await signaller.look(BackendId(pid, None))
    assert seen is not None
    receipt = await signaller.send(Order.against(Signal.TERMINATE, seen))
    assert receipt.answer is Answer.REFUSED
    assert receipt.reason
    assert await signaller.look(seen.identity) is not None


@pytest.mark.parametrize("options", ["", "IN ROLE pg_signal_backend", "IN ROLE pg_signal_backend, pg_read_all_stats"])
async def test_a_superusers_session_is_refused(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker, options: str
) -> None:
    """The answer is the server's own sentence, and nothing happened."""
    victim = await connect()
    async with as_role(parameters, await make_role(options)) as signaller:
        receipt = await signaller.send(Order.against(Signal.TERMINATE, await now(signaller, victim)))
    assert receipt.answer is Answer.REFUSED
    assert "superuser" in receipt.reason.lower()
    assert await alive(victim)


async def test_another_roles_session_is_refused(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """A plain role may not signal a stranger; the server's sentence names the role that could."""
    victim = await connect(**await make_role(""))
    async with as_role(parameters, await make_role("")) as signaller:
        receipt = await signaller.send(Order.against(Signal.TERMINATE, await now(signaller, victim)))
    assert receipt.answer is Answer.REFUSED
    assert "pg_signal_backend" in receipt.reason
    assert await alive(victim)


async def test_a_member_ends_its_roles_session(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """A member of the target's role sees its start and may end it."""
    owner = await make_role("")
    victim = await connect(**owner)
    async with as_role(parameters, await make_role(f"IN ROLE {owner['user']}")) as signaller:
        seen = await now(signaller, victim)
        assert seen.backend_start is not None
        assert await signaller.send(Order.against(Signal.TERMINATE, seen)) == Receipt(Answer.SENT)
        await gone(signaller, seen.identity)


async def test_a_hidden_session_is_known_by_its_role(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """pg_signal_backend without pg_read_all_stats: the weaker check lets cancel and terminate through."""
    victim = await connect(**await make_role(""))
    async with as_role(parameters, await make_role("IN ROLE pg_signal_backend")) as signaller:
        seen = await now(signaller, victim)
        assert seen.hidden
        assert seen.backend_start is None
        for signal in Signal:
            assert await signaller.send(Order.against(signal, seen)) == Receipt(Answer.SENT)
        await gone(signaller, seen.identity)


async def test_a_start_that_is_hidden_now_is_not_taken_on_trust(
    signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """An order that names a start is refused where this role cannot see it; of another role, it is another session."""
    victim = await connect(**await make_role(""))
    seen = await now(signaller, victim)
    async with as_role(parameters, await make_role("IN ROLE pg_signal_backend")) as blind:
        receipt = await blind.send(Order.against(Signal.TERMINATE, seen))
        stranger = await blind.send(Order.against(Signal.TERMINATE, seen._replace(usesysid=10)))
    assert (stranger.answer, receipt.answer) == (Answer.REPLACED, Answer.REFUSED)
    assert "may not see when it started" in receipt.reason
    assert await alive(victim)


async def test_our_own_session(session: Session, signaller: PostgresSignaller) -> None:
    """Ending ourselves breaks the connection: nobody tells us, and the next look comes over a new one."""
    async with session.exchange() as link:
        pid = link.features.pid
    own = await signaller.look(BackendId(pid, None))
    assert own is not None
    receipt = await signaller.send(Order.against(Signal.TERMINATE, own))
    assert receipt.answer is Answer.UNKNOWN
    await gone(signaller, own.identity)


class CutWire(Wire):
    """A wire that is cut when a signal crosses it: before the server has it, or before the answer comes back."""

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
    signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str], reaches_server: bool
) -> None:
    """The connection fails before the answer: the receipt claims nothing, and the signal is not tried again."""
    victim = await connect()
    seen = await now(signaller, victim)
    wire = CutWire(parameters["host"], parameters["port"], reaches_server=reaches_server)
    async with wire.laid():
        far = {"host": "127.0.0.1", "port": wire.port, "sslmode": "disable"}
        async with as_role(parameters, far) as cut_off:
            receipt = await cut_off.send(Order.against(Signal.TERMINATE, seen))
        assert receipt.answer is Answer.UNKNOWN
        assert receipt.reason
        assert wire.signals == 1
    if reaches_server:
        await gone(signaller, seen.identity)
    else:
        assert await alive(victim)


async def test_no_connection_nothing_sent(parameters: dict[str, str], unused_tcp_port: int) -> None:
    """Where no connection can be had, the receipt says surely that nothing was sent, and why."""
    async with as_role(parameters, {"host": "127.0.0.1", "port": str(unused_tcp_port)}) as signaller:
        receipt = await signaller.send(Order(Signal.TERMINATE, BackendId(1, 1), usesysid=10))
    assert receipt.answer is Answer.UNREACHED
    assert receipt.reason


async def test_a_timeout_claims_nothing(
    signaller: PostgresSignaller, connect: Connect, parameters: dict[str, str]
) -> None:
    """A statement that the server breaks off may have signalled or not; here it had not."""
    victim, blocker = await connect(), await connect()
    order = Order.against(Signal.TERMINATE, await now(signaller, victim))
    fresh = Session(parameters)
    await fresh.connect()
    async with blocker.transaction():
        # A new session has to look the function up there; our lock_timeout breaks that off.
        await blocker.execute("LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE")
        receipt = await PostgresSignaller(fresh).send(order)
    await fresh.close()
    assert receipt.answer is Answer.UNKNOWN
    assert await alive(victim)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.InsufficientPrivilege, True),
        (errors.UndefinedFunction, True),
        (errors.QueryCanceled, False),  # timed out, or cancelled by somebody
        (errors.OutOfMemory, False),
        (errors.AdminShutdown, False),  # our own session was ended
        (psycopg.OperationalError, False),  # the network: there is no SQLSTATE
    ],
)
def test_which_errors_prove_that_nothing_ran(error: type[psycopg.Error], expected: bool) -> None:
    """Only an error that comes before the function does its work is a refusal."""
    assert never_ran(error()) is expected


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (None, Answer.GONE),
        (Found(True, True, False, True), Answer.SENT),
        (Found(True, True, False, False), Answer.GONE),
        (Found(True, True, True, False), Answer.REFUSED),
        (Found(True, False, False, None), Answer.CHANGED),
        (Found(True, None, False, None), Answer.CHANGED),
        (Found(False, True, False, None), Answer.REPLACED),
        (Found(False, False, False, None), Answer.REPLACED),
        (Found(None, True, False, None), Answer.REFUSED),
    ],
)
def test_the_answer_in_the_row(found: Found | None, answer: Answer) -> None:
    """Every row has one answer, and only a function that returned true is `sent`."""
    assert receipt_for(found).answer is answer


def test_one_module_signals() -> None:
    """The names of the two functions occur in exactly one module of the package."""
    package = Path(pgtop.__file__).parent
    for name in ("pg_cancel_backend", "pg_terminate_backend"):
        holders = [path for path in package.rglob("*.py") if name in path.read_text()]
        assert [path.relative_to(package) for path in holders] == [Path("postgres/signals.py")]
