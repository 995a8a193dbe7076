"""Clocks jump forward and back, on the server and on pgtop's machine, while pgtop runs."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.clock import OFFSETS, preloaded
from tests.faults.fault_env import INTERVAL, SETTINGS, FaultEnv, behind_proxy
from tests.faults.screen import Keyboard, StaleLog
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_jumps = pytest.mark.parametrize("offset", OFFSETS)


@pytest.fixture
def clock() -> Iterator[Path]:
    """Create the file with a clock's offset, which any user can read."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    (folder / "clock").write_text("+0")
    yield folder / "clock"
    shutil.rmtree(folder)


@pytest.fixture
def shifted_env(
    bindir: Path | None, clock: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultEnv]:
    """Start a server with a clock of its own."""
    with Cluster(bindir, settings=SETTINGS) as running:
        running.stop()
        with monkeypatch.context() as patch:
            for name, value in preloaded(clock).items():
                patch.setenv(name, value)
            running.launch()
        with behind_proxy(running) as env:
            env.prepare()
            yield env


@pytest.mark.system
@_jumps
def test_the_server_s_clock_jumps(
    offset: str, shifted_env: FaultEnv, clock: Path
) -> None:
    """The screen stays live, keys work, and a session keeps its identity: it can be terminated."""
    _check_undisturbed(_PGTOP, shifted_env, lambda: clock.write_text(offset))


@_jumps
def test_our_own_clock_jumps(offset: str, fault_env: FaultEnv, clock: Path) -> None:
    """A jump of the clock on pgtop's own machine does as little."""
    _check_undisturbed(
        [sys.executable, "-m", "tests.faults.clock", str(clock)],
        fault_env,
        lambda: clock.write_text(offset),
    )


def _check_undisturbed(
    program: Sequence[str], fault_env: FaultEnv, jump: Callable[[], object]
) -> None:
    with fault_env.admin(
        user="app", dbname="postgres", application_name="victim"
    ) as victim:
        with Terminal(
            [*program, fault_env.dsn, "--interval", str(INTERVAL)]
        ) as terminal:
            terminal.wait_for(READY)
            with Keyboard(terminal) as keyboard, StaleLog(terminal) as stale_log:
                keyboard.type_for(INTERVAL)
                jump()
                keyboard.type_for(4 * INTERVAL)
            terminal.send("\x15app:victim\r")
            terminal.wait_for("1 of ")
            terminal.send(typed("terminate"))
            terminal.wait_for_question("Terminate session")
            terminal.send(typed("confirm"))
            terminal.wait_for("gone after")
        until(
            lambda: not Path(f"/proc/{victim.info.backend_pid}").exists(),
            "it was reported as gone",
        )
    assert not keyboard.late
    assert not stale_log.was_stale
