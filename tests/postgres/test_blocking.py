"""Who blocks whom on real servers, compared with what pg_blocking_pids and pg_locks say at the same time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.blocking import Forest, forest
from pgtop.analysis.xmin import Kind, xmin_holders
from pgtop.demo.server import Cluster
from pgtop.model.blocking import Blocking, Slot
from pgtop.model.instant import MICROSECONDS
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.postgres.blocking import ASKED_AT_ONCE, SLOW, Pace, Plan, completed
from pgtop.postgres.sampler import PostgresSource
from pgtop.postgres.session import Session
from tests import scenes
from tests.postgres.conftest import Wire
from tests.waiting import until_async

Other: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Holds: TypeAlias = Callable[[Snapshot, Forest], bool]

_SETTINGS = {
    "max_connections": "260", "max_prepared_transactions": "5", "deadlock_timeout": "60s", "wal_level": "logical",
    "max_replication_slots": "5", "allow_system_table_mods": "on",
}  # fmt: skip


def pid(connection: Other) -> int:
    return connection.info.backend_pid


class Scene:
    """A server, sessions on it, and a source that looks at them."""

    def __init__(self, parameters: dict[str, str], stack: AsyncExitStack, version: int) -> None:
        self.parameters = parameters
        self.has_leaders, self.has_waitstart = version >= 130_000, version >= 140_000
        self._stack = stack
        self._waiting: list[asyncio.Task[Any]] = []
        self.source = PostgresSource(Session(parameters))

    async def look_anew(self, **changed: str) -> None:
        """With another source, which has seen nothing yet."""
        await self.source.close()
        self.source = PostgresSource(Session({**self.parameters, **changed}))

    async def session(self, *statements: str, **changed: str) -> Other:
        """A session in a transaction in which it has run these."""
        conninfo = make_conninfo(**{**self.parameters, **changed})
        made: Other = await psycopg.AsyncConnection.connect(conninfo)
        self._stack.push_async_callback(made.close)
        for statement in statements:
            await made.execute(statement.encode())
        return made

    async def done(self, *statements: str) -> None:
        """Run these, each by itself."""
        async with await psycopg.AsyncConnection.connect(make_conninfo(**self.parameters), autocommit=True) as made:
            for statement in statements:
                await made.execute(statement.encode())

    async def wait(self, session: Other, statement: str) -> Other:
        """Let it run into a lock; return when it waits."""
        self._waiting.append(asyncio.create_task(session.execute(statement.encode())))
        await self.until_waits(pid(session))
        return session

    async def until_waits(self, waiter: int) -> None:
        async def waits() -> bool:
            return bool(await self.ask(f"SELECT FROM pg_locks WHERE NOT granted AND pid = {waiter}"))

        await until_async(waits)

    async def waiter(self, statement: str, *before: str) -> Other:
        return await self.wait(await self.session(*before), statement)

    async def ask(self, statement: str) -> list[tuple[Any, ...]]:
        if not hasattr(self, "_asking"):
            self._asking = await self.session()
            await self._asking.set_autocommit(True)
        return await (await self._asking.execute(statement.encode())).fetchall()

    async def seen(self, holds: Holds) -> tuple[Snapshot, Forest]:
        """The first sample, with facts about the locks, for which a condition holds."""
        found: list[tuple[Snapshot, Forest]] = []

        async def sampled() -> bool:
            snapshot = await self.source.sample()
            found.append((snapshot, forest(snapshot)))
            return snapshot.blocking.asked and holds(*found[-1])

        await until_async(sampled)
        return found[-1]

    async def compared(self, waiters: int) -> tuple[Snapshot, Forest]:
        """A sample with so many waiters, after it has been compared with the server's own words."""
        snapshot, found = await self.seen(lambda _, planted: planted.waiting == waiters)
        said = await self.ask("SELECT pid, pg_blocking_pids(pid), mode, locktype FROM pg_locks WHERE NOT granted")
        leaders = {b.pid: b.leader_pid or b.pid for b in snapshot.backends}
        for waiter, blockers, mode, locktype in said:
            node = found.nodes[leaders[waiter]]
            named = {max(key, 0) for key in node.blockers}
            assert named == set(blockers), waiter
            assert node.parent in node.blockers or node.parent is None
            wait = snapshot.blocking.waits[waiter]
            assert (wait.lock.mode, wait.lock.locktype) == (mode, locktype)
            assert (wait.lock.waitstart is not None) == self.has_waitstart
        assert len({leaders[row[0]] for row in said}) == waiters
        return snapshot, found

    async def end(self) -> None:
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        await self.source.close()


@pytest.fixture(scope="module")
def server(bindir: Any) -> Iterator[Cluster]:
    with Cluster(bindir, settings=_SETTINGS) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as made:
            made.execute("CREATE TABLE stock AS SELECT id, 0 AS n FROM generate_series(1, 300) id")
            made.execute("CREATE ROLE plain LOGIN")
            made.execute("GRANT ALL ON stock TO plain")
        yield running


@pytest.fixture
async def scene(server: Cluster) -> AsyncIterator[Scene]:
    parameters = {name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()}
    async with AsyncExitStack() as stack:
        with psycopg.connect(server.socket_dsn) as made:
            version = made.info.server_version
        made_scene = Scene(parameters, stack, version)
        yield made_scene
        await made_scene.end()


def row(number: int) -> str:
    return f"UPDATE stock SET n = n + 1 WHERE id = {number}"


async def test_a_chain_five_deep(scene: Scene) -> None:
    """Each stands under the one whose row it wants, and the root knows of all."""
    chain = [await scene.session(row(1))]
    chain += [await scene.waiter(row(number - 1), row(number)) for number in range(2, 6)]
    _, found = await scene.compared(4)
    assert [found.nodes[pid(each)].parent for each in chain] == [None, *(pid(each) for each in chain[:-1])]
    assert [found.nodes[pid(each)].total for each in chain] == [4, 3, 2, 1, 0]
    assert found.root_of(pid(chain[-1])) == pid(chain[0])


async def test_a_star_of_a_hundred(scene: Scene) -> None:
    """A hundred wait for one key: all stand under its holder, none under those ahead of them in the queue."""
    holder = await scene.session("SELECT pg_advisory_lock(4711)")
    waiters = [await scene.session() for _ in range(100)]
    for each in waiters:
        await scene.wait(each, "SELECT pg_advisory_lock(4711)")
    await scene.seen(lambda _, planted: planted.waiting == 100)
    snapshot, found = await scene.compared(100)
    assert [root.key for root in found.roots] == [pid(holder)]
    assert {found.nodes[pid(each)].parent for each in waiters} == {pid(holder)}
    assert (found.nodes[pid(holder)].direct, found.nodes[pid(holder)].total) == (100, 100)
    assert snapshot.blocking.waits[pid(waiters[0])].lock.target == "advisory key 4711"
    assert len(found.only(pid(holder))) == 100


async def test_two_roots_for_one_waiter(scene: Scene) -> None:
    """It stands under the one that has held longer, and names the other."""
    first = await scene.session("SELECT FROM stock WHERE id = 1")
    second = await scene.session("SELECT FROM stock WHERE id = 2")
    waiter = await scene.waiter("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE")
    _, found = await scene.compared(1)
    node = found.nodes[pid(waiter)]
    assert node.parent == pid(first)
    assert set(node.blockers) == {pid(first), pid(second)}
    assert found.only(pid(first)) == frozenset()


async def test_a_soft_block_behind_access_exclusive(scene: Scene) -> None:
    """A reader that only the queue holds up is told from one that waits for a holder."""
    reader = await scene.session("SELECT FROM stock WHERE id = 1")
    altering = await scene.waiter("ALTER TABLE stock ADD COLUMN later int")
    behind = await scene.waiter("SELECT FROM stock WHERE id = 2")
    snapshot, found = await scene.compared(2)
    assert found.nodes[pid(altering)].parent == pid(reader)
    assert found.nodes[pid(altering)].soft == frozenset()
    assert found.nodes[pid(behind)].parent == pid(altering)
    assert found.nodes[pid(behind)].soft == {pid(altering)}
    assert snapshot.blocking.waits[pid(behind)].lock.target == "stock"


async def test_tuple_and_transaction_locks_have_their_words(scene: Scene) -> None:
    """The first waiter for a row waits for a transaction, the second for the row itself, held by the first."""
    holder = await scene.session(row(7))
    first = await scene.waiter(row(7))
    second = await scene.waiter(row(7))
    snapshot, found = await scene.compared(2)
    waits = snapshot.blocking.waits
    assert waits[pid(first)].lock.target.startswith("transaction ")
    assert waits[pid(second)].lock.target == "row (0,7) of stock"
    assert [found.nodes[pid(each)].parent for each in (first, second)] == [pid(holder), pid(first)]


async def test_virtual_transaction_and_object_locks_have_their_words(scene: Scene) -> None:
    """CREATE INDEX CONCURRENTLY waits for a virtual transaction, a new table for a schema that is being dropped."""
    await scene.done("CREATE TABLE IF NOT EXISTS indexed (id int)", "CREATE SCHEMA IF NOT EXISTS leaving")
    writer = await scene.session("INSERT INTO indexed VALUES (1)")
    building = await scene.session()
    await building.commit()
    await building.set_autocommit(True)
    await scene.wait(building, "CREATE INDEX CONCURRENTLY ON indexed (id)")
    dropping = await scene.session("DROP SCHEMA leaving")
    creating = await scene.waiter("CREATE TABLE leaving.late ()")
    snapshot, found = await scene.seen(lambda s, _: len(s.blocking.waits) == 2)
    assert found.nodes[pid(building)].parent == pid(writer)
    assert found.nodes[pid(creating)].parent == pid(dropping)
    words = {wait.lock.locktype: wait.lock.target for wait in snapshot.blocking.waits.values()}
    assert words["virtualxid"].startswith("virtual transaction ")
    assert words["object"].startswith("pg_namespace ")


async def test_relations_of_other_databases_have_no_wrong_name(scene: Scene) -> None:
    """A relation of another database goes by database and number, and says so."""
    other = {"dbname": "template1"}
    await scene.session("LOCK TABLE pg_description IN ACCESS EXCLUSIVE MODE", **other)
    session = await scene.session(**other)
    waiter = await scene.wait(session, "LOCK TABLE pg_description IN SHARE MODE")
    snapshot, _ = await scene.compared(1)
    [[oid]] = await scene.ask("SELECT 'pg_description'::regclass::oid::int")
    target = snapshot.blocking.waits[pid(waiter)].lock.target
    assert target == f"template1.{oid} (a relation of another database)"


async def test_a_prepared_root(scene: Scene) -> None:
    """It is a root with gid, owner, database and age; of two, the right one."""
    for number, gid in ((11, "it''s"), (12, "other")):
        session = await scene.session()
        await session.rollback()
        await session.set_autocommit(True)
        for statement in ("BEGIN", row(number), f"PREPARE TRANSACTION '{gid}'"):
            await session.execute(statement.encode())
    try:
        waiter = await scene.waiter(row(11))
        snapshot, found = await scene.compared(1)
        [root] = found.roots
        assert root.prepared is not None
        assert (root.prepared.gid, root.prepared.owner, root.prepared.database) == ("it's", "postgres", "postgres")
        assert root.prepared.prepared < snapshot.taken_at
        assert found.nodes[pid(waiter)].parent == root.key
        assert {h.name for h in xmin_holders(snapshot) if h.kind is Kind.PREPARED} == {"it's", "other"}
    finally:
        await scene.done("ROLLBACK PREPARED 'it''s'", "ROLLBACK PREPARED 'other'")


async def test_what_a_serializable_transaction_has_read_blocks_nobody(scene: Scene) -> None:
    """Of two prepared transactions the one that only read what another locks is not named."""
    serializable = "BEGIN ISOLATION LEVEL SERIALIZABLE"
    reading = (serializable, "SELECT count(*) FROM stock", "SELECT txid_current()", "PREPARE TRANSACTION 'innocent'")
    locking = (
        "BEGIN",
        "LOCK TABLE stock IN ROW EXCLUSIVE MODE",
        "SELECT txid_current()",
        "PREPARE TRANSACTION 'guilty'",
    )
    await scene.done(*reading)
    await scene.done(*locking)
    try:
        await scene.waiter("LOCK TABLE stock IN SHARE MODE")
        _, found = await scene.compared(1)
        assert [root.prepared and root.prepared.gid for root in found.roots] == ["guilty"]
    finally:
        await scene.done("ROLLBACK PREPARED 'guilty'", "ROLLBACK PREPARED 'innocent'")


async def test_a_parallel_worker_in_a_group(scene: Scene) -> None:
    """A worker that waits stands under its leader, and its leader under the one whose key it wants."""
    if not scene.has_leaders:  # 12 takes no advisory locks in a worker, and nothing tells whose worker one is
        return
    await scene.done(
        "CREATE TABLE IF NOT EXISTS wide WITH (parallel_workers = 2) AS SELECT generate_series(1, 99) AS id",
        "CREATE OR REPLACE FUNCTION take() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(815); RETURN 1; END $$",
    )
    holder = await scene.session("SELECT pg_advisory_lock(815)")
    settings = ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "parallel_leader_participation = off")
    leader = await scene.session(*(f"SET {setting}" for setting in settings))
    task = asyncio.create_task(leader.execute("SELECT count(*) FROM wide WHERE take() = 1"))
    try:
        _, found = await scene.compared(1)
        workers = [node for node in found.nodes.values() if node.key not in (pid(holder), pid(leader))]
        assert all(node.wait is not None and node.wait.lock.target == "advisory key 815" for node in workers)
        assert {node.parent for node in workers} == {pid(leader)}
        assert found.nodes[pid(leader)].parent == pid(holder)
        assert found.nodes[pid(holder)].total == 1
    finally:
        await holder.close()
        await task


async def test_a_deadlock_before_it_is_found(scene: Scene) -> None:
    """Two that wait for each other are drawn once, and named, while deadlock_timeout runs."""
    first, second = await scene.session(row(21)), await scene.session(row(22))
    await scene.wait(first, row(22))
    await scene.wait(second, row(21))
    _, found = await scene.compared(2)
    [root] = found.roots
    assert root.key == pid(first)
    assert found.nodes[pid(second)].parent == pid(first)
    assert set(root.circle) == {pid(first), pid(second)}


async def test_a_root_that_ends_between_two_samples(scene: Scene) -> None:
    """Its waiter is shown as a root that says so, while the lock manager is left alone, and never dropped."""
    first, second = await scene.session(row(31)), await scene.session(row(32))
    waiter = await scene.waiter("UPDATE stock SET n = n + 1 WHERE id IN (31, 32)")
    await scene.compared(1)
    async with _slow(scene, 2 * SLOW):
        await scene.seen(lambda s, _: bool(s.blocking.note))
    gone = pid(first)
    await first.close()

    async def waits_for_the_second() -> bool:
        return await scene.ask(f"SELECT pg_blocking_pids({pid(waiter)})") == [([pid(second)],)]

    await until_async(waits_for_the_second)
    [root] = forest(await scene.source.sample()).roots
    assert (root.key, root.gone, root.waits) == (pid(waiter), (gone,), True)
    await scene.look_anew()
    _, found = await scene.compared(1)
    assert found.nodes[pid(waiter)].parent == pid(second)


async def test_a_role_that_sees_nothing(scene: Scene) -> None:
    """Without pg_read_all_stats the tree is there all the same, once somebody looks at it."""
    holder = await scene.session(row(41))
    waiter = await scene.waiter(row(41))
    await scene.look_anew(user="plain")
    scene.source.watch_blocking(True)
    snapshot, found = await scene.compared(1)
    assert found.nodes[pid(waiter)].parent == pid(holder)
    assert all(node.backend and node.backend.hidden for node in found.nodes.values())
    assert snapshot.blocking.note == ""


class TestTheCost:
    """What is asked, and when."""

    async def test_nothing_more_is_asked_while_nobody_waits(self, scene: Scene, server: Cluster) -> None:
        """Counted on the wire: one statement a sample; a waiter adds to the next one, in the same trip."""
        async with Wire(scene.parameters["host"], scene.parameters["port"]).laid() as wire:
            session = Session({**scene.parameters, "host": "127.0.0.1", "port": wire.port, "password": server.password})
            source, statements = PostgresSource(session), _counted(wire)
            await source.sample()
            before = statements()
            for _ in range(5):
                assert not (await source.sample()).blocking.asked
            assert statements() == before + 5
            holder = await scene.session(row(51))
            await scene.waiter(row(51))
            assert not (await source.sample()).blocking.asked
            trips = wire.trips
            assert (await source.sample()).blocking.asked
            assert wire.trips == trips + 1
            await holder.close()
            await source.close()

    @pytest.mark.parametrize("user", ["postgres", "plain"])
    async def test_known_waiters_take_turns(self, scene: Scene, server: Cluster, user: str) -> None:
        """Of many waiters only some are asked about at each tick, none is lost; also where this role sees nothing."""
        holder = await scene.session("SELECT pg_advisory_lock(99)")
        waiters = [await scene.waiter("SELECT pg_advisory_lock(99)") for _ in range(ASKED_AT_ONCE + 20)]
        await scene.look_anew(user=user)
        scene.source.watch_blocking(True)
        async with _told(scene):
            await scene.seen(lambda _, planted: planted.waiting == len(waiters))
            for _ in range(6):
                asked = server.log.read_text().count("asked about")
                found = forest(await scene.source.sample())
                assert server.log.read_text().count("asked about") <= asked + ASKED_AT_ONCE
                assert found.nodes[pid(holder)].direct == len(waiters)
                assert all(node.wait for node in found.nodes.values() if node.key != pid(holder))
            await scene.done(f"SELECT pg_terminate_backend({pid(waiters[-1])})")
            await scene.seen(lambda _, planted: planted.waiting == len(waiters) - 1)

    async def test_of_many_waiters_none_is_said_to_wait_for_one_that_has_moved_on(self, scene: Scene) -> None:
        """A root that commits is a root no more in the next picture, though not all were asked about again."""
        root = await scene.session("LOCK TABLE stock")
        waiters = [await scene.waiter("LOCK TABLE stock") for _ in range(100)]
        await scene.seen(lambda _, planted: planted.total(pid(root)) == 100)
        for _ in range(3):
            await scene.source.sample()
        await root.commit()
        await until_async(lambda: _holds(scene, waiters))
        for _ in range(8):
            snapshot = await scene.source.sample()
            found = forest(snapshot)
            assert found.total(pid(root)) == 0
            assert found.waiting == 99
            assert not any(node.circle for node in found.nodes.values())

    async def test_a_lock_may_be_held_across_transactions(self, scene: Scene) -> None:
        """Whoever holds an advisory lock for its session stays a root in every picture, whatever else it does."""
        holder = await scene.session("SELECT pg_advisory_lock(77)")
        waiters = [await scene.waiter("SELECT pg_advisory_lock(77)") for _ in range(2 * ASKED_AT_ONCE)]
        await scene.seen(lambda _, planted: planted.total(pid(holder)) == len(waiters))
        for _ in range(6):
            await holder.commit()
            await holder.execute("SELECT 1")
            assert forest(await scene.source.sample()).nodes[pid(holder)].direct == len(waiters)

    async def test_a_slow_network_is_no_slow_lock_manager(self, scene: Scene, server: Cluster) -> None:
        """What passes while half of the question is on its way is not counted."""
        holder = await scene.session(row(63))
        await scene.waiter(row(63))
        wire = _Halting(scene.parameters["host"], scene.parameters["port"])
        async with wire.laid():
            await scene.look_anew(host="127.0.0.1", port=wire.port, password=server.password)
            snapshot, _ = await scene.seen(lambda *_: wire.halted)
            assert snapshot.blocking.note == ""
            await scene.source.close()
        await holder.close()

    async def test_a_slow_lock_manager_is_left_alone(self, scene: Scene) -> None:
        """It is asked rarely, that is said, and what was known stays."""
        holder = await scene.session(row(61))
        waiter = await scene.waiter(row(61))
        await scene.compared(1)
        async with _slow(scene, 0.4):
            slow, _ = await scene.seen(lambda s, _: bool(s.blocking.note))
            assert "the server is slow to tell who waits" in slow.blocking.note
            quick = await scene.source.sample()
        assert not quick.blocking.asked
        assert quick.blocking.note == slow.blocking.note
        assert forest(quick).nodes[pid(waiter)].parent == pid(holder)

    @pytest.mark.parametrize(("scene_of", "told"), [(scenes.calm, False), (scenes.busy, True)])
    def test_a_slow_server_without_waiters_is_no_slow_lock_manager(
        self, scene_of: Callable[[], Snapshot], told: bool
    ) -> None:
        """It was not even asked then."""
        pace = Pace().after(scene_of(), Plan(), 2 * SLOW)
        assert bool(pace.note) is told
        assert (pace.resting_until > scenes.NOW) is told

    async def test_one_that_does_not_answer_costs_only_its_part(self, scene: Scene) -> None:
        """Sessions are still sampled, and the reason is told."""
        holder = await scene.session(row(62))
        waiter = await scene.waiter(row(62))
        await scene.compared(1)
        async with _slow(scene, 30):
            snapshot = await scene.source.sample()
        assert "statement timeout" in snapshot.blocking.note
        assert forest(snapshot).nodes[pid(waiter)].parent == pid(holder)

    @pytest.mark.parametrize("samples", [0, 2])
    async def test_one_that_never_answered_costs_only_its_part_too(self, scene: Scene, samples: int) -> None:
        """Also at the first sample, and at the first one that meets waiters: these are shown, with the reason."""
        holder = await scene.session(row(64))
        for _ in range(samples):
            assert (await scene.source.sample()).blocking.note == ""
        async with _slow(scene, 30):
            waiter = await scene.waiter(row(64))
            snapshot = await scene.source.sample()
            assert "statement timeout" in snapshot.blocking.note
            assert forest(snapshot).nodes[pid(waiter)].waits
            again = await scene.source.sample()
        assert again.blocking.note == snapshot.blocking.note
        await holder.close()

    @pytest.mark.parametrize("code", ["42501", "55P03"])
    async def test_a_refusal_is_told_and_asked_for_later(self, scene: Scene, code: str) -> None:
        """Whoever may not ask, or would have to wait to ask, sees the sessions all the same."""
        holder = await scene.session(row(65))
        waiter = await scene.waiter(row(65))
        async with _failing(scene, code):
            snapshot = await scene.source.sample()
        assert "who waits for whom could not be read" in snapshot.blocking.note
        assert pid(waiter) in {backend.pid for backend in snapshot.busy}
        assert not (await scene.source.sample()).blocking.asked
        await holder.close()

    @pytest.mark.parametrize("code", ["57014", "40001"])
    async def test_a_cancel_by_chance_is_no_refusal(self, scene: Scene, code: str) -> None:
        """Somebody cancels our statement, or a standby's recovery does: that is told, and all is asked for again."""
        holder = await scene.session(row(66))
        await scene.waiter(row(66))
        await scene.compared(1)
        async with _failing(scene, code):
            with pytest.raises(SourceError, match="by chance"):
                await scene.source.sample()
        snapshot = await scene.source.sample()
        assert (snapshot.blocking.asked, snapshot.blocking.note) == (True, "")
        await holder.close()

    async def test_a_clock_set_back_ends_the_rest(self, scene: Scene) -> None:
        """The lock manager was to be left alone until a time that the server's clock now reaches in an hour."""
        holder = await scene.session(row(67))
        await scene.waiter(row(67))
        await scene.compared(1)
        reader = scene.source._reader
        assert reader is not None
        assert reader._last is not None
        later = reader._last.taken_at + 3600 * MICROSECONDS
        reader._last = replace(reader._last, taken_at=later)
        reader._pace = reader._pace.after_failure(later, "by chance")
        await scene.source.sample()
        snapshot = await scene.source.sample()
        assert (snapshot.blocking.asked, snapshot.blocking.note) == (True, "")
        await holder.close()


async def test_slots_and_sessions_hold_back_vacuum(scene: Scene) -> None:
    """The oldest stands first: a session's snapshot, a session's own transaction, and a slot."""
    scene.source.watch_blocking(True)
    await scene.done("SELECT pg_create_logical_replication_slot('kept', 'pgoutput')")
    try:
        reader = await scene.session("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
        writer = await scene.session("SELECT txid_current()")
        for _ in range(5):
            await scene.done("SELECT txid_current()")
        snapshot, _ = await scene.seen(lambda s, _: len(s.blocking.slots) == 1)
        ages = {holder.name: holder.age for holder in xmin_holders(snapshot)}
        [[slot, mine, own]] = await scene.ask(
            "SELECT (SELECT age(catalog_xmin) FROM pg_replication_slots),"
            f" (SELECT age(backend_xmin) FROM pg_stat_activity WHERE pid = {pid(reader)}),"
            f" (SELECT age(backend_xid) FROM pg_stat_activity WHERE pid = {pid(writer)})"
        )
        assert (ages["kept"], ages[str(pid(reader))], ages[str(pid(writer))]) == (slot, mine, own)
        assert list(ages.values()) == sorted(ages.values(), reverse=True)
    finally:
        await scene.done("SELECT pg_drop_replication_slot('kept')")


async def _holds(scene: Scene, sessions: list[Other]) -> bool:
    """One of them has the table."""
    said = await scene.ask("SELECT pid FROM pg_locks WHERE granted AND relation = 'stock'::regclass")
    return any((pid(each),) in said for each in sessions)


def test_what_was_known_stays_while_the_lock_manager_rests() -> None:
    """Slots and prepared transactions too, also where nobody waits."""
    slots = (Slot("kept", 400),)
    last = replace(scenes.calm(), blocking=Blocking(slots=slots, asked=True, complete=True))
    rested = completed(Blocking(), Plan(pids=False), last, last.busy)
    assert (rested.slots, rested.complete, rested.asked) == (slots, True, False)


def _counted(wire: Wire) -> Callable[[], int]:
    """Counts the statements that the client has executed from now on: one Execute message each."""
    count = [0]
    up = wire._up

    def counting(data: bytes) -> bytes:
        count[0] += data.count(b"E\0\0\0\x09\0\0\0\0\0")
        return up(data)

    wire._up = counting  # type: ignore[method-assign]
    return lambda: count[0]


class _Halting(Wire):
    """Halts for longer than a lock manager may take before it carries the question about the locks on."""

    halted = False

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], bytes]
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                at = data.find(b"pg_lock_status")
                if at >= 0:
                    writer.write(data[:at])
                    await asyncio.sleep(2 * SLOW)
                    self.halted = True
                writer.write(data[max(at, 0) :])
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def _instead(scene: Scene, function: str) -> AsyncIterator[None]:
    """While pg_blocking_pids is another function, which may ask the real one."""
    rename = "ALTER FUNCTION pg_catalog.{}(int) RENAME TO {}"
    await scene.done(
        rename.format("pg_blocking_pids", "pg_real_blocking_pids"),
        f"CREATE FUNCTION pg_catalog.pg_blocking_pids(int) RETURNS int[] {function}",
    )
    try:
        yield
    finally:
        await scene.done(
            "DROP FUNCTION pg_catalog.pg_blocking_pids(int)",
            rename.format("pg_real_blocking_pids", "pg_blocking_pids"),
        )


def _slow(scene: Scene, seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
    """While pg_blocking_pids takes that long."""
    return _instead(scene, f"LANGUAGE sql AS $$ SELECT pg_real_blocking_pids($1) FROM pg_sleep({seconds}) $$")


def _failing(scene: Scene, code: str) -> contextlib.AbstractAsyncContextManager[None]:
    """While pg_blocking_pids fails in this way."""
    raised = f"BEGIN RAISE 'by chance' USING ERRCODE = '{code}'; END"
    return _instead(scene, f"LANGUAGE plpgsql AS $$ {raised} $$")


def _told(scene: Scene) -> contextlib.AbstractAsyncContextManager[None]:
    """While the server's log tells each time that pg_blocking_pids is asked."""
    said = "BEGIN RAISE LOG 'asked about %', $1; RETURN pg_real_blocking_pids($1); END"
    return _instead(scene, f"LANGUAGE plpgsql AS $$ {said} $$")
