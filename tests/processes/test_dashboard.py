"""The whole program in a real pseudo-terminal, on real servers, with keys alone."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_READY = "q quit"
_ASKED_ANEW = "press y once more"
_RUNAWAY = "month-end report"
_SHORT_LIVED = ("payments-api", "mobile-api")  # the storm and the leak come and go by themselves

Identity = tuple[int, object]


@pytest.fixture
def other(bindir: Path | None) -> Iterator[Cluster]:
    """A server of the test's own, to stop and to start."""
    with Cluster(bindir, settings={"max_connections": "20"}) as running:
        yield running


def _dsn_on(terminal: Terminal) -> str:
    """How to reach the server whose folder and port the first line shows."""
    found = re.search(r"(/\S*pgtop-\w+):(\d+)", terminal.text)
    assert found, terminal.text
    return f"host={found[1]} port={found[2]} user=dba dbname=shop"


def _sessions(connection: psycopg.Connection[tuple[object, ...]]) -> dict[Identity, str]:
    rows = connection.execute(
        "SELECT pid, backend_start, application_name FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return {(int(str(pid)), start): str(name) for pid, start, name in rows}


def _folder_of(terminal: Terminal) -> Path:
    return Path(_dsn_on(terminal).split()[0].removeprefix("host="))


def test_demo_terminates_the_runaway_and_nothing_else() -> None:
    """In `pgtop demo`, keys alone end the runaway query's session; on the server it is gone and all
    others live.
    """
    with Terminal([*_PGTOP, "demo"]) as terminal:
        terminal.wait_for(_READY)
        with psycopg.connect(_dsn_on(terminal), autocommit=True) as server:
            until(lambda: _RUNAWAY in _sessions(server).values(), "the runaway query has not begun")
            before = _sessions(server)
            terminal.send(
                f'/app:"{_RUNAWAY}"\rK'
            )  # in one burst, as a slow line delivers what was typed ahead
            terminal.wait_for_question("Terminate session")
            terminal.send("y")
            terminal.wait_for(lambda seen: "gone after" in seen.text or _ASKED_ANEW in seen.text)
            if _ASKED_ANEW in terminal.text:  # the picture was of the moment before its query began
                terminal.send("y")
                terminal.wait_for("gone after")
            after = _sessions(server)
        gone = {name for who, name in before.items() if who not in after}
        lasting = {name for name in gone if not name.startswith(_SHORT_LIVED)}
        assert lasting == {_RUNAWAY}
        folder = _folder_of(terminal)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    until(lambda: not folder.exists(), "the demo's files are still there")


def test_what_is_drawn_line_by_line_is_what_a_whole_repaint_draws() -> None:
    """After refreshes, keys, dialogs, other views and sizes, the screen is, paused, what Ctrl-L
    makes of it.
    """
    with Terminal([*_PGTOP, "demo", "--interval", "0.2"]) as terminal:
        terminal.wait_for(_READY)
        for keys in (
            "jjj",
            "b",
            "w",
            "\x1b[C",
            "2",
            "1",
            "K",
            "\x1b",
            "/shop\r",
            "s",
            "\x1b",
            "3",
            "1",
            "\x1b",
        ):
            terminal.send(keys)
            _wait_for_drawing(terminal)
        for size in ((60, 12), (120, 40), (80, 24)):
            terminal.resize(*size)
            _wait_for_drawing(terminal)
        terminal.wait_for(
            "QUERY"
        )  # which the line of 120 cells has no more room for: it has been laid out anew
        terminal.send("p")
        terminal.wait_for("PAUSED")
        drawn = _but_ages(terminal.text)
        before = len(terminal.raw)
        terminal.send("\x0c")
        until(lambda: len(terminal.raw) - before > 1000, "nothing was painted")
        until(lambda: _but_ages(terminal.text) == drawn, f"{drawn}\n\nis not\n\n{terminal.text}")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def _wait_for_drawing(terminal: Terminal) -> None:
    """Both ways of drawing have had their turn: an answer to a key, and a refresh."""
    for _ in range(2):
        before = len(terminal.raw)
        terminal.wait_for(lambda seen, before=before: len(seen.raw) > before)  # type: ignore[misc]


def _but_ages(text: str) -> str:
    return re.sub(r"picture is \S+ old", "", text)


def test_hanging_server_leaves_the_keyboard_alive(other: Cluster) -> None:
    """While the server does not answer at all the screen says so, keys work, and quitting is
    immediate.
    """
    with (
        psycopg.connect(other.socket_dsn, autocommit=True) as server,
        Terminal([*_PGTOP, other.socket_dsn]) as terminal,
    ):
        terminal.wait_for(_READY)
        (pid,) = [who[0] for who, name in _sessions(server).items() if name == "pgtop"]
        os.kill(pid, signal.SIGSTOP)
        try:
            terminal.wait_for("no answer for")
            terminal.send("?")
            terminal.wait_for("cursor down")
            terminal.send("q")
            assert terminal.wait_for_exit() == 0
        finally:
            os.kill(pid, signal.SIGCONT)
