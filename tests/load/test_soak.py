"""Day after day: nothing that pgtop holds grows, and no tick takes longer than the first ones did."""

import itertools
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import pytest

from tests.load.soaking import PARTS, Held
from tests.pty import Terminal

_KEYS = ("j", "k", ">", "2", "3", "1", "\r", "\x1b", "?", "\x1b", " ", "/app:9\r", "/\x15\r", "p", "p", "w", "i", "i")
"""A walk through every screen that changes with each picture."""


@pytest.mark.parametrize("ticks", [1_500, pytest.param(20_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_a_long_run_of_churn(ticks: int, tmp_path: Path) -> None:
    """After warm-up memory is flat, a tick costs what it did, and files, threads and tasks are as many as before."""
    told = tmp_path / "told"
    with Terminal([sys.executable, "-m", "tests.load.soaking", str(ticks), "200", str(told)]) as terminal:
        terminal.wait_for("q quit")
        for key in itertools.cycle(_KEYS):
            if terminal.child.poll() is not None:
                break
            with suppress(OSError):  # it may have left meanwhile
                terminal.send(key)
            time.sleep(0.1)
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    parts = [Held(**part) for part in json.loads(told.read_text())]
    assert len(parts) == PARTS
    early, late = parts[4:7], parts[-3:]  # by then what is remembered within bounds has reached them
    assert _middle(late, "rss_kb") < _middle(early, "rss_kb") * 1.03 + 1024
    assert _middle(late, "objects") < _middle(early, "objects") * 1.1
    assert _middle(late, "tick") < _middle(early, "tick") * 1.5
    for kind, allowance in {"descriptors": 0, "threads": 0, "tasks": 12}.items():  # a page that is open has tasks
        assert _middle(late, kind) <= _middle(early, kind) + allowance, kind


def _middle(parts: list[Held], name: str) -> float:
    return float(median(getattr(part, name) for part in parts))
