"""However pgtop ends or is suspended, it leaves soon, with its session, and restores the
terminal."""

import os
import re
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.processes.exit_checks import GONE, check_gone, cpu_seconds
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_JOB = re.compile(rb"=(\d+)=")


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([signal.SIGTERM], 143),
        ([signal.SIGINT], 130),
        ([signal.SIGHUP], 129),
        ([signal.SIGINT, signal.SIGINT], 130),
        ([signal.SIGTERM, signal.SIGTERM], 143),
    ],
    ids=lambda value: (
        "-".join(number.name for number in value) if isinstance(value, list) else ""
    ),
)
@pytest.mark.parametrize("stalled", [False, True], ids=["read", "stalled"])
def test_a_signal_ends_it(
    numbers: list[signal.Signals], code: int, stalled: bool, server: Cluster
) -> None:
    """A signal ends pgtop within 2 s with its code, even if nothing reads the output; the
    session 2 s later."""
    with Terminal([*_PGTOP, server.socket_dsn, "--interval", "0.2"]) as terminal:
        terminal.wait_for(READY)
        if stalled:
            terminal.stall()
        for number in numbers:
            os.kill(terminal.pid, number)
        assert terminal.wait_for_exit(GONE) == code
        terminal.resume()
        terminal.wait_for(lambda seen: seen.restored)
    check_gone(server)


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
def test_a_dropped_line_ends_it(ignored: bool, server: Cluster) -> None:
    """A lost terminal ends pgtop within 2 s, even if SIGHUP is ignored, at almost no CPU."""
    with Terminal([*_PGTOP, server.socket_dsn], ignore_hangup=ignored) as terminal:
        terminal.wait_for(READY)
        before = cpu_seconds(terminal.pid)
        terminal.hang_up()
        status, usage = _reap(terminal.pid)
        terminal.child.returncode = os.waitstatus_to_exitcode(status)
        assert terminal.child.returncode == 129
        assert usage.ru_utime + usage.ru_stime - before < 0.5
    check_gone(server)


def _reap(pid: int) -> tuple[int, resource.struct_rusage]:
    """Return the status of the process, and what it used in all."""
    ended: list[tuple[int, int, resource.struct_rusage]] = []

    def gone() -> int:
        ended.append(os.wait4(pid, os.WNOHANG))
        return ended[-1][0]

    until(gone, "the process is still there", GONE)
    return ended[-1][1:]


def test_ctrl_z_and_fg_in_a_shell(server: Cluster) -> None:
    """The shell gets its terminal back with echo and its own screen, pgtop rests, and fg redraws
    it."""
    with Terminal(
        ["bash", "--norc", "--noprofile", "-i"], environment={"PS1": "prompt> "}
    ) as terminal:
        terminal.wait_for("prompt>")
        terminal.send(f"{' '.join(_PGTOP)} '{server.socket_dsn}'\n")
        terminal.wait_for(READY)
        terminal.send(typed("suspend"))
        terminal.wait_for("Stopped")
        terminal.send("echo =$(jobs -p)=\n")
        terminal.wait_for(lambda seen: _JOB.search(seen.raw))
        [pid] = map(int, _JOB.findall(terminal.raw))
        before = cpu_seconds(pid)
        time.sleep(0.5)  # a while in which nothing may happen
        assert cpu_seconds(pid) == before
        terminal.send("fg\n")
        terminal.wait_for(
            lambda seen: READY in seen.screen.display[-1] and "Stopped" not in seen.text
        )
        terminal.send(typed("quit"))
        terminal.wait_for(lambda seen: seen.raw.endswith(b"prompt> "))
    check_gone(server)


def test_the_pager_has_the_terminal_until_it_is_left(
    server: Cluster, tmp_path: Path
) -> None:
    """The pager gets the table, its keys and Ctrl-C; then pgtop draws and takes keys again. A
    signal that ends pgtop ends the pager, too.
    """
    pager = tmp_path / "pager"
    pager.write_text(_PAGER)
    pager.chmod(0o755)
    environment = {**os.environ, "PAGER": f"{pager} {tmp_path}/table"}
    with Terminal([*_PGTOP, server.socket_dsn], environment=environment) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("export"))
        terminal.wait_for("read it in the pager")
        terminal.send(typed("open"))
        terminal.wait_for("leave with a line")
        terminal.wait_for(lambda seen: seen.restored)
        assert "pgtop" in (tmp_path / "table").read_text()
        terminal.send("\x03")
        terminal.wait_for("interrupted")
        terminal.send("done\n")
        terminal.wait_for(
            lambda seen: READY in seen.screen.display[-1] and "leave" not in seen.text
        )
        terminal.send(typed("export"))
        terminal.wait_for("read it in the pager")
        terminal.send(typed("open"))
        terminal.wait_for("leave with a line")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait_for_exit() == 143
        terminal.wait_for(lambda seen: seen.restored)
    check_gone(server)


_PAGER = """#!/bin/sh
cat > "$1"
trap 'echo interrupted' INT
echo leave with a line
until read line; do :; done < /dev/tty
"""


def test_started_in_the_background_it_waits_for_the_foreground(server: Cluster) -> None:
    """The terminal's modes are saved in the foreground, not while the shell edits its own line."""
    shell = [sys.executable, "-c", _LINE_EDITOR, *_PGTOP, server.socket_dsn]
    with Terminal(shell) as terminal:
        terminal.wait_for("edits its line")
        terminal.wait_for("stopped")
        terminal.send("f")
        terminal.wait_for("1-1 of 1")
        terminal.send(typed("quit"))
        terminal.wait_for("ended with 0")
        assert terminal.restored
    check_gone(server)


_LINE_EDITOR = """
import os, signal, subprocess, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
print("edits its line", end="\\r\\n", flush=True)
job = subprocess.Popen(sys.argv[1:], process_group=0)
assert os.WIFSTOPPED(os.waitpid(job.pid, os.WUNTRACED)[1])
print("stopped", end="\\r\\n", flush=True)
os.read(0, 1)
termios.tcsetattr(0, termios.TCSANOW, before)
os.tcsetpgrp(0, job.pid)
os.killpg(job.pid, signal.SIGCONT)
code = job.wait()
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, os.getpgrp())
print("ended with", code, flush=True)
os.read(0, 1)
"""
"""A shell with raw modes of its own while its job is in the background."""
