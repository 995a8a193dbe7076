"""The server's features are read from the server."""

from pgtop.sources.postgres.connection import Channel, ServerConnection
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from tests.sources.postgres.conftest import Wire


async def test_columns_come_from_the_catalog(session: ServerConnection) -> None:
    """The columns named are exactly those that the server's own functions have."""
    async with session.acquire() as channel:
        features = channel.features
        activity = columns_of(channel, b"SELECT * FROM pg_stat_get_activity(0)")
        locks = columns_of(channel, b"SELECT * FROM pg_locks LIMIT 0")
    assert activity
    assert features.activity_columns >= activity
    assert features.lock_columns == locks


def columns_of(channel: Channel, sql: bytes) -> set[str]:
    """Return the names of the columns of a query."""
    result = channel.connection.pgconn.exec_(sql)
    names = [result.fname(column) or b"" for column in range(result.nfields)]
    return {name.decode() for name in names}


async def test_the_views_of_progress_are_those_of_the_catalog(
    session: ServerConnection,
) -> None:
    async with session.acquire() as channel:
        [rows] = await channel.run(
            Statement(
                "SELECT viewname FROM pg_views WHERE viewname LIKE 'pg_stat_progress_%'"
            )
        )
        views = {name.decode() for (name,) in rows}
        assert {
            f"pg_stat_progress_{name}" for name in channel.features.progress_views
        } == views


async def test_the_connection_is_known(session: ServerConnection) -> None:
    """A direct connection is distinguished from a pooled one, and the database's encoding is
    known."""
    async with session.acquire() as channel:
        assert channel.features.pid == channel.connection.pgconn.backend_pid
        assert not channel.features.pooled
        assert channel.features.encoding == "UTF8"


async def test_a_pooler_is_noticed(wire: Wire, wired: ServerConnection) -> None:
    """A pooler stands between if another process answers than the one that greeted the client."""
    wire.false_pid = b"\0\0\0\1"
    async with wired.acquire() as channel:
        assert channel.features.pooled


def test_a_server_without_the_columns() -> None:
    """A server without the columns has empty sets, and no error."""
    features = Features.of((7, None, None, None, None), 7, "UTF8")
    assert features == Features(7, False, frozenset(), frozenset(), frozenset(), "UTF8")
