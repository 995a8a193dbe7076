"""Clocks are set forward and back, on the server and on pgtop's machine, while pgtop looks on."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.clock import OFFSETS, preloaded
from tests.faults.fault_env import INTERVAL, SETTINGS, Ground, laid
from tests.faults.screen import Diary, Keyboard
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_jumps = pytest.mark.parametrize("offset", OFFSETS)


@pytest.fixture
def clock() -> Iterator[Path]:
    """The file that says how far a clock is from the true one; any user can read it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    (folder / "clock").write_text("+0")
    yield folder / "clock"
    shutil.rmtree(folder)


@pytest.fixture
def elsewhen(bindir: Path | None, clock: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A server with a clock of its own."""
    with Cluster(bindir, settings=SETTINGS) as running:
        running.stop()
        with monkeypatch.context() as patch:
            for name, value in preloaded(clock).items():
                patch.setenv(name, value)
            running.launch()
        with laid(running) as made:
            made.prepare()
            yield made


@pytest.mark.system
@_jumps
def test_the_server_s_clock_jumps(offset: str, elsewhen: Ground, clock: Path) -> None:
    """The picture stays live, keys are answered, and a session is still known for who it is: it can
    be ended.
    """
    _look_on(_PGTOP, elsewhen, lambda: clock.write_text(offset))


@_jumps
def test_our_own_clock_jumps(offset: str, ground: Ground, clock: Path) -> None:
    """The same for the clock of the machine that pgtop runs on."""
    _look_on(
        [sys.executable, "-m", "tests.faults.clock", str(clock)],
        ground,
        lambda: clock.write_text(offset),
    )


def _look_on(program: Sequence[str], ground: Ground, jump: Callable[[], object]) -> None:
    with ground.admin(user="app", dbname="postgres", application_name="victim") as victim:
        with Terminal([*program, ground.dsn, "--interval", str(INTERVAL)]) as terminal:
            terminal.wait_for("q quit")
            with Keyboard(terminal) as keyboard, Diary(terminal) as diary:
                keyboard.type_for(INTERVAL)
                jump()
                keyboard.type_for(4 * INTERVAL)
            terminal.send("\x15app:victim\r")
            terminal.wait_for("1 of ")
            terminal.send("K")
            terminal.wait_for_question("Terminate session")
            terminal.send("y")
            terminal.wait_for("gone after")
        until(
            lambda: not Path(f"/proc/{victim.info.backend_pid}").exists(), "it was told to be gone"
        )
    assert not keyboard.late
    assert not diary.was_stale
