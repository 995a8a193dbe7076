"""Day after day: nothing that pgtop holds grows, and no tick takes longer than the first ones did."""

import itertools
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.load.soaking import PARTS, Held
from tests.pty import Terminal

_KEYS = ("j", "k", ">", "2", "3", "1", "\r", "\x1b", "?", "\x1b", " ", "/app:9\r", "/\x15\r", "p", "p", "w", "i", "i")
"""A walk through every screen that changes with each picture."""


@dataclass(frozen=True)
class Course:
    """What the process held before and after: by `early` all that is remembered within bounds has reached them."""

    early: list[Held]
    late: list[Held]

    def grew(self, name: str, by: float = 0) -> bool:
        """It became more than it was, by more than `by`."""
        return _middle(self.late, name) - _middle(self.early, name) > by


def test_a_run_of_churn_holds_no_more_at_its_end(tmp_path: Path) -> None:
    """After warm-up memory is flat, and files, threads and tasks are as many as before."""
    _assert_flat(_course(1_500, tmp_path / "told"))


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_long_run_of_churn(tmp_path: Path) -> None:
    """In 20,000 ticks nothing grows, and a tick costs at the end what it did (so much CPU is no chance any more)."""
    course = _course(20_000, tmp_path / "told")
    _assert_flat(course)
    assert not course.grew("tick", by=_middle(course.early, "tick") / 2)


def _course(ticks: int, told: Path) -> Course:
    """The whole program, on so many ticks of churn, while somebody walks through its screens."""
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
    return Course(parts[4:7], parts[-3:])


def _assert_flat(course: Course) -> None:
    assert not course.grew("objects", by=2_000)
    assert not course.grew("rss_kb", by=2_048)
    assert not course.grew("descriptors")
    assert not course.grew("threads")
    assert not course.grew("tasks")


def _middle(parts: list[Held], name: str) -> float:
    return float(median(getattr(part, name) for part in parts))
