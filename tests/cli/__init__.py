"""pgtop from outside: a process with words, an exit code and two outputs."""

import subprocess
import sys
from collections.abc import Mapping
from os import environ
from typing import IO

from tests.waiting import PATIENCE

PGTOP = (sys.executable, "-m", "pgtop")


def pgtop(
    *words: str,
    environment: Mapping[str, str] | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run pgtop without a terminal to its end."""
    return subprocess.run(
        [*PGTOP, *words],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**environ, **(environment or {})},
        start_new_session=True,  # without a terminal to ask for a password on
        timeout=PATIENCE,
        encoding="utf-8",
        check=False,
    )


def one_sentence(stderr: str) -> str:
    """Return stderr, which must be one line of pgtop's and no traceback."""
    assert stderr.startswith("pgtop: ")
    assert stderr.endswith("\n")
    assert stderr.count("\n") == 1
    assert "Traceback" not in stderr
    return stderr
