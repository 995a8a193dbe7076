"""The time before Textual is there, in a real terminal: a picture, keys, signals, and the terminal
given back.
"""

import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.proxy import Proxy
from tests.processes.exit_checks import check_gone
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_READY = "q quit"
_ENDS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
_HOLDING = """
import os, sys

class Holding:
    def find_spec(self, name, path, target=None):
        if name == "textual":
            exec(os.read(os.open({gate!r}, os.O_RDONLY), 4096))

sys.meta_path.insert(0, Holding())
"""
"""A Python in which the import of Textual waits for words from a pipe, and carries them out
first.
"""


class Held:
    """Textual is held back until `let_go`."""

    def __init__(self, folder: Path) -> None:
        gate = folder / "gate"
        os.mkfifo(gate)
        self._gate = os.open(gate, os.O_RDWR)
        (folder / "sitecustomize.py").write_text(_HOLDING.format(gate=str(gate)))
        self.environment = {"PYTHONPATH": f"{folder}:{Path.cwd()}"}

    def let_go(self, then: str = "pass") -> None:
        """Let it be imported, after these words of Python."""
        os.write(self._gate, then.encode())

    def close(self) -> None:
        os.close(self._gate)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with closing(Held(tmp_path)) as held:
        yield held


@contextmanager
def opened(
    server: Cluster,
    environment: Mapping[str, str] | None = None,
    *,
    ignore_hangup: bool = False,
    as_job: bool = False,
) -> Iterator[Terminal]:
    """The dashboard, which refreshes by itself once in a minute: what is seen was there from the
    start.
    """
    words = [*_PGTOP, server.socket_dsn, "--interval", "60"]
    own = {**(environment or {}), "XDG_STATE_HOME": str(server.data.parent)}
    with Terminal(words, environment=own, ignore_hangup=ignore_hangup, as_job=as_job) as terminal:
        yield terminal


@contextmanager
def stopped(server: Cluster) -> Iterator[None]:
    """The server lets nobody in, and says so to nobody."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_the_picture_is_there_before_textual(server: Cluster, held: Held) -> None:
    """Sessions are seen while Textual is not, a key typed then is not lost, and nothing is painted
    a second time.
    """
    with opened(server, held.environment) as terminal:
        terminal.wait_for(_READY)
        terminal.wait_for("1 session")
        painted = len(terminal.raw)
        terminal.send("p")
        held.let_go()
        terminal.wait_for("PAUSED")
        assert len(terminal.raw) - painted < 500
        assert b"?1049h" not in terminal.raw[painted:]
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    check_gone(server)


def test_another_size_meanwhile(server: Cluster, held: Held) -> None:
    """A terminal that has become larger before Textual came is painted whole."""
    with opened(server, held.environment) as terminal:
        terminal.wait_for(_READY)
        terminal.resize(100, 30)
        held.let_go()
        terminal.wait_for(lambda seen: _READY in seen.screen.display[29])
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize(("number", "code"), _ENDS)
def test_a_signal_before_textual(
    server: Cluster, held: Held, number: signal.Signals, code: int
) -> None:
    """It ends pgtop with its code, and gives the terminal back."""
    with opened(server, held.environment) as terminal:
        terminal.wait_for(_READY)
        os.kill(terminal.pid, number)
        held.let_go()
        assert terminal.wait_for_exit() == code
        assert terminal.restored
    check_gone(server)


def test_a_bug_before_textual(server: Cluster, held: Held) -> None:
    """What goes wrong while Textual is imported is told in the shell's own screen."""
    with opened(server, held.environment) as terminal:
        terminal.wait_for(_READY)
        held.let_go("raise ZeroDivisionError")
        assert terminal.wait_for_exit() == 1
        assert terminal.restored
        assert "This is a bug in pgtop (ZeroDivisionError)" in terminal.text


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(lambda terminal: terminal.send("q"), 0, id="q"),
        pytest.param(lambda terminal: terminal.send("\x03"), 130, id="Ctrl-C"),
        pytest.param(lambda terminal: terminal.send("K\x03"), 130, id="a key and Ctrl-C"),
        *[
            pytest.param(lambda terminal, n=number: os.kill(terminal.pid, n), code, id=number.name)
            for number, code in _ENDS
        ],
    ],
)
def test_leaving_a_server_that_does_not_answer(
    server: Cluster, end: Callable[[Terminal], None], code: int
) -> None:
    """While pgtop connects it says so, and a key or a signal ends it at once, without a trace on
    the terminal.
    """
    with stopped(server), opened(server) as terminal:
        terminal.wait_for("Connecting to ")
        terminal.wait_for(_READY)
        end(terminal)
        assert terminal.wait_for_exit() == code
        assert terminal.restored
        assert terminal.raw.rpartition(b"\x1b[?1049l")[2] == b"\x1b[?25h"
    check_gone(server)


def test_others_can_still_ask_while_the_server_is_waited_for(server: Cluster) -> None:
    """OpenSSL asks on the terminal for the password of a key: Enter ends a line, and Ctrl-C is a
    signal.
    """
    with stopped(server), opened(server) as terminal:
        terminal.wait_for("Connecting to ")
        _, _, _, local, *_ = terminal.modes_now
        assert not local & (termios.ECHO | termios.ICANON)
        assert local & termios.ISIG
        assert terminal.modes_now[0] & termios.ICRNL
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def test_suspended_while_the_server_is_waited_for(server: Cluster) -> None:
    """Ctrl-Z gives the terminal back; when pgtop goes on, it says again what it waits for, and keys
    work.
    """
    with stopped(server), opened(server, as_job=True) as terminal:
        terminal.wait_for("Connecting to ")
        for _ in range(2):
            terminal.send("\x1a")
            until(lambda: _is_stopped(terminal.job), "it is not stopped")
            terminal.wait_for(lambda seen: seen.restored)
            os.kill(terminal.job, signal.SIGCONT)
            terminal.wait_for(lambda seen: seen.modes.get("1049") and "Connecting to " in seen.text)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def test_without_a_shell_nothing_is_suspended(server: Cluster) -> None:
    """Ctrl-Z under `ssh -t host pgtop` stops nothing: before there is anything to see, and after,
    when it says so.
    """
    with opened(server) as terminal:
        with stopped(server):
            terminal.wait_for("Connecting to ")
            terminal.send("\x1a")
            terminal.wait_for("… 2s")
        terminal.wait_for("1 session")
        terminal.send("\x1a")
        terminal.wait_for("there is no shell to go back to")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_bug_while_the_server_is_waited_for(server: Cluster, tmp_path: Path) -> None:
    """It ends pgtop and is told; nobody is left with an empty screen."""
    (tmp_path / "sitecustomize.py").write_text(
        "import pgtop.tui.first_frames\npgtop.tui.first_frames.waiting = lambda *given: [][7]"
    )
    with stopped(server), opened(server, {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}) as terminal:
        assert terminal.wait_for_exit() == 1
        assert terminal.restored
        assert "This is a bug in pgtop (IndexError)" in terminal.text


def test_textuals_own_driver_has_no_opening(server: Cluster) -> None:
    """With --plain-driver the shell is told that the server is waited for."""
    with (
        stopped(server),
        Terminal([*_PGTOP, server.socket_dsn, "--plain-driver"]) as terminal,
    ):
        terminal.wait_for("pgtop: Connecting …")
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 130


def test_in_a_locale_without_utf_8(server: Cluster, held: Held) -> None:
    """The first picture is in ASCII there, as all that follow."""
    environment = {**held.environment, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with opened(server, environment) as terminal:
        terminal.wait_for(_READY)
        assert terminal.raw.isascii()
        held.let_go()
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def test_a_failure_is_told_where_it_stays(server: Cluster) -> None:
    """With --wait the reason stands in the shell, and the screen is taken when there is something
    to see.
    """
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.stall()
        words = server.tcp_dsn.replace(f"port={server.port}", f"port={proxy.port}")
        with Terminal([*_PGTOP, "--wait", words]) as terminal:
            terminal.wait_for("Connecting to ")
            proxy.cut()
            terminal.wait_for("Trying again until it works")
            assert not terminal.modes["1049"]
            proxy.repair()
            terminal.wait_for("1 session")
            terminal.send("q")
            assert terminal.wait_for_exit() == 0


def test_nobody_is_asked_before_somebody_reads_the_answers(server: Cluster, held: Held) -> None:
    """The terminal is asked for its cursor only once Textual reads what it says: no answer is left
    to the shell.
    """
    environment = {**held.environment, "TERM": "screen-256color"}
    with Terminal(
        [*_PGTOP, server.socket_dsn, "--theme", "dark"],
        columns=200,
        lines=50,
        environment=environment,
    ) as terminal:
        terminal.wait_for(_READY)
        assert len(terminal.raw) > 4096
        assert b"\x1b[6n" not in terminal.raw
        held.let_go()
        terminal.wait_for(lambda seen: seen.modes.get("2004"))
        terminal.send("?")
        terminal.wait_for("cursor down")
        terminal.wait_for(lambda seen: b"\x1b[6n" in seen.raw)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("ignored", [False, True], ids=["heard", "ignored"])
def test_a_dropped_line_ends_the_waiting(server: Cluster, ignored: bool) -> None:
    """A terminal that goes away while the server is waited for ends pgtop, even if SIGHUP is
    ignored.
    """
    with stopped(server), opened(server, ignore_hangup=ignored) as terminal:
        terminal.wait_for("Connecting to ")
        terminal.wait_for(_READY)
        terminal.hang_up()
        assert terminal.wait_for_exit() == 129
    check_gone(server)


def test_what_is_typed_before_there_is_anything_to_see_does_nothing(server: Cluster) -> None:
    """Keys for sessions that nobody has seen are dropped; those that come after the picture are
    not.
    """
    with opened(server) as terminal:
        with stopped(server):
            terminal.wait_for("Connecting to ")
            terminal.send("?Ky")
            terminal.wait_for("… 1s")
            terminal.wait_for("… 2s")
        terminal.wait_for("1 session")
        terminal.send("p")
        terminal.wait_for("PAUSED")
        assert "Terminate" not in terminal.text
        assert "cursor down" not in terminal.text
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def test_what_is_typed_before_pgtop_has_begun_does_nothing(server: Cluster) -> None:
    """So it is on a server at hand, too, where nothing is shown before the first picture."""
    with opened(server) as terminal:
        terminal.send("2K?")
        terminal.wait_for("1 session")
        terminal.send("p")
        terminal.wait_for("PAUSED")
        assert "by what hurts first" in terminal.text
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def test_the_password_is_asked_for_in_the_shells_own_screen(server: Cluster) -> None:
    """Where the server asks for it late, the terminal is given back for the question and taken
    again.
    """
    words = server.tcp_dsn.replace(f"password={server.password} ", "")
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.delay = 0.2
        with Terminal(
            [*_PGTOP, words.replace(f"port={server.port}", f"port={proxy.port}")]
        ) as terminal:
            terminal.wait_for("Connecting to ")
            terminal.wait_for("Password: ")
            assert not terminal.modes.get("1049")
            terminal.send(f"{server.password}\n")
            terminal.wait_for("Connecting to ")
            terminal.wait_for("1 session")
            terminal.send("q")
            assert terminal.wait_for_exit() == 0
            assert terminal.restored
            assert server.password not in terminal.raw.decode()
