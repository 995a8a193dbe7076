"""The holders of vacuum, compared with the cutoff that VACUUM VERBOSE itself names at the same
time.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from pgtop.analysis.xmin import XminKind, xmin_holders
from pgtop.model.backend import BackendId
from tests.sources.postgres.locks.scene import Other, Scene, pid
from tests.sources.postgres.sampler_helpers import LOCKS_TOO
from tests.waiting import until_async

Situation: TypeAlias = Callable[[Scene], contextlib.AbstractAsyncContextManager[Other]]

_CUTOFF = re.compile(r"(?:removable cutoff|oldest xmin): (\d+)")
_SNAPSHOT = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
_XID = "SELECT txid_current()"


@contextlib.asynccontextmanager
async def _snapshot(scene: Scene) -> AsyncIterator[Other]:
    yield await scene.session(*_SNAPSHOT)


@contextlib.asynccontextmanager
async def _writer_and_readers(scene: Scene) -> AsyncIterator[Other]:
    writer = await scene.session(_XID)
    for _ in range(3):
        await scene.run_alone(_XID)
        await scene.session(*_SNAPSHOT)
    yield writer


@contextlib.asynccontextmanager
async def _elsewhere(scene: Scene) -> AsyncIterator[Other]:
    yield await scene.session(*_SNAPSHOT, dbname="template1")


@contextlib.asynccontextmanager
async def _walsender(scene: Scene) -> AsyncIterator[Other]:
    yield await scene.session(*_SNAPSHOT, replication="database")


@contextlib.asynccontextmanager
async def _prepared(scene: Scene) -> AsyncIterator[Other]:
    session = await scene.session(_XID, "PREPARE TRANSACTION 'kept'")
    await session.rollback()
    try:
        yield session
    finally:
        await scene.run_alone("ROLLBACK PREPARED 'kept'")


@contextlib.asynccontextmanager
async def _slot(scene: Scene) -> AsyncIterator[Other]:
    await scene.run_alone(
        "SELECT pg_create_logical_replication_slot('kept', 'pgoutput')"
    )
    try:
        yield await scene.session()
    finally:
        await scene.run_alone("SELECT pg_drop_replication_slot('kept')")


@contextlib.asynccontextmanager
async def _lost_slot(scene: Scene) -> AsyncIterator[Other]:
    """Create a slot with a log that the server has removed; 12 keeps all of it."""
    if not scene.has_leaders:
        yield await scene.session()
        return
    async with _slot(scene) as session:
        await scene.run_alone(
            "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()"
        )

        async def is_lost() -> bool:
            await scene.run_alone(_XID, "SELECT pg_switch_wal()", "CHECKPOINT")
            return await scene.query("SELECT wal_status FROM pg_replication_slots") == [
                ("lost",)
            ]

        await until_async(is_lost)
        await scene.run_alone(
            "ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()"
        )
        yield session


@contextlib.asynccontextmanager
async def _maintaining(
    scene: Scene, statement: str, begun: str, *before: str
) -> AsyncIterator[Other]:
    """Run `statement` in a session, from the time when `begun` has rows for its pid."""
    session = await scene.session()
    await session.rollback()
    await session.set_autocommit(True)
    for each in before:
        await session.execute(each.encode())
    task = asyncio.create_task(session.execute(statement.encode()))

    async def has_begun() -> bool:
        return bool(await scene.query(begun.format(pid(session))))

    await until_async(has_begun)
    yield session
    await session.cancel_safe()
    with contextlib.suppress(errors.QueryCanceled):
        await task


def _vacuuming(scene: Scene) -> contextlib.AbstractAsyncContextManager[Other]:
    slowly = ("SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1")
    begun = "SELECT FROM pg_stat_progress_vacuum WHERE pid = {} AND heap_blks_total > 0"
    return _maintaining(
        scene, "/* job */ VACUUM (FULL off, ANALYZE) big", begun, *slowly
    )


_WAITS = "SELECT FROM pg_locks WHERE NOT granted AND pid = {}"


@contextlib.asynccontextmanager
async def _analyzing(scene: Scene) -> AsyncIterator[Other]:
    holder = await scene.session("SELECT pg_advisory_lock(99)")
    await holder.commit()
    async with _maintaining(
        scene,
        "VACUUM (ANALYZE) indexed_by_one",
        _WAITS,
        "SET application_name = analyzing",
    ) as one:
        yield one
    await holder.close()


@contextlib.asynccontextmanager
async def _waiting_for_its_table(scene: Scene) -> AsyncIterator[Other]:
    holder = await scene.session("LOCK TABLE big IN SHARE UPDATE EXCLUSIVE MODE")
    async with _maintaining(scene, "VACUUM big", _WAITS) as session:
        yield session
    await holder.close()


_TABLES = (
    "DROP TABLE IF EXISTS tiny, big, indexed_by_one",
    "CREATE TABLE tiny AS SELECT 1 AS id",
    "CREATE TABLE big WITH (autovacuum_enabled = off) AS SELECT generate_series(1, 20000) AS id",
    "CREATE TABLE indexed_by_one WITH (autovacuum_enabled = off) AS SELECT 1 AS id",
    "CREATE OR REPLACE FUNCTION held(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
    " IF current_setting('application_name') = 'analyzing' THEN PERFORM "
    "pg_advisory_xact_lock(99); END IF;"
    " RETURN $1; END $$",
    "CREATE INDEX ON indexed_by_one (held(id))",
)


@pytest.mark.parametrize(
    ("situation", "kind"),
    [
        (_snapshot, XminKind.SESSION), (_writer_and_readers, XminKind.SESSION), (_elsewhere, None),
        (_walsender, XminKind.WALSENDER), (_prepared, XminKind.PREPARED), (_slot, XminKind.SLOT),
        (_lost_slot, None),
        (_vacuuming, None), (_analyzing, XminKind.SESSION), (_waiting_for_its_table, None),
    ],
)  # fmt: skip
async def test_the_oldest_holder_is_the_cutoff_of_vacuum(
    scene: Scene, situation: Situation, kind: XminKind | None
) -> None:
    """For a table and for a catalog of this database, as the superuser and as a role that sees no
    other sessions.
    """
    await scene.run_alone(*_TABLES)
    async with situation(scene) as session:
        await scene.run_alone(_XID, _XID, _XID)
        for user in ("postgres", "plain"):
            await scene.new_source(user=user)
            scene.topics = LOCKS_TOO
            snapshot, _ = await scene.sample_until(
                lambda snapshot, _: snapshot.locks.is_complete
            )
            holders = [
                h for h in xmin_holders(snapshot) if h.database in (None, "postgres")
            ]
            for table, catalog in (("tiny", False), ("pg_class", True)):
                oldest = max(
                    (
                        h.age
                        for h in holders
                        if h.is_certain and (catalog or not h.catalog)
                    ),
                    default=0,
                )
                assert oldest == await _cutoff(scene, table), (user, table)
            kinds = [holder.kind for holder in holders if holder.is_certain]
            assert kinds[:1] == ([kind] if kind else [])
        await scene.new_source()
        detail = await scene.source.detail(BackendId(pid(session), None))
        assert detail is not None
        assert detail.exempt == (situation is _vacuuming)


async def _cutoff(scene: Scene, table: str) -> int:
    """Return the age of the oldest transaction from which a vacuum of this table must keep rows."""
    texts: list[str] = []
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(**scene.parameters), autocommit=True
    ) as session:
        session.add_notice_handler(
            lambda notice: texts.extend(
                (notice.message_primary or "", notice.message_detail or "")
            )
        )
        await session.execute(f"VACUUM (VERBOSE) {table}".encode())
    [xid, *_] = [match[1] for text in texts if (match := _CUTOFF.search(text))]
    [[age]] = await scene.query(f"SELECT age('{xid}'::xid)")
    return int(age)
