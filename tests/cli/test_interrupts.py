"""Ctrl-C ends a prompt, however close to its start the signal comes."""

import signal
import subprocess
import sys

_BLOCKED = """
import _thread, signal, sys, threading
from pathlib import Path
from pgtop.cli import interrupts

def interrupt_once_blocked():
    state = Path("/proc/self/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "S":
        pass
    _thread.interrupt_main(signal.SIGINT)  # sets the flag alone: the read goes on

threading.Thread(target=interrupt_once_blocked).start()
with interrupts.unwinding():
    sys.stdin.readline()
"""
_BEFORE = """
import os, signal, sys
from pgtop.cli import interrupts

async def prompt():
    os.kill(os.getpid(), signal.SIGINT)
    with interrupts.unwinding():
        sys.stdin.readline()

interrupts.guard()
interrupts.run(prompt())
"""


def test_a_signal_that_comes_just_before_the_read_ends_the_prompt() -> None:
    """A signal without EINTR does not wait until the user types."""
    assert _exit_code(_BLOCKED) == 128 + signal.SIGINT


def test_a_signal_that_the_event_loop_has_received_ends_the_prompt() -> None:
    """Ctrl-C before the prompt, while the loop is busy, is not lost."""
    assert _exit_code(_BEFORE) == 128 + signal.SIGINT


def _exit_code(program: str) -> int:
    """Run a program that reads from a pipe without data, and return its exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE
    ) as child:
        return child.wait(30)
