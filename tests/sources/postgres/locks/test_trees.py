"""Lock trees of real servers, compared with pg_blocking_pids and pg_locks at the same time."""

import asyncio
import json

from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.xmin import XminKind, xmin_holders
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.postgres.probes.locks.schedule import SLOW
from tests.cli import pgtop
from tests.sources.postgres.locks.scene import Scene, pid, row, slow_manager
from tests.sources.postgres.sampler_helpers import LOCKS_TOO, reader_of
from tests.waiting import until_async


async def test_a_chain_five_deep(scene: Scene) -> None:
    """Each waiter stands under the holder of the row that it wants, and the root counts all."""
    chain = [await scene.session(row(1))]
    chain += [
        await scene.waiter(row(number - 1), row(number)) for number in range(2, 6)
    ]
    _, tree = await scene.compared(4)
    assert [tree.nodes[pid(each)].parent for each in chain] == [
        None,
        *(pid(each) for each in chain[:-1]),
    ]
    assert [tree.nodes[pid(each)].total_waiters for each in chain] == [4, 3, 2, 1, 0]
    assert tree.root_of(pid(chain[-1])) == pid(chain[0])


async def test_a_star_of_a_hundred(scene: Scene) -> None:
    """A hundred sessions wait for one key: all stand under its holder, none under those ahead in
    the queue.
    """
    holder = await scene.session("SELECT pg_advisory_lock(4711)")
    waiters = [await scene.session() for _ in range(100)]
    for each in waiters:
        await scene.wait(each, "SELECT pg_advisory_lock(4711)")
    await scene.sample_until(lambda _, planted: planted.waiting == 100)
    snapshot, tree = await scene.compared(100)
    assert [root.key for root in tree.roots] == [pid(holder)]
    assert {tree.nodes[pid(each)].parent for each in waiters} == {pid(holder)}
    assert (
        tree.nodes[pid(holder)].direct_waiters,
        tree.nodes[pid(holder)].total_waiters,
    ) == (
        100,
        100,
    )
    assert snapshot.locks.waits[pid(waiters[0])].lock.target == "advisory key 4711"
    assert len(tree.solely_blocked_by(pid(holder))) == 100


async def test_two_roots_for_one_waiter(scene: Scene) -> None:
    """The waiter stands under the root that has held its lock longer, and names the other one."""
    first = await scene.session("SELECT FROM stock WHERE id = 1")
    second = await scene.session("SELECT FROM stock WHERE id = 2")
    waiter = await scene.waiter("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE")
    _, tree = await scene.compared(1)
    node = tree.nodes[pid(waiter)]
    assert node.parent == pid(first)
    assert set(node.blockers) == {pid(first), pid(second)}
    assert tree.solely_blocked_by(pid(first)) == frozenset()


async def test_a_soft_block_behind_access_exclusive(scene: Scene) -> None:
    """A reader that only the queue holds up is distinguished from one that waits for a holder."""
    reader = await scene.session("SELECT FROM stock WHERE id = 1")
    altering = await scene.waiter("ALTER TABLE stock ADD COLUMN later int")
    behind = await scene.waiter("SELECT FROM stock WHERE id = 2")
    snapshot, tree = await scene.compared(2)
    assert tree.nodes[pid(altering)].parent == pid(reader)
    assert tree.nodes[pid(altering)].queued_blockers == frozenset()
    assert tree.nodes[pid(behind)].parent == pid(altering)
    assert tree.nodes[pid(behind)].queued_blockers == {pid(altering)}
    assert snapshot.locks.waits[pid(behind)].lock.target == "stock"


async def test_tuple_and_transaction_locks_have_their_words(scene: Scene) -> None:
    """The first waiter for a row waits for a transaction, the second one for the row itself, which
    the first one holds.
    """
    holder = await scene.session(row(7))
    first = await scene.waiter(row(7))
    second = await scene.waiter(row(7))
    snapshot, tree = await scene.compared(2)
    waits = snapshot.locks.waits
    assert waits[pid(first)].lock.target.startswith("transaction ")
    assert waits[pid(second)].lock.target == "row (0,7) of stock"
    assert [tree.nodes[pid(each)].parent for each in (first, second)] == [
        pid(holder),
        pid(first),
    ]


async def test_virtual_transaction_and_object_locks_have_their_words(
    scene: Scene,
) -> None:
    """CREATE INDEX CONCURRENTLY waits for a virtual transaction, a new table for a schema that is
    being dropped.
    """
    await scene.run_alone(
        "CREATE TABLE IF NOT EXISTS indexed (id int)",
        "CREATE SCHEMA IF NOT EXISTS leaving",
    )
    writer = await scene.session("INSERT INTO indexed VALUES (1)")
    building = await scene.session()
    await building.commit()
    await building.set_autocommit(True)
    await scene.wait(building, "CREATE INDEX CONCURRENTLY ON indexed (id)")
    dropping = await scene.session("DROP SCHEMA leaving")
    creating = await scene.waiter("CREATE TABLE leaving.late ()")
    snapshot, tree = await scene.sample_until(lambda s, _: len(s.locks.waits) == 2)
    assert tree.nodes[pid(building)].parent == pid(writer)
    assert tree.nodes[pid(creating)].parent == pid(dropping)
    words = {
        wait.lock.locktype: wait.lock.target for wait in snapshot.locks.waits.values()
    }
    assert words["virtualxid"].startswith("virtual transaction ")
    assert words["object"].startswith("pg_namespace ")


async def test_relations_of_other_databases_have_no_wrong_name(scene: Scene) -> None:
    """A relation of another database is described by its number and its database."""
    other = {"dbname": "template1"}
    await scene.session("LOCK TABLE pg_description IN ACCESS EXCLUSIVE MODE", **other)
    session = await scene.session(**other)
    waiter = await scene.wait(session, "LOCK TABLE pg_description IN SHARE MODE")
    snapshot, _ = await scene.compared(1)
    [[oid]] = await scene.query("SELECT 'pg_description'::regclass::oid::int")
    target = snapshot.locks.waits[pid(waiter)].lock.target
    assert target == f"relation {oid} in database template1"


async def test_a_prepared_root(scene: Scene) -> None:
    """The root has gid, owner, database and age; of two prepared transactions it is the right
    one."""
    for number, gid in ((11, "it''s"), (12, "other")):
        session = await scene.session()
        await session.rollback()
        await session.set_autocommit(True)
        for statement in ("BEGIN", row(number), f"PREPARE TRANSACTION '{gid}'"):
            await session.execute(statement.encode())
    try:
        waiter = await scene.waiter(row(11))
        snapshot, tree = await scene.compared(1)
        [root] = tree.roots
        assert root.prepared is not None
        assert (root.prepared.gid, root.prepared.owner, root.prepared.database) == (
            "it's",
            "postgres",
            "postgres",
        )
        assert root.prepared.prepared < snapshot.taken_at
        assert tree.nodes[pid(waiter)].parent == root.key
        assert {
            h.name for h in xmin_holders(snapshot) if h.kind is XminKind.PREPARED
        } == {
            "it's",
            "other",
        }
    finally:
        await scene.run_alone("ROLLBACK PREPARED 'it''s'", "ROLLBACK PREPARED 'other'")


async def test_reads_of_a_serializable_transaction_block_nothing(scene: Scene) -> None:
    """A prepared transaction that only read what another one locks is not named."""
    serializable = "BEGIN ISOLATION LEVEL SERIALIZABLE"
    reading = (
        serializable,
        "SELECT count(*) FROM stock",
        "SELECT txid_current()",
        "PREPARE TRANSACTION 'innocent'",
    )
    locking = (
        "BEGIN",
        "LOCK TABLE stock IN ROW EXCLUSIVE MODE",
        "SELECT txid_current()",
        "PREPARE TRANSACTION 'guilty'",
    )
    await scene.run_alone(*reading)
    await scene.run_alone(*locking)
    try:
        await scene.waiter("LOCK TABLE stock IN SHARE MODE")
        _, tree = await scene.compared(1)
        assert [root.prepared and root.prepared.gid for root in tree.roots] == [
            "guilty"
        ]
    finally:
        await scene.run_alone(
            "ROLLBACK PREPARED 'guilty'", "ROLLBACK PREPARED 'innocent'"
        )


async def test_a_parallel_worker_in_a_group(scene: Scene) -> None:
    """A worker that waits stands under its leader, and its leader under the holder of the key."""
    # 12 takes no advisory locks in a worker, and a worker does not name its leader.
    if not scene.has_leaders:
        return
    await scene.run_alone(
        "CREATE TABLE IF NOT EXISTS wide WITH (parallel_workers = 2) AS SELECT generate_series(1, "
        "99) AS id",
        "CREATE OR REPLACE FUNCTION take() RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(815); RETURN 1; END $$",
    )
    holder = await scene.session("SELECT pg_advisory_lock(815)")
    settings = (
        "parallel_setup_cost = 0",
        "parallel_tuple_cost = 0",
        "parallel_leader_participation = off",
    )
    leader = await scene.session(*(f"SET {setting}" for setting in settings))
    task = asyncio.create_task(
        leader.execute("SELECT count(*) FROM wide WHERE take() = 1")
    )
    try:
        _, tree = await scene.compared(1)
        workers = [
            node
            for node in tree.nodes.values()
            if node.key not in (pid(holder), pid(leader))
        ]
        assert all(
            node.wait is not None and node.wait.lock.target == "advisory key 815"
            for node in workers
        )
        assert {node.parent for node in workers} == {pid(leader)}
        assert tree.nodes[pid(leader)].parent == pid(holder)
        assert tree.nodes[pid(holder)].total_waiters == 1
    finally:
        await holder.close()
        await task


async def test_a_deadlock_before_the_server_detects_it(scene: Scene) -> None:
    """Two sessions that wait for each other are shown once, and named, while deadlock_timeout
    runs."""
    first, second = await scene.session(row(21)), await scene.session(row(22))
    await scene.wait(first, row(22))
    await scene.wait(second, row(21))
    _, tree = await scene.compared(2)
    [root] = tree.roots
    assert root.key == pid(first)
    assert tree.nodes[pid(second)].parent == pid(first)
    assert set(root.cycle) == {pid(first), pid(second)}


async def test_a_root_that_ends_between_two_samples(scene: Scene) -> None:
    """While the lock manager rests, the waiter is shown as a root with a note, and never
    dropped."""
    first, second = await scene.session(row(31)), await scene.session(row(32))
    waiter = await scene.waiter("UPDATE stock SET n = n + 1 WHERE id IN (31, 32)")
    await scene.compared(1)
    async with slow_manager(scene, 2 * SLOW):
        await scene.sample_until(lambda s, _: bool(s.locks.note))
    gone = pid(first)
    await first.close()

    async def waits_for_the_second() -> bool:
        return await scene.query(f"SELECT pg_blocking_pids({pid(waiter)})") == [
            ([pid(second)],)
        ]

    await until_async(waits_for_the_second)
    [root] = build_forest(await scene.sample()).roots
    assert (root.key, root.vanished_blockers, root.is_waiting) == (
        pid(waiter),
        (gone,),
        True,
    )
    await scene.new_source()
    _, tree = await scene.compared(1)
    assert tree.nodes[pid(waiter)].parent == pid(second)


async def test_a_role_that_sees_nothing(scene: Scene) -> None:
    """Without pg_read_all_stats the tree is complete as soon as locks are wanted."""
    holder = await scene.session(row(41))
    waiter = await scene.waiter(row(41))
    await scene.new_source(user="plain")
    scene.topics = LOCKS_TOO
    snapshot, tree = await scene.compared(1)
    assert tree.nodes[pid(waiter)].parent == pid(holder)
    assert all(node.backend and node.backend.hidden for node in tree.nodes.values())
    assert snapshot.locks.note == ""


async def test_show_and_locks_agree_for_such_a_role(scene: Scene) -> None:
    """`pgtop show` has the same blockers as `pgtop locks`, also of hidden sessions."""
    holder = await scene.session(row(42))
    first = await scene.waiter(row(42))
    second = await scene.waiter(row(42))
    where = (
        "-h",
        scene.parameters["host"],
        "-p",
        scene.parameters["port"],
        "-d",
        "postgres",
        "-U",
        "plain",
    )
    shown, locks = [
        json.loads(pgtop(name, "--json", *where).stdout) for name in ("show", "locks")
    ]
    sessions = {each["pid"]: each for each in shown["sessions"]}
    nodes = {node["name"]: node for node in locks["nodes"]}
    assert shown["note"] == ""
    for each in (holder, first, second):
        assert sessions[pid(each)]["blocks"] == nodes[pid(each)]["blocks"]
        assert sessions[pid(each)]["blocked_by"] == nodes[pid(each)]["blockers"]
    assert sessions[pid(holder)]["blocks"] == 2


async def test_waits_of_hidden_sessions_are_read_every_few_seconds(
    scene: Scene,
) -> None:
    """Without a wanted tree they are not read in every sample; from the first waiter on they
    are."""
    await scene.session("SELECT 1")
    await scene.new_source(user="plain")
    are_current = [(await scene.sample()).locks.is_current for _ in range(5)]
    assert are_current == [False, True, False, False, False]
    sessions = reader_of(scene.source)
    holder = await scene.session(row(43))
    waiter = await scene.waiter(row(43))
    schedule = sessions._schedule
    sessions._schedule = schedule._replace(
        locks_read_at=schedule.locks_read_at - 6 * MICROSECONDS
    )
    for _ in range(3):
        snapshot = await scene.sample()
        assert snapshot.locks.is_current
        assert build_forest(snapshot).nodes[pid(waiter)].parent == pid(holder)


async def test_slots_and_sessions_hold_back_vacuum(scene: Scene) -> None:
    """The oldest holder stands first: the snapshot of a session, the transaction of a session, and
    a slot.
    """
    scene.topics = LOCKS_TOO
    await scene.run_alone(
        "SELECT pg_create_logical_replication_slot('kept', 'pgoutput')"
    )
    try:
        reader = await scene.session(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1"
        )
        writer = await scene.session("SELECT txid_current()")
        for _ in range(5):
            await scene.run_alone("SELECT txid_current()")
        snapshot, _ = await scene.sample_until(lambda s, _: len(s.locks.slots) == 1)
        ages = {holder.name: holder.age for holder in xmin_holders(snapshot)}
        [[slot, mine, own]] = await scene.query(
            "SELECT (SELECT age(catalog_xmin) FROM pg_replication_slots),"
            f" (SELECT age(backend_xmin) FROM pg_stat_activity WHERE pid = {pid(reader)}),"
            f" (SELECT age(backend_xid) FROM pg_stat_activity WHERE pid = {pid(writer)})"
        )
        assert (ages["kept"], ages[str(pid(reader))], ages[str(pid(writer))]) == (
            slot,
            mine,
            own,
        )
        assert list(ages.values()) == sorted(ages.values(), reverse=True)
    finally:
        await scene.run_alone("SELECT pg_drop_replication_slot('kept')")
