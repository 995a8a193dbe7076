"""Tests that `test_harness` runs in a pytest of its own; never collected with the others."""

import os
import subprocess
import time
from pathlib import Path

from pgtop.demo.server import Cluster


def test_that_uses_a_server(cluster: Cluster) -> None:
    """Report the server, and go on until this process is ended."""
    Path(os.environ["HARNESS_REPORT"]).write_text(f"{cluster.pid} {cluster.folder}")
    time.sleep(100)


def test_that_starts_a_program() -> None:
    """Report what a child ignores and blocks, as hexadecimal masks."""
    status = subprocess.run(
        ["cat", "/proc/self/status"], capture_output=True, text=True, check=True
    ).stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    masks = {name: int(fields[name], 16) for name in ("SigIgn", "SigBlk")}
    assert masks == {"SigIgn": 0, "SigBlk": 0}
