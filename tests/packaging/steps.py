"""Steps of a user of any package: look around, and end a session."""

from collections.abc import Mapping, Sequence
from typing import Final

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, hint, typed
from tests.kill_helpers import open_kill_dialog
from tests.pty import Terminal

_HEADINGS: Final[Mapping[str, str]] = {
    "2": "BY APPLICATION",
    "3": "HOLDS BACK VACUUM",
    "4": "BY EVENT",
    "5": "CALLS/S",
    "1": "PID",
}
"""A heading of each view, by the key that opens it."""


def end_a_session(command: Sequence[str], server: Cluster) -> None:
    """Run the dashboard, terminate an idle session on it, and quit."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE victim LOGIN")
        victim = psycopg.connect(
            server.socket_dsn, user="victim", application_name="victim"
        )
        with Terminal([*command, server.tcp_dsn]) as terminal:
            open_kill_dialog("victim", terminal)
            terminal.send(typed("confirm"))
            terminal.wait_for("gone after")
            with pytest.raises(psycopg.errors.AdminShutdown):
                victim.execute("SELECT")
            leave(terminal)
        administrator.execute("DROP ROLE victim")


def look_around(command: Sequence[str], server: Cluster) -> None:
    """Open each view, a filter with a pattern, a session in full, and help."""
    with Terminal([*command, server.tcp_dsn]) as terminal:
        terminal.wait_for(f"{hint('help')} help")
        for key, heading in _HEADINGS.items():
            terminal.send(key)
            terminal.wait_for(heading)
        terminal.send(typed("filter", "query~act.vity", "open"))
        terminal.wait_for("whose query matches")
        terminal.send(typed("open"))
        terminal.wait_for("Your rights")
        terminal.send(typed("help"))
        terminal.wait_for("finds a key")
        terminal.send(typed("clear", "clear"))
        leave(terminal)


def leave(terminal: Terminal) -> None:
    """Quit; the terminal must be as it was."""
    terminal.wait_for(READY)
    terminal.send(typed("quit"))
    assert terminal.wait_for_exit() == 0
    assert terminal.restored
