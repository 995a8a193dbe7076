"""Programs are bounded in bytes and time, and end with all that they have started."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from pgtop.terminal.program import MOST_BYTES, Program, ProgramEnd
from tests.waiting import PATIENCE, until


async def _run(code: str, seconds: float = PATIENCE) -> tuple[Program, bytes]:
    program = Program([sys.executable, "-c", code], seconds)
    output = bytearray()
    await program.run(output.extend)
    return program, bytes(output)


async def test_output_and_code_are_read() -> None:
    code = "import sys; print('out', sys.stdin.read()); sys.exit('err')"
    program, output = await _run(code)
    assert (program.end, program.code) == (ProgramEnd.EXITED, 1)
    assert output.split() == [b"out", b"err"]


async def test_an_endless_program_is_ended() -> None:
    program, output = await _run("while True: print('x' * 9999)")
    assert program.end is ProgramEnd.TOO_MUCH
    assert len(output) == MOST_BYTES
    program, _ = await _run("import time; time.sleep(1000)", 0.1)
    assert program.end is ProgramEnd.TOO_LONG


async def test_a_stopped_program_takes_its_children_along(tmp_path: Path) -> None:
    """Even if both ignore the request."""
    note = tmp_path / "pids"
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork() or os.getpid()
open({str(note)!r}, "a").write(f"{{os.getpid()}}\\n")
time.sleep(1000)
"""
    task = asyncio.create_task(_run(code))
    await asyncio.to_thread(
        until, lambda: note.exists() and len(note.read_text().split()) == 2
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pids = note.read_text().split()
    until(lambda: not any(map(_is_alive, pids)))


def _is_alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_a_daemon_that_keeps_the_output_open_delays_no_end(
    tmp_path: Path,
) -> None:
    """Even if the program that has started it ignores the request to end."""
    note = tmp_path / "pid"
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    open({str(note)!r}, "w").write(f"{{os.getpid()}}\\n")
time.sleep(1000)
"""
    task = asyncio.create_task(_run(code))
    await asyncio.to_thread(until, lambda: note.exists() and note.read_text())
    try:
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        assert done
    finally:
        os.kill(int(note.read_text()), signal.SIGKILL)
