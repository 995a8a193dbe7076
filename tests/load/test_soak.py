"""Day after day nothing that pgtop holds grows, and no tick takes longer than the first ones."""

import itertools
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select
from statistics import median

import pytest

from tests.keys import READY
from tests.load.soaking import PARTS, WALKED, Footprint
from tests.pty import Terminal
from tests.waiting import PATIENCE

_KEYS = (
    "j", "k", ">", "2", "3", "4", "5", "1", "j", "\r", "\x1b", "?", "\x1b", " ",
    "/app:9\r", "/\x15\r", "pp", "ww", "i", "i", "i", "<",
)  # fmt: skip
"""A walk through every screen that changes with each sample; it ends as it began.

A step down before Enter leaves the alarm, so Enter opens a session. The pause is ended at once, as
no ticks request keys during it.
"""


@dataclass(frozen=True)
class Course:
    """Footprints early and late in a run; all bounded memory is full by `early`."""

    early: list[Footprint]
    late: list[Footprint]

    def grew(self, name: str, by: float = 0) -> bool:
        """Return whether the median rose by more than `by`."""
        return _middle(self.late, name) - _middle(self.early, name) > by


def test_a_run_of_churn_holds_no_more_at_its_end(tmp_path: Path) -> None:
    """After warm-up memory is flat, and files, threads and tasks are as many as before."""
    _assert_flat(_course(1_000, tmp_path))


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_long_run_of_churn(tmp_path: Path) -> None:
    """In 20,000 ticks nothing grows, and a tick costs no more CPU at the end.

    So much CPU is no coincidence.
    """
    course = _course(20_000, tmp_path)
    _assert_flat(course)
    assert not course.grew("tick", by=_middle(course.early, "tick") / 2)


def _course(ticks: int, folder: Path) -> Course:
    """Run the whole program on this many ticks, and walk through all its screens in each part.

    The ticks request the keys, one at a time: on any machine the early parts have seen each
    screen, and loaded what it needs.
    """
    report, pipe = folder / "report", folder / "pipe"
    os.mkfifo(pipe)
    command = [
        sys.executable,
        "-m",
        "tests.load.soaking",
        str(ticks),
        "200",
        str(report),
        "0.001",
        str(pipe),
    ]
    with (
        open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as requests,
        Terminal([*command, str(len(_KEYS))]) as terminal,
    ):
        terminal.wait_for(READY)
        for key in itertools.cycle(_KEYS):
            assert select([requests], [], [], PATIENCE)[0], (
                f"nothing happens any more:\n{terminal.text}"
            )
            if not requests.read(1):
                break
            with suppress(OSError):  # pgtop may have exited meanwhile
                terminal.send(key + WALKED)
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    parts = [Footprint(**part) for part in json.loads(report.read_text())]
    assert len(parts) == PARTS
    return Course(parts[4:7], parts[-3:])


def _assert_flat(course: Course) -> None:
    assert not course.grew("objects", by=250)
    assert not course.grew("rss_kb", by=2_048)
    assert not course.grew("descriptors")
    assert not course.grew("threads")
    assert not course.grew("tasks")


def _middle(parts: list[Footprint], name: str) -> float:
    return float(median(getattr(part, name) for part in parts))
