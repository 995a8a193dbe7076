"""Random lock situations, held still while pgtop and a second reader sample them, and compared
field by field.
"""

import asyncio
import contextlib
import json
import os
import random
from typing import Any

import pytest
from hypothesis import settings
from psycopg import errors
from psycopg.pq import TransactionStatus

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.commands.locks import as_json
from pgtop.model.timestamp import from_datetime, written
from pgtop.view.alarm import summary
from pgtop.view.locks import arrange_locks
from tests.lock_rows import rows, text
from tests.sources.postgres.locks.oracle import READING, Name, Truth
from tests.sources.postgres.locks.scene import Other, Scene, pid
from tests.sources.postgres.sampler_helpers import LOCKS_TOO
from tests.waiting import until_async

_SITUATIONS = (
    8 if settings.default is None or settings.default.max_examples < 1_000 else 400
)
_MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
    "SHARE ROW EXCLUSIVE", "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)  # fmt: skip


class Crowd:
    """Sessions that take locks at random until most of them wait."""

    def __init__(
        self, scene: Scene, sessions: list[Other], chance: random.Random
    ) -> None:
        self._scene, self._chance, self._sessions = scene, chance, sessions
        self._tasks: dict[Other, asyncio.Task[Any]] = {}
        self._prepared = 0

    async def step(self) -> None:
        """Let a session that does not wait take a lock, or leave its transaction prepared."""
        idle = [each for each in self._sessions if each not in self._tasks]
        if not idle:
            return
        session = self._chance.choice(idle)
        is_new = session.info.transaction_status is TransactionStatus.IDLE
        if is_new and self._prepared < 3 and self._chance.random() < 0.3:
            await self._prepare(session)
            return
        self._tasks[session] = asyncio.create_task(session.execute(self._statement()))
        await self._settle()

    async def stop(self) -> None:
        """Undo everything."""
        for session in self._sessions:
            await session.cancel_safe()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for session in self._sessions:
            await session.rollback()
        for number in range(self._prepared):
            await self._scene.run_alone(f"ROLLBACK PREPARED 'gid {number}'")

    async def _prepare(self, session: Other) -> None:
        """Leave a transaction behind that has locked a table, if that is free."""
        with contextlib.suppress(errors.LockNotAvailable):
            await session.execute(self._table_lock() + b" NOWAIT")
            await session.execute(
                f"PREPARE TRANSACTION 'gid {self._prepared}'".encode()
            )
            self._prepared += 1
        await session.rollback()

    async def _settle(self) -> None:
        """Wait until every session with a running statement waits for a lock; the server fails a
        plain deadlock.
        """

        async def settled() -> bool:
            for session in [
                session for session, task in self._tasks.items() if task.done()
            ]:
                if self._tasks.pop(session).exception() is not None:
                    await session.rollback()
            waiting = await self._scene.query(
                "SELECT pid FROM pg_locks WHERE NOT granted"
            )
            return {(pid(session),) for session in self._tasks} == set(waiting)

        await until_async(settled)

    def _statement(self) -> bytes:
        chance = self._chance
        kind = chance.random()
        if kind < 0.45:
            return self._table_lock()
        if kind < 0.75:
            shared = "_shared" if chance.random() < 0.3 else ""
            return (
                f"SELECT pg_advisory_xact_lock{shared}({chance.randint(1, 4)})".encode()
            )
        return f"UPDATE stock SET n = n + 1 WHERE id = {chance.randint(1, 4)}".encode()

    def _table_lock(self) -> bytes:
        return (
            f"LOCK TABLE {self._chance.choice(('t1', 't2'))} IN {self._chance.choice(_MODES)} MODE"
        ).encode()


@pytest.fixture
async def sessions(scene: Scene) -> list[Other]:
    await scene.run_alone(
        *(f"CREATE TABLE IF NOT EXISTS {name} (id int)" for name in ("t1", "t2"))
    )
    return [await scene.session() for _ in range(8)]


async def test_the_tree_agrees_with_a_second_reader(
    scene: Scene, sessions: list[Other]
) -> None:
    """Counts, modes, targets, waits, roots and deadlocks agree; the queue is distinguished from
    holders, and prepared transactions have their names.
    """
    seed = int(os.environ.get("PGTOP_SEED", random.randrange(1 << 32)))
    scene.topics = LOCKS_TOO
    for number in range(_SITUATIONS):
        chance = random.Random(f"{seed}/{number}")
        crowd = Crowd(scene, chance.sample(sessions, chance.randint(3, 8)), chance)
        try:
            for _ in range(chance.randint(6, 24)):
                await crowd.step()
            await _compare(scene, f"PGTOP_SEED={seed}, situation {number}")
        finally:
            await crowd.stop()


async def _compare(scene: Scene, where: str) -> None:
    [[before]] = await scene.query(READING)
    truth = Truth(before)
    snapshot, _ = await scene.sample_until(
        lambda _, forest: forest.waiting == len(truth.waits)
    )
    [[after]] = await scene.query(READING)
    assert Truth(after).edges == truth.edges, where
    derived = DerivedSnapshot.of(snapshot)
    report = json.loads(as_json(arrange_locks(derived)))
    nodes = {node["name"]: node for node in report["nodes"]}
    expected = truth.nodes()
    assert nodes.keys() == expected.keys(), where
    assert report["waiting"] == len(truth.waits), where
    for name, one in expected.items():
        node = nodes[name]
        words = ("waits", "mode", "locktype", "target", "blocks_directly", "blocks")
        assert {word: node[word] for word in words} == {
            word: getattr(one, word) for word in words
        }, (where, name)
        assert frozenset(node["blockers"]) == one.blockers, (where, name)
        assert frozenset(node["soft"]) == one.soft, (where, name)
        assert set(node["deadlock"]) <= one.deadlocked, (where, name)
        assert (name in node["deadlock"]) == bool(one.deadlocked), (where, name)
        _check_place(nodes, name, one.blockers - one.soft or one.blockers, one.circular)
        if scene.has_waitstart and one.waits:
            assert node["since"] == written(
                _instant(truth.waits[int(name)]["waitstart"])
            ), (
                where,
                name,
            )
    roots = list(report["roots"])
    assert set(roots) == {
        name for name, node in nodes.items() if node["parent"] is None
    }
    assert [nodes[name]["blocks"] for name in roots] == sorted(
        (nodes[name]["blocks"] for name in roots), reverse=True
    )
    _check_deadlocks(derived, nodes)


def _check_place(
    nodes: dict[Name, Any], name: Name, blockers: frozenset[Name], circular: bool
) -> None:
    """Check that a waiter stands under one of the holders of what it wants or, in a cycle, perhaps
    on top.
    """
    parent = nodes[name]["parent"]
    assert parent in blockers or (parent is None and (circular or not blockers))


def _check_deadlocks(derived: DerivedSnapshot, nodes: dict[Name, Any]) -> None:
    """Check that each deadlock is named once in the tree and once above it, by its members alone,
    each of which waits for a lock of the next one.
    """
    circles = {tuple(node["deadlock"]) for node in nodes.values() if node["deadlock"]}
    for circle in circles:
        for waiter, holder in zip(circle, (*circle[1:], circle[0]), strict=True):
            assert holder in set(nodes[waiter]["blockers"]) - set(nodes[waiter]["soft"])
    lines = [text(row, derived, 900) for row in rows(derived)]
    head = "".join(span.text for span in summary(derived))
    for circle in circles:
        assert (
            sum(
                line.count(f"DEADLOCK {' → '.join(map(str, (*circle, circle[0])))}")
                for line in lines
            )
            == 1
        )
        assert head.count(f"deadlock {' '.join(map(str, circle[:3]))}") >= 1
    assert (
        sum(line.count("DEADLOCK") for line in lines)
        == head.count("deadlock ")
        == len(circles)
    )


def _instant(text: str) -> int:
    from datetime import datetime

    return from_datetime(datetime.fromisoformat(text))
