"""Consoles that are none, and hostile ones: each gets a sentence."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.sources.pgbouncer import pooler
from pgtop.sources.pgbouncer.console import Console
from pgtop.sources.pgbouncer.failures import failure_of
from pgtop.text.clean import clean
from tests.hostile_text import FRAGMENTS, harmful
from tests.impostor import message, row
from tests.pooler import free_port
from tests.scenes.base import NOW

_READY = message(b"Z", b"I")
_GREETING = (
    message(b"R", struct.pack(">I", 0))
    + message(b"S", b"server_version\0001.26.0/bouncer\0")
    + _READY
)
_DONE = message(b"C", b"SHOW\0") + _READY


def columns(*names: bytes) -> bytes:
    """Describe columns of text."""
    fields = [
        name + b"\0" + struct.pack(">IHIhih", 0, 0, 25, -1, -1, 0) for name in names
    ]
    return message(b"T", struct.pack(">H", len(names)) + b"".join(fields))


@asynccontextmanager
async def answering(
    answers: Sequence[bytes], queries: list[bytes] | None = None
) -> AsyncIterator[Console]:
    """Open a console that gives these answers in turn, over as many connections as needed; keep the
    `queries`.
    """
    rest = iter(answers)
    received = [] if queries is None else queries

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled when the test ends.
        with suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            [size] = struct.unpack(">I", await reader.readexactly(4))
            await reader.readexactly(size - 4)
            writer.write(_GREETING)
            while await reader.readexactly(1) == b"Q":
                [size] = struct.unpack(">I", await reader.readexactly(4))
                received.append(await reader.readexactly(size - 4))
                writer.write(next(rest, _DONE))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    console = Console(
        {"host": "127.0.0.1", "port": str(port), "user": "watch", **plain}
    )
    yield console
    console.close()
    server.close()


async def reason_of(console: Console) -> str:
    """Return why the console cannot be read."""
    with pytest.raises(psycopg.Error) as caught:
        await console.show("POOLS")
    return failure_of(caught.value, console).reason


async def test_tables_are_read_by_name() -> None:
    answer = columns(b"user", b"database") + row(b"web", b"shop") + _DONE
    async with answering([answer]) as console:
        [first] = await console.show("POOLS")
        assert console.version == "PgBouncer 1.26.0"
        assert first.text("database") == "shop"
        assert first.text("pool_mode") == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (message(b"G", b"\0\0\0"), "not one to SHOW"),
        (message(b"E", b"SERROR\0C08P01\0Madmin access\0\0") + _READY, "admin access"),
        (_READY, "no answer"),
        (columns(b"a") + row(b"x" * 100_000) * 60 + _DONE, "4 MiB"),
        (message(b"Y", b"nothing") + _READY, "cannot be read"),
    ],
    ids=["copy", "error", "nothing", "long", "unknown"],
)
async def test_a_wrong_answer_is_abandoned(answer: bytes, words: str) -> None:
    """The next table comes over a new connection."""
    async with answering([answer]) as console:
        assert words in await reason_of(console)
        assert not list(await console.show("POOLS"))


async def test_a_refusal_is_quoted_cleaned() -> None:
    text = b"".join(FRAGMENTS).replace(b"\0", b"")
    answer = message(b"E", b"SERROR\0C08P01\0M" + text + b"\0\0") + _DONE
    async with answering([answer]) as console:
        reason = await reason_of(console)
        assert not harmful(reason)
        assert clean(reason) == reason


async def test_too_many_clients_leave_the_pools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A table that the pooler refuses is left out, too."""
    refusal = message(b"E", b"SERROR\0C08P01\0Madmin access needed\0\0") + _READY
    pools = columns(b"database", b"user", b"cl_waiting") + row(b"shop", b"web", b"9")
    clients = columns(b"a") + row(b"x" * 100_000) * 60 + _DONE
    start = [_DONE, refusal, _DONE, _DONE]
    monkeypatch.setattr(pooler, "_RETRY_SECONDS", 0.0)
    async with answering([*start, clients, *start, pools + _DONE]) as console:
        own = pooler.Pooler(console)
        await own.begin()
        assert "4 MiB" in own.newest(NOW, 0.0).reason
        await own.begin()
        reading = own.newest(NOW, 0.0)
        assert not reading.reason
        assert reading.note.startswith("has too many clients")
        assert [pool.waiting for pool in reading.pools] == [9]
        await own.close()


async def test_a_reading_is_older_than_a_sample_only_if_it_ended_before() -> None:
    """The server's clock was read at some moment since the sample was requested."""
    queries: list[bytes] = []
    async with answering([_DONE] * 12, queries) as console:
        own = pooler.Pooler(console)
        started_at = monotonic()
        await own.begin()
        before = own.newest(NOW, monotonic())
        assert before.read_at is not None
        assert before.ended_at is not None
        assert before.read_at < before.ended_at <= NOW
        await own.begin()
        meanwhile = own.newest(NOW, started_at)
        assert meanwhile.ended_at is not None
        assert meanwhile.ended_at > NOW
        await own.close()
    assert {query.split()[0] for query in queries} == {b"SHOW"}


async def test_a_postgresql_server_is_no_console(dsn: str) -> None:
    parameters = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    database = parameters.pop("dbname")
    assert "is not PgBouncer" in await reason_of(Console(parameters))
    named = Console({**parameters, "dbname": database})
    reason = await reason_of(named)
    assert f"has the database {database}, which is no console" in reason


async def test_nothing_listens_at_a_wrong_port() -> None:
    port = str(free_port())
    reason = await reason_of(Console({"host": "127.0.0.1", "port": port}))
    assert reason.startswith("has no pooler: nothing listens there")
