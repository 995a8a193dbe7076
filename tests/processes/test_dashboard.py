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
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_ASKED_AGAIN = "press y once more"
_RUNAWAY = "month-end report"
# The storm and the leak come and go by themselves.
_SHORT_LIVED = (
    "payments-api",
    "mobile-api",
)

Identity = tuple[int, object]


@pytest.fixture
def other(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server for this test alone, to stop and to start."""
    with Cluster(bindir, settings={"max_connections": "20"}) as running:
        yield running


def _dsn_on(terminal: Terminal) -> str:
    """Return the connection string of the server that the first line shows."""
    match = re.search(r"(/\S*pgtop-\w+):(\d+)", terminal.text)
    assert match, terminal.text
    return f"host={match[1]} port={match[2]} user=dba dbname=shop"


def _sessions(
    connection: psycopg.Connection[tuple[object, ...]],
) -> dict[Identity, str]:
    rows = connection.execute(
        "SELECT pid, backend_start, application_name FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return {(int(str(pid)), start): str(name) for pid, start, name in rows}


def _folder_of(terminal: Terminal) -> Path:
    return Path(_dsn_on(terminal).split()[0].removeprefix("host="))


def test_demo_terminates_the_runaway_and_nothing_else() -> None:
    """In `pgtop demo` keys alone end the session of the runaway query, and all others survive."""
    with Terminal([*_PGTOP, "demo"]) as terminal:
        terminal.wait_for(READY)
        with psycopg.connect(_dsn_on(terminal), autocommit=True) as server:
            until(
                lambda: _RUNAWAY in _sessions(server).values(),
                "the runaway query has not begun",
            )
            before = _sessions(server)
            # in one burst, as a slow line delivers keys typed ahead
            terminal.send(typed("filter", f'app:"{_RUNAWAY}"', "open", "terminate"))
            terminal.wait_for_question("Terminate session")
            terminal.send(typed("confirm"))
            terminal.wait_for(
                lambda seen: "gone after" in seen.text or _ASKED_AGAIN in seen.text
            )
            if _ASKED_AGAIN in terminal.text:  # the snapshot was older than its query
                terminal.send(typed("confirm"))
                terminal.wait_for("gone after")
            after = _sessions(server)
        gone = {name for session, name in before.items() if session not in after}
        lasting = {name for name in gone if not name.startswith(_SHORT_LIVED)}
        assert lasting == {_RUNAWAY}
        folder = _folder_of(terminal)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    until(lambda: not folder.exists(), "the demo's files are still there")


def test_lines_drawn_one_by_one_equal_a_whole_repaint() -> None:
    """After refreshes, keys, dialogs, views and resizes, the paused screen equals its repaint by
    Ctrl-L."""
    with Terminal([*_PGTOP, "demo", "--interval", "0.2"]) as terminal:
        terminal.wait_for(READY)
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
        # is not shown at 120 columns, so its presence proves the new layout
        terminal.wait_for("QUERY")
        terminal.send(typed("pause"))
        terminal.wait_for("PAUSED")
        terminal.wait_for(_is_laid_out)
        drawn = _but_ages(terminal.text)
        before = len(terminal.raw)
        terminal.send(typed("redraw"))
        until(lambda: len(terminal.raw) - before > 1000, "nothing was painted")
        until(
            lambda: _but_ages(terminal.text) == drawn,
            f"{drawn}\n\nis not\n\n{terminal.text}",
        )
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def _wait_for_drawing(terminal: Terminal) -> None:
    """Wait until both a key and a refresh have been drawn."""
    for _ in range(2):
        before = len(terminal.raw)
        terminal.wait_for(lambda seen, before=before: len(seen.raw) > before)  # type: ignore[misc]


def _is_laid_out(terminal: Terminal) -> bool:
    """Return whether no line is left over: the demo's sessions fill the screen, below a header of
    five lines, and the headings name all rows in sight.
    """
    lines = terminal.screen.display
    rows = re.search(r"(\d+)-(\d+) of \d+", terminal.text)
    in_sight = int(rows[2]) - int(rows[1]) + 1 if rows else 0
    return all(map(str.strip, lines)) and in_sight == len(lines) - 7


def _but_ages(text: str) -> str:
    return re.sub(r"DATA \S+ s OLD", "", text)


def test_hanging_server_leaves_the_keyboard_alive(other: Cluster) -> None:
    """While the server is silent the screen reports it, keys work, and quitting is immediate."""
    with (
        psycopg.connect(other.socket_dsn, autocommit=True) as server,
        Terminal([*_PGTOP, other.socket_dsn]) as terminal,
    ):
        terminal.wait_for(READY)
        (pid,) = [
            pid for (pid, _), name in _sessions(server).items() if name == "pgtop"
        ]
        os.kill(pid, signal.SIGSTOP)
        try:
            terminal.wait_for("no answer for")
            terminal.send(typed("help"))
            terminal.wait_for("finds a key")
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0
        finally:
            os.kill(pid, signal.SIGCONT)
