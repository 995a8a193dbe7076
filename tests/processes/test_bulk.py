"""A storm of 500 real sessions, terminated from the keyboard in a real terminal."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from tests.cli import PGTOP
from tests.keys import READY, typed
from tests.pty import Terminal

STORM, NEWCOMERS = 500, 5


@pytest.fixture
def big(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir, settings={"max_connections": "540"}) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE web LOGIN")
        yield running


def _alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_storm_is_terminated_by_hand_and_newcomers_live(
    big: Cluster, tmp_path: Path
) -> None:
    """Filter, tag all, K and the count hit no session that joined the storm after the list was
    shown."""
    web = make_conninfo(big.socket_dsn, user="web", application_name="storm")
    state = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with ExitStack() as stack:
        old = [
            stack.enter_context(psycopg.connect(web, autocommit=True))
            for _ in range(STORM)
        ]
        terminal = stack.enter_context(
            Terminal(
                [*PGTOP, "--interval=0.2", big.socket_dsn], 120, 40, environment=state
            )
        )
        terminal.wait_for(READY)
        terminal.send(typed("filter", "app:storm", "open"))
        terminal.wait_for(f" of {STORM} ")
        terminal.send(typed("tag_all"))
        terminal.wait_for(f"{STORM} tagged")
        terminal.send(typed("terminate"))
        terminal.wait_for(
            f'Terminate {STORM} sessions whose application name contains "storm"?'
        )
        new = [
            stack.enter_context(psycopg.connect(web, autocommit=True))
            for _ in range(NEWCOMERS)
        ]
        old.pop().close()
        terminal.wait_for("1 has ended")  # the snapshot behind the list has moved on
        terminal.send(typed("confirm"))
        terminal.wait_for(f"type {STORM - 1}")
        terminal.send(f"{STORM - 1}\r")
        terminal.wait_for(f"{STORM - 1} gone")
        terminal.send(typed("clear"))
        terminal.wait_for(lambda seen: seen.text.count(" storm ") == NEWCOMERS)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert all(map(_alive, new))
        assert not any(map(_alive, old))
    written = (tmp_path / "pgtop" / "audit.jsonl").read_text().splitlines()
    assert len(written) == 2 * (STORM - 1)
