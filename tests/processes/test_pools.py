"""The dashboard on the console of a real PgBouncer, beside one, and through one."""

import sys
from collections.abc import Iterator

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.pooler import PgBouncer
from tests.pty import Terminal

pytestmark = pytest.mark.system

_PGTOP = [sys.executable, "-m", "pgtop"]


@pytest.fixture(scope="module")
def pooler(server: Cluster) -> Iterator[PgBouncer]:
    with PgBouncer(server, "console") as started:
        yield started


def test_the_console_opens_the_pools_alone(pooler: PgBouncer) -> None:
    """No session and no signal, and one sentence about that."""
    with (
        psycopg.connect(pooler.dsn("shop"), application_name="shop-web") as client,
        Terminal([*_PGTOP, "-d", pooler.dsn("pgbouncer")]) as terminal,
    ):
        client.execute("SELECT 1")
        terminal.wait_for("shop/postgres")
        terminal.wait_for("it has pools, and nothing of the server's sessions")
        terminal.wait_for("pool shop/postgres 1 of 2 busy")
        assert "Sessions" not in terminal.text
        terminal.send(typed("open"))
        terminal.wait_for("the pooler's console knows nothing of the server's sessions")
        terminal.send(typed("terminate"))
        terminal.wait_for("needs the server's sessions")
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_through_a_pooler_the_direct_way_is_named(
    server: Cluster, pooler: PgBouncer
) -> None:
    with Terminal([*_PGTOP, "-d", pooler.dsn("shop")], columns=120) as terminal:
        terminal.wait_for(f"the server itself: pgtop -h 127.0.0.1 -p {server.port}")
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
