"""The disk of the audit log is full while a session is being terminated."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pgtop.signalling.audit_log import FILE_NAME
from pgtop.signalling.audit_reader import read
from tests.faults.fault_env import Connection, FaultEnv
from tests.keys import typed
from tests.kill_helpers import open_kill_dialog
from tests.pty import Terminal
from tests.waiting import until

_ROOM = 100  # bytes, less than a line of the audit log


@pytest.mark.parametrize("required", [False, True], ids=["reported", "required"])
def test_the_disk_is_full(required: bool, fault_env: FaultEnv, tmp_path: Path) -> None:
    """The failure is reported, --require-audit sends nothing, and the truncated line spoils no
    later one."""
    with fault_env.admin(
        user="app", dbname="postgres", application_name="victim"
    ) as victim:
        _kill(
            fault_env,
            tmp_path,
            ["--require-audit"] if required else [],
            is_full=True,
            is_sent=not required,
        )
        assert _is_alive(victim) is required
    with fault_env.admin(
        user="app", dbname="postgres", application_name="victim"
    ) as victim:
        _kill(fault_env, tmp_path)
        until(lambda: not _is_alive(victim), "it was not ended")
        [record] = read(tmp_path / "pgtop" / FILE_NAME).records
        assert record.as_dict()["pid"] == victim.info.backend_pid
        assert record.outcome is not None


def _kill(
    fault_env: FaultEnv,
    state: Path,
    options: Sequence[str] = (),
    *,
    is_full: bool = False,
    is_sent: bool = True,
) -> None:
    limit = ["prlimit", f"--fsize={_ROOM}"] if is_full else []
    command = [*limit, sys.executable, "-m", "pgtop", fault_env.dsn, *options]
    with Terminal(
        command, columns=160, environment={"XDG_STATE_HOME": str(state)}
    ) as terminal:
        open_kill_dialog("victim", terminal)
        terminal.send(typed("confirm"))
        for words in (["could not be"] if is_full else []) + (
            ["gone after"] if is_sent else []
        ):
            terminal.wait_for(words)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def _is_alive(victim: Connection) -> bool:
    return os.path.exists(f"/proc/{victim.info.backend_pid}")
