"""Many sessions: a thousand real ones, ten thousand scripted ones; and a terminal that reads
slowly."""

import json
import sys
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.benchmarks.child import Child
from tests.benchmarks.load import prepare
from tests.faults.screen import Keyboard
from tests.keys import READY, typed
from tests.load.soaking import Footprint
from tests.pty import Terminal
from tests.waiting import until

_SPEED = 4000  # bytes per second that the slow terminal reads
# Bytes on their way: those that need no reply, and two frames of 80x24.
_BEHIND = 2048 + 2 * 4096
_SECONDS = 5
# A tick of 10,000 sessions takes 0.1 to 0.25 s, and one key at most meets it: the next is typed
# once that one is shown. All other keys, some 30, are never late.
_LATE_KEYS = _SECONDS + 1


def test_ten_thousand_sessions(tmp_path: Path) -> None:
    """Ten thousand sessions, of which one in twenty is new at each tick, leave the keyboard
    responsive."""
    command = [
        sys.executable,
        "-m",
        "tests.load.soaking",
        "1000",
        "10000",
        str(tmp_path / "report"),
        "1",
    ]
    with Terminal(command) as terminal:
        terminal.wait_for(READY, 30)
        with Keyboard(terminal) as keyboard:
            keyboard.type_for(_SECONDS)
        terminal.wait_for("of 10000")
    assert len(keyboard.late) <= _LATE_KEYS


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_thousand_real_sessions(bindir: Path | None) -> None:
    """A thousand backends that work, wait, come and go are all shown, and keys work."""
    with Cluster(bindir, settings={"max_connections": "1100"}) as server:
        prepare(server.socket_dsn)
        with Child("tests.benchmarks.load", server.socket_dsn) as load:
            load.request("grow 1000")
            load.request("churn")
            with Terminal(
                [sys.executable, "-m", "pgtop", server.socket_dsn], columns=120
            ) as terminal:
                terminal.wait_for("1001 of 1097 used", 30)
                with Keyboard(terminal) as keyboard:
                    keyboard.type_for(10)
                terminal.send("\x15\r")
                terminal.wait_for("of 1001")
            assert not keyboard.late


def test_a_terminal_that_reads_slowly(tmp_path: Path) -> None:
    """At 4 kB/s nothing piles up: a key waits only for the bytes already on their way."""
    report = tmp_path / "report"
    command = [
        sys.executable,
        "-m",
        "tests.load.soaking",
        "1000",
        "200",
        str(report),
        "0.0025",
    ]
    with Terminal(command, speed=_SPEED) as terminal:
        terminal.wait_for(READY)
        until(
            lambda: len(_parts(report)) > 3,
            "the frames that the terminal skips do not come",
        )
        read = len(terminal.raw)
        terminal.send(typed("filter"))
        terminal.wait_for("words, db:shop")
        assert len(terminal.raw) - read < _BEHIND
        terminal.send(typed("clear"))
        assert terminal.wait_for_exit(60) == 0
    parts = _parts(report)
    assert parts[-1].rss_kb - parts[5].rss_kb < 2_048


def _parts(report: Path) -> list[Footprint]:
    return (
        [Footprint(**part) for part in json.loads(report.read_text())]
        if report.exists()
        else []
    )
