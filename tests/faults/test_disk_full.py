"""The audit trail's disk is full while a session is being ended."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pgtop.signalling.audit_log import FILE_NAME, read
from tests.faults.fault_env import Connection, Ground
from tests.kill_helpers import ask_for_the_end_of
from tests.pty import Terminal
from tests.waiting import until

_ROOM = 100  # bytes, less than a line of the trail


@pytest.mark.parametrize("required", [False, True], ids=["told", "required"])
def test_the_disk_is_full(required: bool, ground: Ground, tmp_path: Path) -> None:
    """It is told, and with --require-audit nothing is sent; the half line that was written spoils
    no later one.
    """
    with ground.admin(user="app", dbname="postgres", application_name="victim") as victim:
        _kill(
            ground, tmp_path, ["--require-audit"] if required else [], full=True, sent=not required
        )
        assert _lives(victim) is required
    with ground.admin(user="app", dbname="postgres", application_name="victim") as victim:
        _kill(ground, tmp_path)
        until(lambda: not _lives(victim), "it was not ended")
        [record] = read(tmp_path / "pgtop" / FILE_NAME).records
        assert record.as_dict()["pid"] == victim.info.backend_pid
        assert record.ended is not None


def _kill(
    ground: Ground,
    state: Path,
    options: Sequence[str] = (),
    *,
    full: bool = False,
    sent: bool = True,
) -> None:
    limit = ["prlimit", f"--fsize={_ROOM}"] if full else []
    command = [*limit, sys.executable, "-m", "pgtop", ground.dsn, *options]
    with Terminal(command, columns=160, environment={"XDG_STATE_HOME": str(state)}) as terminal:
        ask_for_the_end_of("victim", terminal)
        terminal.send("y")
        for words in (["could not be"] if full else []) + (["gone after"] if sent else []):
            terminal.wait_for(words)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0


def _lives(victim: Connection) -> bool:
    return os.path.exists(f"/proc/{victim.info.backend_pid}")
