"""No key confirms a question not yet shown when it was typed, and no flood of keys delays the
next."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.processes.exit_checks import GONE, memory_kb
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_MOST_KB = 150 * 1024


@pytest.fixture(scope="module")
def victim(server: Cluster) -> Iterator[int]:
    """Open a session that must survive, and yield its pid; a superuser's would be protected."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE typist LOGIN")
        with closing(
            psycopg.connect(server.socket_dsn, user="typist", application_name="victim")
        ) as session:
            yield session.info.backend_pid
        admin.execute("DROP ROLE typist")


def _at_once(terminal: Terminal, keys: str) -> None:
    terminal.send(keys)


def _in_pieces(terminal: Terminal, keys: str) -> None:
    for start in range(0, len(keys), 7):
        terminal.send(keys[start : start + 7])
        time.sleep(0.004)  # like a line that delivers a paste slowly


def _slowly(terminal: Terminal, keys: str) -> None:
    """Type so slowly that the dialog is drawn long before the end."""
    for key in keys[:1] + keys[-12:]:
        terminal.send(key)
        time.sleep(0.06)


def _over_a_stall(terminal: Terminal, keys: str) -> None:
    terminal.stall()
    for key in keys[:1] + keys[-3:]:
        terminal.send(key)
        time.sleep(0.4)
    terminal.resume()


@pytest.mark.parametrize("way", [_at_once, _in_pieces, _slowly, _over_a_stall])
def test_keys_before_the_dialog_is_shown_do_not_confirm_it(
    way: Callable[[Terminal, str], None], server: Cluster, victim: int
) -> None:
    """`K`, 200 letters and `y` terminate nothing, however they arrive."""
    with Terminal([*_PGTOP, server.socket_dsn], columns=120) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("filter", "app:victim", "open"))
        terminal.wait_for("1 of ")
        way(
            terminal,
            typed("terminate") + "abcdefghijklmopqrstuvwxz" * 9 + typed("confirm"),
        )
        terminal.wait_for("Terminate session")
        terminal.wait_for("typed before this could be read")
        assert Path(f"/proc/{victim}").exists()
        terminal.send(typed("clear"))
        terminal.wait_for(lambda seen: "Terminate session" not in seen.text)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("opening", ["r", "*K"])
def test_a_pasted_reason_does_not_confirm_behind_its_enter(
    opening: str, server: Cluster, victim: int
) -> None:
    """A line end in the paste closes the field; the rest confirms nothing."""
    with Terminal([*_PGTOP, server.socket_dsn], columns=120) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("filter", "app:victim", "open"))
        terminal.wait_for("1 of ")
        if opening == "r":
            terminal.send(typed("terminate"))
        else:
            terminal.send(typed("tag_all"))
            terminal.send(typed("terminate"))
        terminal.wait_for("▶ Back")
        terminal.send(typed("reason"))
        terminal.wait_for("for the audit log")
        terminal.send("why not\ryes\ryy")
        terminal.wait_for("Reason      why not")
        terminal.wait_for("typed before this could be read")
        terminal.send(typed("clear"))
        terminal.wait_for(lambda seen: "▶ Back" not in seen.text)
        assert Path(f"/proc/{victim}").exists()
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_a_dialog_waits_for_no_reply_of_a_mute_terminal(server: Cluster) -> None:
    """On a terminal that never reports its cursor, keys work a while after the dialog is drawn."""
    with (
        psycopg.connect(server.socket_dsn, application_name="mute") as mute,
        _MuteTerminal([*_PGTOP, server.socket_dsn], columns=120) as terminal,
    ):
        terminal.wait_for(READY)
        terminal.send(typed("filter", "app:mute", "open"))
        terminal.wait_for("1 of ")
        terminal.send(typed("terminate"))
        terminal.wait_for("Terminate session")

        def press() -> bool:
            terminal.send(f"{mute.info.backend_pid}\r")
            time.sleep(0.6)
            return "gone after" in terminal.text

        until(press, "no key is taken")


class _MuteTerminal(Terminal):
    """A terminal that replies to no query."""

    def _answer(self, query: object) -> str:
        return ""


@pytest.mark.parametrize(
    ("keys", "last", "shown"),
    [
        ("/" + "a" * 5_000, "\x1b", "worst first"),
        ("/" + "a:" * 50_000, "\x1b", "worst first"),
        ("/" + "a" * 1_000_000, "\x1b", "worst first"),
        ("/\x1b[200~" + "b" * 1_000_000 + "\x1b[201~", "\x1b", "worst first"),
        ("Kr" + "why " * 50_000, "\x1b\x1b", "Terminate"),
        ("s" + "jk" * 50_000, "\x1b", "worst first"),
        ("jk" * 50_000, "?", "finds a key"),
        ("\x1b[A\x1b[B" * 20_000, "?", "finds a key"),
        ("/" + "\x1b[D" * 20_000, "\x1b", "worst first"),
        ("\0" * 100_000, "?", "finds a key"),
    ],
    ids=[
        "filter",
        "wrong filter",
        "long filter",
        "paste",
        "reason",
        "menu",
        "moves",
        "arrows",
        "in a field",
        "nul",
    ],
)
def test_after_any_flood_of_keys_the_next_key_works(
    keys: str, last: str, shown: str, server: Cluster
) -> None:
    """After a flood of letters, words, pastes or sequences the next key works; memory is
    bounded."""
    with Terminal([*_PGTOP, server.socket_dsn]) as terminal:
        terminal.wait_for(READY)
        terminal.send_all(keys)
        terminal.send(last)
        terminal.wait_for(shown, GONE)
        assert memory_kb(terminal.pid) < _MOST_KB
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_exit(GONE) == 143
        assert terminal.restored
