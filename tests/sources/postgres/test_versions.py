"""A server of a version that pgtop has never seen is shown like any other, with a note."""

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.server import SUPPORTED
from pgtop.text.tone import Span, Tone
from pgtop.view.banner import server_line
from tests import scenes
from tests.cli import pgtop
from tests.sources.postgres.conftest import Connect, Wire

_NUMBER = 990_009
_LONGEST = "99.9999"


class FutureWire(Wire):
    """A wire that replaces the server's version by one of the future."""

    def __init__(self, port: str, version: str, number: int) -> None:
        super().__init__("127.0.0.1", port)
        self.version = _LONGEST[: len(version)]
        self._texts = version.encode(), self.version.encode()
        self._numbers = struct.pack(">i", number), struct.pack(">i", _NUMBER)

    def _down(self, data: bytes) -> bytes:
        return super()._down(data).replace(*self._texts).replace(*self._numbers)


@pytest.fixture
async def future(cluster: Cluster) -> AsyncIterator[FutureWire]:
    """Return the parameters of the shared server with a version of the future."""
    with psycopg.connect(cluster.tcp_dsn) as connection:
        info = connection.info
        version = info.parameter_status("server_version")
        assert version is not None
        wire = FutureWire(str(cluster.port), version, info.server_version)
    async with wire.laid():
        yield wire


@pytest.fixture
async def victim(connect: Connect) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Open a session of an ordinary role, which `kill --yes` may end."""
    admin = await connect()
    await admin.execute("CREATE ROLE pgtop_tomorrow LOGIN")
    yield await connect(user="pgtop_tomorrow")
    await admin.execute("DROP ROLE pgtop_tomorrow")


async def test_a_newer_server_works_with_a_note(
    cluster: Cluster, future: FutureWire, victim: psycopg.AsyncConnection[Any]
) -> None:
    """Every command does its work there: sessions, locks and budget are shown, a session is ended,
    and the note appears.
    """
    there = make_conninfo(cluster.tcp_dsn, port=future.port)
    shown = await asyncio.to_thread(pgtop, "show", there)
    assert (shown.returncode, shown.stderr) == (Exit.DONE, "")
    assert f"PostgreSQL {future.version}  newer than tested" in shown.stdout
    assert "pgtop_tomorrow" in shown.stdout
    for command in ("budget", "locks"):
        assert (await asyncio.to_thread(pgtop, command, there)).returncode == Exit.DONE
    killed = await asyncio.to_thread(
        pgtop, "kill", "-d", there, "user:pgtop_tomorrow", "--yes"
    )
    assert killed.returncode == Exit.DONE, killed.stdout + killed.stderr
    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT 1")


@pytest.mark.parametrize(
    ("major", "note"),
    [
        *((major, "") for major in SUPPORTED),
        (SUPPORTED.start - 1, "older than tested"),
        (SUPPORTED.stop, "newer than tested"),
    ],
)
def test_tested_versions_have_no_note(major: int, note: str) -> None:
    calm = scenes.calm()
    server = calm.server._replace(version_num=major * 10_000 + 3)
    notes = {
        span.text.strip()
        for span in server_line(replace(calm, server=server), 200)
        if "tested" in span.text
    }
    assert notes == ({note} if note else set())
    assert not note or Span(f"  {note}", Tone.NOTICE) in server_line(
        replace(calm, server=server), 200
    )
