"""A session is ended from the keyboard while something breaks: the screen says nothing that did not
happen.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.fault_env import (
    ANSWERS,
    INTERVAL,
    Connection,
    Ground,
    empty,
    fill_and_end_ours,
    launch,
    reset,
    stop_at_once,
    strand,
)
from tests.kill_helpers import ask_for_the_end_of
from tests.pty import Terminal
from tests.waiting import until

_ORDER = b"pg_terminate_backend"
_GONE = "has ended; no answer came"
_CLAIMED = re.compile(r"terminated \d+ \(gone")
_ENDED = re.compile(rf"{_CLAIMED.pattern}|{_GONE}")
_UNHARMED = re.compile("nothing was sent|is still running")


@pytest.fixture
def victim(ground: Ground) -> Iterator[Connection]:
    """The session that is to be ended."""
    with ground.admin(user="app", dbname="postgres", application_name="victim") as made:
        yield made


@contextmanager
def _dialog(ground: Ground) -> Iterator[Terminal]:
    """The dashboard, about to end the victim: `y` does."""
    with Terminal(
        [sys.executable, "-m", "pgtop", ground.dsn, "--interval", str(INTERVAL)], columns=160
    ) as terminal:
        ask_for_the_end_of("victim", terminal)
        yield terminal


def test_the_answer_is_lost(ground: Ground, victim: Connection) -> None:
    """The signal was sent and the line breaks: that it came of this is not claimed, and it is not
    sent again.
    """
    with _dialog(ground) as terminal:
        ground.proxy.stall(ANSWERS)
        terminal.send("y")
        until(lambda: not _lives(victim), "the order has not arrived")
        ground.proxy.cut()
        ground.proxy.mend()
        _wait_without_claim(terminal, _GONE)
    assert ground.proxy.said.count(_ORDER) == 1


def test_the_answer_never_comes(ground: Ground, victim: Connection) -> None:
    """The same where the line is dead and nobody says so: it is told after the limit of an
    answer.
    """
    with _dialog(ground) as terminal:
        ground.proxy.stall(ANSWERS)
        terminal.send("y")
        until(lambda: not _lives(victim), "the order has not arrived")
        strand(ground)
        ground.proxy.mend()
        _wait_without_claim(terminal, _GONE)
    assert ground.proxy.said.count(_ORDER) == 1


def test_all_slots_are_taken(ground: Ground, victim: Connection) -> None:
    """Our session is gone and there is no slot for another: what cannot be known is told so, and
    nothing is sent.
    """
    with _dialog(ground) as terminal:
        fill_and_end_ours(ground)
        terminal.send("y")
        _wait_without_claim(terminal, "got the signal is not known")
        empty(ground)
        terminal.wait_for(lambda seen: "next try in" not in seen.text)
        assert _lives(victim)
    assert ground.proxy.said.count(_ORDER) == 0


def test_the_server_is_restarted(ground: Ground, victim: Connection) -> None:
    """Between the question and `y` the server went: when it is back the session is gone, and not by
    our doing.
    """
    with _dialog(ground) as terminal:
        stop_at_once(ground)
        terminal.send("y")
        _wait_without_claim(terminal, "no answer came")
        launch(ground)
        _wait_without_claim(terminal, _GONE)
        assert not _lives(victim)
    assert ground.proxy.said.count(_ORDER) == 0


def test_the_line_is_reset_at_the_moment_of_a_kill(ground: Ground, victim: Connection) -> None:
    """Wherever the order was by then, what is told last is true, and it was sent once at most."""
    with _dialog(ground) as terminal:
        terminal.send("y")
        reset(ground)
        terminal.wait_for(lambda seen: _ENDED.search(seen.text) or _UNHARMED.search(seen.text))
        if _UNHARMED.search(terminal.text):
            assert _lives(victim)
        else:
            until(lambda: not _lives(victim), "it was told to be gone")
    assert ground.proxy.said.count(_ORDER) <= 1


def _wait_without_claim(terminal: Terminal, wanted: str) -> None:
    """Wait for the words; at no time before does the screen say that the session was ended by
    us.
    """
    terminal.wait_for(lambda seen: wanted in seen.text or _CLAIMED.search(seen.text))
    assert not _CLAIMED.search(terminal.text), terminal.text


def _lives(victim: Connection) -> bool:
    return os.path.exists(f"/proc/{victim.info.backend_pid}")
