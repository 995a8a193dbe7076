"""The start before Textual is loaded, in a real terminal: first frame, keys, signals, restored
terminal."""

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
from tests.keys import READY, hint, typed
from tests.processes.exit_checks import check_gone
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_CAN_BE_LEFT = f"{hint('quit')} quit"
"""In the footer while pgtop connects."""
_ENDS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
_BLOCKING = """
import os, sys
from importlib.machinery import PathFinder

class Blocker:
    def find_spec(self, name, path, target=None):
        if name == "textual":
            spec = PathFinder.find_spec(name, path)
            execute = spec.loader.exec_module
            def wait_and_execute(module):
                exec(os.read(os.open({gate!r}, os.O_RDONLY), 4096))
                execute(module)
            spec.loader.exec_module = wait_and_execute
            return spec

sys.meta_path.insert(0, Blocker())
"""
"""A Python in which the import of Textual waits for code from a pipe, and runs it first. Other
threads can import meanwhile: no finder waits, as a lock for all imports is held around each.
"""


class BlockedTextual:
    """Blocks the import of Textual until `release`."""

    def __init__(self, folder: Path) -> None:
        gate = folder / "gate"
        os.mkfifo(gate)
        self._gate = os.open(gate, os.O_RDWR)
        (folder / "sitecustomize.py").write_text(_BLOCKING.format(gate=str(gate)))
        self.environment = {"PYTHONPATH": f"{folder}:{Path.cwd()}"}

    def release(self, then: str = "pass") -> None:
        """Let the import go on, after this Python code."""
        os.write(self._gate, then.encode())

    def close(self) -> None:
        os.close(self._gate)


@pytest.fixture
def blocked_textual(tmp_path: Path) -> Iterator[BlockedTextual]:
    with closing(BlockedTextual(tmp_path)) as blocker:
        yield blocker


@contextmanager
def dashboard(
    server: Cluster,
    environment: Mapping[str, str] | None = None,
    *,
    ignore_hangup: bool = False,
    as_job: bool = False,
) -> Iterator[Terminal]:
    """Run the dashboard with one refresh a minute, so that its screen shows the first sample."""
    words = [*_PGTOP, server.socket_dsn, "--interval", "60"]
    own = {**(environment or {}), "XDG_STATE_HOME": str(server.data.parent)}
    with Terminal(
        words, environment=own, ignore_hangup=ignore_hangup, as_job=as_job
    ) as terminal:
        yield terminal


@contextmanager
def frozen(server: Cluster) -> Iterator[None]:
    """Freeze the server, so that it accepts no session and reports nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_the_first_frame_precedes_textual(
    server: Cluster, blocked_textual: BlockedTextual
) -> None:
    """Sessions are shown before Textual is loaded, keys typed then are kept, and nothing is painted
    twice."""
    with dashboard(server, blocked_textual.environment) as terminal:
        terminal.wait_for(READY)
        terminal.wait_for("1-1 of 1")
        painted = len(terminal.raw)
        terminal.send(typed("pause"))
        blocked_textual.release()
        terminal.wait_for("PAUSED")
        assert len(terminal.raw) - painted < 500
        assert b"?1049h" not in terminal.raw[painted:]
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    check_gone(server)


def test_another_size_meanwhile(
    server: Cluster, blocked_textual: BlockedTextual
) -> None:
    """A terminal that grew before Textual was loaded is painted whole."""
    with dashboard(server, blocked_textual.environment) as terminal:
        terminal.wait_for(READY)
        terminal.resize(100, 30)
        blocked_textual.release()
        terminal.wait_for(lambda seen: READY in seen.screen.display[29])
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize(("number", "code"), _ENDS)
def test_a_signal_before_textual(
    server: Cluster, blocked_textual: BlockedTextual, number: signal.Signals, code: int
) -> None:
    """A signal ends pgtop with its code, and the terminal is restored."""
    with dashboard(server, blocked_textual.environment) as terminal:
        terminal.wait_for(READY)
        os.kill(terminal.pid, number)
        blocked_textual.release()
        assert terminal.wait_for_exit() == code
        assert terminal.restored
    check_gone(server)


def test_a_bug_before_textual(server: Cluster, blocked_textual: BlockedTextual) -> None:
    """An error in the import of Textual is reported on the shell's own screen."""
    with dashboard(server, blocked_textual.environment) as terminal:
        terminal.wait_for(READY)
        blocked_textual.release("raise ZeroDivisionError")
        assert terminal.wait_for_exit() == 1
        assert terminal.restored
        assert "This is a bug in pgtop (ZeroDivisionError)" in terminal.text


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(lambda terminal: terminal.send(typed("quit")), 0, id="q"),
        pytest.param(lambda terminal: terminal.send("\x03"), 130, id="Ctrl-C"),
        pytest.param(
            lambda terminal: terminal.send(typed("terminate") + "\x03"),
            130,
            id="a key and Ctrl-C",
        ),
        *[
            pytest.param(
                lambda terminal, n=number: os.kill(terminal.pid, n),
                code,
                id=number.name,
            )
            for number, code in _ENDS
        ],
    ],
)
def test_leaving_a_server_that_does_not_answer(
    server: Cluster, end: Callable[[Terminal], None], code: int
) -> None:
    """While pgtop connects, a key or a signal ends it at once, without a trace on the terminal."""
    with frozen(server), dashboard(server) as terminal:
        terminal.wait_for("Connecting to ")
        terminal.wait_for(_CAN_BE_LEFT)
        end(terminal)
        assert terminal.wait_for_exit() == code
        assert terminal.restored
        assert terminal.raw.rpartition(b"\x1b[?1049l")[2] == b"\x1b[?25h"
    check_gone(server)


def test_other_prompts_work_while_connecting(server: Cluster) -> None:
    """OpenSSL may prompt for a key's passphrase: Enter ends a line, and Ctrl-C is a signal."""
    with frozen(server), dashboard(server) as terminal:
        terminal.wait_for("Connecting to ")
        _, _, _, local, *_ = terminal.modes_now
        assert not local & (termios.ECHO | termios.ICANON)
        assert local & termios.ISIG
        assert terminal.modes_now[0] & termios.ICRNL
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_suspended_while_connecting(server: Cluster) -> None:
    """Ctrl-Z restores the terminal; after fg pgtop shows what it waits for, and keys work."""
    with frozen(server), dashboard(server, as_job=True) as terminal:
        terminal.wait_for("Connecting to ")
        for _ in range(2):
            terminal.send("\x1a")
            until(lambda: _is_stopped(terminal.job), "it is not frozen")
            terminal.wait_for(lambda seen: seen.restored)
            os.kill(terminal.job, signal.SIGCONT)
            terminal.wait_for(
                lambda seen: seen.modes.get("1049") and "Connecting to " in seen.text
            )
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def test_without_a_shell_nothing_is_suspended(server: Cluster) -> None:
    """Under `ssh -t host pgtop` Ctrl-Z stops nothing, before or after the first frame."""
    with dashboard(server) as terminal:
        with frozen(server):
            terminal.wait_for("Connecting to ")
            terminal.send("\x1a")
            terminal.wait_for("… 2s")
        terminal.wait_for("1-1 of 1")
        terminal.send(typed("suspend"))
        terminal.wait_for("there is no shell to go back to")
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_bug_while_connecting(server: Cluster, tmp_path: Path) -> None:
    """A bug ends pgtop with a message instead of an empty screen."""
    (tmp_path / "sitecustomize.py").write_text(
        "import pgtop.tui.first_frames\npgtop.tui.first_frames.waiting = lambda *_: [][7]"
    )
    with (
        frozen(server),
        dashboard(server, {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}) as terminal,
    ):
        assert terminal.wait_for_exit() == 1
        assert terminal.restored
        assert "This is a bug in pgtop (IndexError)" in terminal.text


def test_textuals_own_driver_has_no_opening(server: Cluster) -> None:
    """With --plain-driver the shell's own screen shows that pgtop is connecting."""
    with (
        frozen(server),
        Terminal([*_PGTOP, server.socket_dsn, "--plain-driver"]) as terminal,
    ):
        terminal.wait_for("pgtop: Connecting …")
        terminal.send("\x03")
        assert terminal.wait_for_exit() == 130


def test_in_a_locale_without_utf_8(
    server: Cluster, blocked_textual: BlockedTextual
) -> None:
    """The first frame is ASCII, like all that follow."""
    environment = {
        **blocked_textual.environment,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    with dashboard(server, environment) as terminal:
        terminal.wait_for(READY)
        assert terminal.raw.isascii()
        blocked_textual.release()
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_a_failure_is_shown_until_the_next_try_works(server: Cluster) -> None:
    """With --wait the reason, the tries and the key for the next one are on the screen."""
    with Proxy(("127.0.0.1", server.port)) as proxy:
        proxy.stall()
        words = server.tcp_dsn.replace(f"port={server.port}", f"port={proxy.port}")
        with Terminal([*_PGTOP, "--wait", words]) as terminal:
            terminal.wait_for("Connecting to ")
            proxy.cut()
            terminal.wait_for("2 tries, the last ")
            assert terminal.modes["1049"]
            assert "r try now" in terminal.text
            proxy.repair()
            terminal.wait_for("1-1 of 1")
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0


def test_the_terminal_is_queried_only_once_its_reply_is_read(
    server: Cluster, blocked_textual: BlockedTextual
) -> None:
    """The cursor is queried only once Textual reads the reply, so that none is left to the
    shell."""
    environment = {**blocked_textual.environment, "TERM": "screen-256color"}
    with Terminal(
        [*_PGTOP, server.socket_dsn, "--theme", "dark"],
        columns=200,
        lines=50,
        environment=environment,
    ) as terminal:
        terminal.wait_for(READY)
        assert len(terminal.raw) > 4096
        assert b"\x1b[6n" not in terminal.raw
        blocked_textual.release()
        terminal.wait_for(lambda seen: seen.modes.get("2004"))
        terminal.send(typed("help"))
        terminal.wait_for("finds a key")
        terminal.wait_for(lambda seen: b"\x1b[6n" in seen.raw)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("options", [[], ["--ascii"]], ids=["own", "textual"])
def test_the_colours_change_once_the_background_is_reported(
    server: Cluster, blocked_textual: BlockedTextual, options: list[str]
) -> None:
    """The first frame waits for no answer, and no part of the answer is a key."""
    white = ("0000/0000/0000", "ffff/ffff/ffff")
    with Terminal(
        [*_PGTOP, server.socket_dsn, "--interval", "60", *options],
        environment=blocked_textual.environment,
        colours=white,
    ) as terminal:
        terminal.wait_for(READY)
        assert not _lines_in(terminal, "brightblack")
        blocked_textual.release()
        terminal.wait_for(lambda seen: {0, 23} <= _lines_in(seen, "brightblack"))
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def _lines_in(terminal: Terminal, colour: str) -> set[int]:
    """Return the lines of the screen with a text in that colour."""
    lines = terminal.screen.buffer.items()
    return {y for y, line in lines if any(cell.fg == colour for cell in line.values())}


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
def test_a_dropped_line_ends_the_connecting(server: Cluster, ignored: bool) -> None:
    """A terminal that goes away while pgtop connects ends it, even if SIGHUP is ignored."""
    with frozen(server), dashboard(server, ignore_hangup=ignored) as terminal:
        terminal.wait_for("Connecting to ")
        terminal.wait_for(_CAN_BE_LEFT)
        terminal.hang_up()
        assert terminal.wait_for_exit() == 129
    check_gone(server)


def test_keys_before_the_first_frame_do_nothing(server: Cluster) -> None:
    """Keys typed before any session is shown are dropped; later ones are kept."""
    with dashboard(server) as terminal:
        with frozen(server):
            terminal.wait_for("Connecting to ")
            terminal.send(typed("help", "terminate", "confirm"))
            terminal.wait_for("… 1s")
            terminal.wait_for("… 2s")
        terminal.wait_for("1-1 of 1")
        terminal.send(typed("pause"))
        terminal.wait_for("PAUSED")
        assert "Terminate" not in terminal.text
        assert "finds a key" not in terminal.text
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_keys_before_pgtop_starts_do_nothing(server: Cluster) -> None:
    """Early keys are dropped on a fast server, too, where nothing precedes the first frame."""
    with dashboard(server) as terminal:
        terminal.send(typed("show_breakdown", "terminate", "help"))
        terminal.wait_for("1-1 of 1")
        terminal.send(typed("pause"))
        terminal.wait_for("PAUSED")
        assert "worst first" in terminal.text
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_the_password_prompt_is_on_the_shells_own_screen(server: Cluster) -> None:
    """For a late password prompt the terminal is restored, and taken again afterwards."""
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
            terminal.wait_for("1-1 of 1")
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0
            assert terminal.restored
            assert server.password not in terminal.raw.decode()
