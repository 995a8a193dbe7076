"""A session is terminated from the keyboard while something breaks: the screen claims no more than
happened."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.fault_env import (
    ANSWERS,
    Connection,
    FaultEnv,
    empty,
    fill_and_terminate_pgtop,
    launch,
    reset,
    stop_at_once,
    strand,
)
from tests.keys import typed
from tests.kill_helpers import open_kill_dialog
from tests.pty import Terminal
from tests.waiting import until

_RARELY = "60"
"""Seconds between samples: a sample that meets the fault first would keep the signal from being
sent."""
_SIGNAL_SQL = b"pg_terminate_backend"
_GONE = "has ended; no answer came"
_CLAIMED = re.compile(r"terminated \d+ \(gone")
_ENDED = re.compile(rf"{_CLAIMED.pattern}|{_GONE}")
_UNHARMED = re.compile("nothing was sent|is still running")


@pytest.fixture
def victim(fault_env: FaultEnv) -> Iterator[Connection]:
    """Open the session that is to be terminated."""
    with fault_env.admin(
        user="app", dbname="postgres", application_name="victim"
    ) as session:
        yield session


@contextmanager
def _dialog(fault_env: FaultEnv) -> Iterator[Terminal]:
    """Open the dashboard with the dialog in which `y` terminates the victim."""
    with Terminal(
        [sys.executable, "-m", "pgtop", fault_env.dsn, "--interval", _RARELY],
        columns=160,
    ) as terminal:
        open_kill_dialog("victim", terminal)
        yield terminal


def test_the_reply_is_lost(fault_env: FaultEnv, victim: Connection) -> None:
    """If the line breaks after the signal, its effect is not claimed, and it is not sent again."""
    with _dialog(fault_env) as terminal:
        fault_env.proxy.stall(ANSWERS)
        terminal.send(typed("confirm"))
        until(lambda: not _is_alive(victim), "the request has not arrived")
        fault_env.proxy.cut()
        fault_env.proxy.repair()
        _wait_without_claim(terminal, _GONE)
    assert fault_env.proxy.forwarded.count(_SIGNAL_SQL) == 1


def test_the_reply_never_comes(fault_env: FaultEnv, victim: Connection) -> None:
    """If the line goes silent after the signal, the same is reported after the time limit of a
    reply."""
    with _dialog(fault_env) as terminal:
        fault_env.proxy.stall(ANSWERS)
        terminal.send(typed("confirm"))
        until(lambda: not _is_alive(victim), "the request has not arrived")
        strand(fault_env)
        fault_env.proxy.repair()
        _wait_without_claim(terminal, _GONE)
    assert fault_env.proxy.forwarded.count(_SIGNAL_SQL) == 1


def test_all_slots_are_taken(fault_env: FaultEnv, victim: Connection) -> None:
    """Without pgtop's session and a free slot, the unknown is reported, and nothing is sent."""
    with _dialog(fault_env) as terminal:
        fill_and_terminate_pgtop(fault_env)
        terminal.send(typed("confirm"))
        _wait_without_claim(terminal, "got the signal is not known")
        empty(fault_env)
        terminal.wait_for(lambda seen: "next try in" not in seen.text)
        assert _is_alive(victim)
    assert fault_env.proxy.forwarded.count(_SIGNAL_SQL) == 0


def test_the_server_is_restarted(fault_env: FaultEnv, victim: Connection) -> None:
    """If the server restarts between the question and `y`, pgtop does not claim the end of the
    session."""
    with _dialog(fault_env) as terminal:
        stop_at_once(fault_env)
        terminal.send(typed("confirm"))
        _wait_without_claim(terminal, "no answer came")
        launch(fault_env)
        _wait_without_claim(terminal, _GONE)
        assert not _is_alive(victim)
    assert fault_env.proxy.forwarded.count(_SIGNAL_SQL) == 0


def test_the_line_is_reset_at_the_moment_of_a_kill(
    fault_env: FaultEnv, victim: Connection
) -> None:
    """Wherever the request was, the last report is true, and it was sent at most once."""
    with _dialog(fault_env) as terminal:
        terminal.send(typed("confirm"))
        reset(fault_env)
        terminal.wait_for(
            lambda seen: _ENDED.search(seen.text) or _UNHARMED.search(seen.text)
        )
        if _UNHARMED.search(terminal.text):
            assert _is_alive(victim)
        else:
            until(lambda: not _is_alive(victim), "it was reported as gone")
    assert fault_env.proxy.forwarded.count(_SIGNAL_SQL) <= 1


def _wait_without_claim(terminal: Terminal, text: str) -> None:
    """Wait for `text`; the screen must not claim before that pgtop ended the session."""
    terminal.wait_for(lambda seen: text in seen.text or _CLAIMED.search(seen.text))
    assert not _CLAIMED.search(terminal.text), terminal.text


def _is_alive(victim: Connection) -> bool:
    return os.path.exists(f"/proc/{victim.info.backend_pid}")
