"""The cost of locks: few and rare statements, which never cost the list of sessions."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.lock_forest import LockForest
from pgtop.demo.server import Cluster
from pgtop.model.locks import LockState, Slot
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes.locks.answers import read
from pgtop.sources.postgres.probes.locks.carry_over import with_known_waits
from pgtop.sources.postgres.probes.locks.schedule import (
    POLLED_AT_ONCE,
    SLOW,
    LockPollPlan,
    LockPollSchedule,
)
from pgtop.sources.postgres.sampler import PostgresSource
from tests import scenes
from tests.sources.postgres.conftest import Wire
from tests.sources.postgres.locks.scene import (
    Other,
    Scene,
    failing_manager,
    logging_manager,
    pid,
    row,
    slow_manager,
)
from tests.sources.postgres.sampler_helpers import LOCKS_TOO, reader_of
from tests.waiting import until_async


async def test_a_calm_sample_has_one_statement(scene: Scene, server: Cluster) -> None:
    """Counted on the wire: a waiter adds statements to the next sample, in the same round trip."""
    async with Wire(scene.parameters["host"], scene.parameters["port"]).laid() as wire:
        session = ServerConnection(
            {
                **scene.parameters,
                "host": "127.0.0.1",
                "port": wire.port,
                "password": server.password,
            }
        )
        source, statements = PostgresSource(session), _counted(wire)
        await source.sample()
        before = statements()
        for _ in range(5):
            assert not (await source.sample()).locks.is_current
        assert statements() == before + 5
        holder = await scene.session(row(51))
        await scene.waiter(row(51))
        assert not (await source.sample()).locks.is_current
        trips = wire.trips
        assert (await source.sample()).locks.is_current
        assert wire.trips == trips + 1
        await holder.close()
        await source.close()


@pytest.mark.parametrize("user", ["postgres", "plain"])
async def test_known_waiters_take_turns(
    scene: Scene, server: Cluster, user: str
) -> None:
    """Each poll reads only some of many waiters and loses none, even for a role that sees
    nothing."""
    holder = await scene.session("SELECT pg_advisory_lock(99)")
    waiters = [
        await scene.waiter("SELECT pg_advisory_lock(99)")
        for _ in range(POLLED_AT_ONCE + 20)
    ]
    await scene.new_source(user=user)
    scene.topics = LOCKS_TOO
    async with logging_manager(scene):
        await scene.sample_until(lambda _, planted: planted.waiting == len(waiters))
        for _ in range(6):
            before = server.log.read_text().count("asked about")
            tree = build_forest(await scene.sample())
            assert (
                server.log.read_text().count("asked about") <= before + POLLED_AT_ONCE
            )
            assert tree.nodes[pid(holder)].direct_waiters == len(waiters)
            assert all(
                node.wait for node in tree.nodes.values() if node.key != pid(holder)
            )
        await scene.run_alone(f"SELECT pg_terminate_backend({pid(waiters[-1])})")
        await scene.sample_until(lambda _, planted: planted.waiting == len(waiters) - 1)


async def test_a_blocker_that_has_moved_on_is_dropped(scene: Scene) -> None:
    """A root that commits is no root in the next snapshot, although not all waiters were read
    again.
    """
    root = await scene.session("LOCK TABLE stock")
    waiters = [await scene.waiter("LOCK TABLE stock") for _ in range(100)]
    await scene.sample_until(lambda _, planted: waiters_of(planted, root) == 100)
    for _ in range(3):
        await scene.sample()
    await root.commit()
    await until_async(lambda: _holds(scene, waiters))
    for _ in range(8):
        snapshot = await scene.sample()
        tree = build_forest(snapshot)
        assert waiters_of(tree, root) == 0
        assert tree.waiting == 99
        assert not any(node.cycle for node in tree.nodes.values())


async def test_a_lock_may_be_held_across_transactions(scene: Scene) -> None:
    """A session that holds an advisory lock stays a root in every snapshot, whatever else it
    does."""
    holder = await scene.session("SELECT pg_advisory_lock(77)")
    waiters = [
        await scene.waiter("SELECT pg_advisory_lock(77)")
        for _ in range(2 * POLLED_AT_ONCE)
    ]
    await scene.sample_until(
        lambda _, planted: waiters_of(planted, holder) == len(waiters)
    )
    for _ in range(6):
        await holder.commit()
        await holder.execute("SELECT 1")
        assert build_forest(await scene.sample()).nodes[
            pid(holder)
        ].direct_waiters == len(waiters)


async def test_a_slow_network_is_no_slow_lock_manager(
    scene: Scene, server: Cluster
) -> None:
    """Time does not count while half of the statements are on their way."""
    holder = await scene.session(row(63))
    await scene.waiter(row(63))
    wire = _Halting(scene.parameters["host"], scene.parameters["port"])
    async with wire.laid():
        await scene.new_source(
            host="127.0.0.1", port=wire.port, password=server.password
        )
        snapshot, _ = await scene.sample_until(lambda *_: wire.halted)
        assert snapshot.locks.note == ""
        await scene.source.close()
    await holder.close()


async def test_a_slow_lock_manager_is_polled_less(scene: Scene) -> None:
    """Locks are read rarely, the note says so, and known waits stay."""
    holder = await scene.session(row(61))
    waiter = await scene.waiter(row(61))
    await scene.compared(1)
    async with slow_manager(scene, 0.4):
        slow, _ = await scene.sample_until(lambda s, _: bool(s.locks.note))
        assert "the server is slow to report locks" in slow.locks.note
        quick = await scene.sample()
    assert not quick.locks.is_current
    assert quick.locks.note == slow.locks.note
    assert build_forest(quick).nodes[pid(waiter)].parent == pid(holder)


@pytest.mark.parametrize(
    ("scene_of", "is_slow"), [(scenes.calm, False), (scenes.busy, True)]
)
def test_a_slow_server_without_waiters_is_no_slow_lock_manager(
    scene_of: Callable[[], Snapshot], is_slow: bool
) -> None:
    """No locks were read then."""
    pace = LockPollSchedule().after(scene_of(), LockPollPlan(), 2 * SLOW)
    assert bool(pace.note) is is_slow
    assert (pace.resting_until > scenes.NOW) is is_slow


async def test_a_hanging_lock_manager_costs_only_locks(scene: Scene) -> None:
    """Waiters are still shown, with the reason: known ones, those of a first sample, and the first
    one.
    """
    knows, new, has_seen_calm = (
        scene.source,
        scene.another_source(),
        scene.another_source(),
    )
    for _ in range(2):
        assert (await has_seen_calm.sample()).locks.note == ""
    holder = await scene.session(row(62))
    waiter = await scene.waiter(row(62))
    await scene.compared(1)
    async with slow_manager(scene, 30):
        snapshots = await asyncio.gather(
            *(source.sample() for source in (knows, new, has_seen_calm))
        )
        assert all("statement timeout" in snapshot.locks.note for snapshot in snapshots)
        assert all(
            build_forest(snapshot).nodes[pid(waiter)].is_waiting
            for snapshot in snapshots
        )
        assert build_forest(snapshots[0]).nodes[pid(waiter)].parent == pid(holder)
        for source, snapshot in zip(
            (knows, new, has_seen_calm), snapshots, strict=True
        ):
            assert (await source.sample()).locks.note == snapshot.locks.note


@pytest.mark.parametrize("code", ["42501", "55P03"])
async def test_a_refusal_is_shown_and_retried_later(scene: Scene, code: str) -> None:
    """A role that may not read locks, or would have to wait for them, still sees the sessions."""
    holder = await scene.session(row(65))
    waiter = await scene.waiter(row(65))
    async with failing_manager(scene, code):
        snapshot = await scene.sample()
    assert "locks could not be read" in snapshot.locks.note
    assert pid(waiter) in {backend.pid for backend in snapshot.busy}
    assert not (await scene.sample()).locks.is_current
    await holder.close()


@pytest.mark.parametrize("code", ["57014", "40001"])
async def test_a_cancel_by_chance_is_no_refusal(scene: Scene, code: str) -> None:
    """A user or a standby's recovery cancels the statement: the sample fails, and the next one
    reads everything.
    """
    holder = await scene.session(row(66))
    await scene.waiter(row(66))
    await scene.compared(1)
    async with failing_manager(scene, code):
        with pytest.raises(SourceError, match="by chance"):
            await scene.sample()
    snapshot = await scene.sample()
    assert (snapshot.locks.is_current, snapshot.locks.note) == (True, "")
    await holder.close()


async def test_a_clock_set_back_ends_the_rest(scene: Scene) -> None:
    """The rest would last until a time that the server's clock reaches in an hour."""
    holder = await scene.session(row(67))
    await scene.waiter(row(67))
    await scene.compared(1)
    sessions = reader_of(scene.source)
    assert sessions.last is not None
    later = sessions.last.taken_at + 3600 * MICROSECONDS
    sessions.last = replace(sessions.last, taken_at=later)
    sessions._schedule = sessions._schedule.after_failure(later, "by chance")
    await scene.sample()
    snapshot = await scene.sample()
    assert (snapshot.locks.is_current, snapshot.locks.note) == (True, "")
    await holder.close()


def test_slots_stay_known_during_a_rest() -> None:
    """Slots and prepared transactions stay known, even while no session waits."""
    slots = (Slot("kept", 400),)
    last = replace(
        scenes.calm(), locks=LockState(slots=slots, is_current=True, is_complete=True)
    )
    rested = with_known_waits(
        LockState(), LockPollPlan(reads_blockers=False), last, last.busy
    )
    assert (rested.slots, rested.is_complete, rested.is_current) == (slots, True, False)


@pytest.mark.parametrize(
    ("ages", "held"),
    [
        ((7, None), [(7, False)]),
        ((None, 9), [(9, True)]),
        ((7, 9), [(7, False), (9, True)]),
        ((9, 7), [(9, False)]),
    ],
)
def test_a_slot_has_a_row_for_each_reach(
    ages: tuple[int | None, int | None], held: list[tuple[int, bool]]
) -> None:
    """The slot of a standby may keep rows of all tables, and rows of the catalogs from further
    back.
    """
    answers: list[list[tuple[object, ...]]] = [[], [(b"kept", True, *ages)], []]
    state = read(
        LockPollPlan(reads_prepared=True, reads_slots=True),
        answers,
        scenes.server(),
        "UTF8",
    ).state
    assert [(slot.age, slot.catalog) for slot in state.slots] == held


def waiters_of(forest: LockForest, blocker: Other) -> int:
    node = forest.nodes.get(pid(blocker))
    return 0 if node is None else node.total_waiters


async def _holds(scene: Scene, sessions: list[Other]) -> bool:
    """Return whether one of the sessions has the table, and has woken up."""
    rows = await scene.query(
        "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE granted AND relation = 'stock'::regclass AND wait_event_type IS DISTINCT FROM "
        "'Lock'"
    )
    return any((pid(each),) in rows for each in sessions)


def _counted(wire: Wire) -> Callable[[], int]:
    """Count the statements that the client executes from now on: one Execute message each."""
    count = [0]
    up = wire._up

    def counting(data: bytes) -> bytes:
        count[0] += data.count(b"E\0\0\0\x09\0\0\0\0\0")
        return up(data)

    wire._up = counting  # type: ignore[method-assign]
    return lambda: count[0]


class _Halting(Wire):
    """A wire that halts for longer than a lock manager may take before it forwards the statement
    for locks.
    """

    halted = False

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        count: Callable[[bytes], bytes],
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
