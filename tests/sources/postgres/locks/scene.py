"""A server, sessions on it that wait for each other, and a source that samples them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo

from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.section import SESSIONS_ONLY
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.waiting import until_async

Other: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Holds: TypeAlias = Callable[[Snapshot, LockForest], bool]


def pid(connection: Other) -> int:
    return connection.info.backend_pid


class Scene:
    """A server, sessions on it, and a source that samples them."""

    def __init__(
        self, parameters: dict[str, str], stack: AsyncExitStack, version: int
    ) -> None:
        self.parameters = parameters
        self.has_leaders, self.has_waitstart = version >= 130_000, version >= 140_000
        self._stack = stack
        self._waiting: list[asyncio.Task[Any]] = []
        self.source = PostgresSource(ServerConnection(parameters))
        self.topics = SESSIONS_ONLY

    async def new_source(self, **changed: str) -> None:
        """Sample with a new source, which remembers nothing."""
        await self.source.close()
        self.source = PostgresSource(ServerConnection({**self.parameters, **changed}))

    async def sample(self) -> Snapshot:
        """Take a sample with the topics that the scene looks at."""
        return await self.source.sample(self.topics)

    def another_source(self) -> PostgresSource:
        """Return one more source, which remembers nothing."""
        source = PostgresSource(ServerConnection(self.parameters))
        self._stack.push_async_callback(source.close)
        return source

    async def session(self, *statements: str, **changed: str) -> Other:
        """Open a session in a transaction that has run these statements."""
        conninfo = make_conninfo(**{**self.parameters, **changed})
        session: Other = await psycopg.AsyncConnection.connect(conninfo)
        self._stack.push_async_callback(session.close)
        for statement in statements:
            await session.execute(statement.encode())
        return session

    async def run_alone(self, *statements: str) -> None:
        """Run each statement in a transaction of its own."""
        async with await psycopg.AsyncConnection.connect(
            make_conninfo(**self.parameters), autocommit=True
        ) as session:
            for statement in statements:
                await session.execute(statement.encode())

    async def wait(self, session: Other, statement: str) -> Other:
        """Run a statement that must wait for a lock; return when it waits."""
        self._waiting.append(asyncio.create_task(session.execute(statement.encode())))
        await self.until_waits(pid(session))
        return session

    async def until_waits(self, waiter: int) -> None:
        async def waits() -> bool:
            return bool(
                await self.query(
                    f"SELECT FROM pg_locks WHERE NOT granted AND pid = {waiter}"
                )
            )

        await until_async(waits)

    async def waiter(self, statement: str, *before: str) -> Other:
        return await self.wait(await self.session(*before), statement)

    async def query(self, statement: str) -> list[tuple[Any, ...]]:
        if not hasattr(self, "_querying"):
            self._querying = await self.session()
            await self._querying.set_autocommit(True)
        return await (await self._querying.execute(statement.encode())).fetchall()

    async def sample_until(self, holds: Holds) -> tuple[Snapshot, LockForest]:
        """Return the first sample with current locks for which a condition holds, and its
        forest."""
        samples: list[tuple[Snapshot, LockForest]] = []

        async def sampled() -> bool:
            snapshot = await self.sample()
            samples.append((snapshot, build_forest(snapshot)))
            return snapshot.locks.is_current and holds(*samples[-1])

        await until_async(sampled)
        return samples[-1]

    async def compared(self, waiters: int) -> tuple[Snapshot, LockForest]:
        """Return a sample with so many waiters, after a comparison with the server's own
        functions."""
        snapshot, tree = await self.sample_until(
            lambda _, planted: planted.waiting == waiters
        )
        truth = await self.query(
            "SELECT pid, pg_blocking_pids(pid), mode, locktype FROM pg_locks WHERE NOT granted"
        )
        leaders = {b.pid: b.leader_pid or b.pid for b in snapshot.backends}
        for waiter, blockers, mode, locktype in truth:
            node = tree.nodes[leaders[waiter]]
            named = {max(key, 0) for key in node.blockers}
            assert named == set(blockers), waiter
            assert node.parent in node.blockers or node.parent is None
            wait = snapshot.locks.waits[waiter]
            assert (wait.lock.mode, wait.lock.locktype) == (mode, locktype)
            assert (wait.lock.waitstart is not None) == self.has_waitstart
        assert len({leaders[row[0]] for row in truth}) == waiters
        return snapshot, tree

    async def end(self) -> None:
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        await self.source.close()


def row(number: int) -> str:
    return f"UPDATE stock SET n = n + 1 WHERE id = {number}"


@contextlib.asynccontextmanager
async def _instead(scene: Scene, function: str) -> AsyncIterator[None]:
    """Replace pg_blocking_pids by another function, which may call the real one."""
    rename = "ALTER FUNCTION pg_catalog.{}(int) RENAME TO {}"
    await scene.run_alone(
        rename.format("pg_blocking_pids", "pg_real_blocking_pids"),
        f"CREATE FUNCTION pg_catalog.pg_blocking_pids(int) RETURNS int[] {function}",
    )
    try:
        yield
    finally:
        await scene.run_alone(
            "DROP FUNCTION pg_catalog.pg_blocking_pids(int)",
            rename.format("pg_real_blocking_pids", "pg_blocking_pids"),
        )


def slow_manager(
    scene: Scene, seconds: float
) -> contextlib.AbstractAsyncContextManager[None]:
    """Make pg_blocking_pids take that long."""
    return _instead(
        scene,
        f"LANGUAGE sql AS $$ SELECT pg_real_blocking_pids($1) FROM pg_sleep({seconds}) $$",
    )


def failing_manager(
    scene: Scene, code: str
) -> contextlib.AbstractAsyncContextManager[None]:
    """Make pg_blocking_pids fail with this code."""
    raised = f"BEGIN RAISE 'by chance' USING ERRCODE = '{code}'; END"
    return _instead(scene, f"LANGUAGE plpgsql AS $$ {raised} $$")


def logging_manager(scene: Scene) -> contextlib.AbstractAsyncContextManager[None]:
    """Make the server log each call of pg_blocking_pids."""
    body = "BEGIN RAISE LOG 'asked about %', $1; RETURN pg_real_blocking_pids($1); END"
    return _instead(scene, f"LANGUAGE plpgsql AS $$ {body} $$")
