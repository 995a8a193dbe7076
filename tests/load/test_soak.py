"""Day after day: nothing that pgtop holds grows, and no tick takes longer than the first ones
did.
"""

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

from tests.load.soaking import PARTS, Held
from tests.pty import Terminal
from tests.waiting import PATIENCE

_STILL = ("", "", "")
_KEYS = (
    "j", "k", ">", "2", "3", "1", "\r", "\x1b", "?", "\x1b", " ", "/app:9\r", "/\x15\r", "pp", "w", "i", "i", *_STILL,
)  # fmt: skip
"""A walk through every screen that changes with each picture, and then nothing: no page is on its
way while we look.

A pause ends at once, for then no ticks ask for more.
"""


@dataclass(frozen=True)
class Course:
    """What the process held before and after: by `early` all that is remembered within bounds has
    reached them.
    """

    early: list[Held]
    late: list[Held]

    def grew(self, name: str, by: float = 0) -> bool:
        """It became more than it was, by more than `by`."""
        return _middle(self.late, name) - _middle(self.early, name) > by


def test_a_run_of_churn_holds_no_more_at_its_end(tmp_path: Path) -> None:
    """After warm-up memory is flat, and files, threads and tasks are as many as before."""
    _assert_flat(_course(2_000, tmp_path))


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_long_run_of_churn(tmp_path: Path) -> None:
    """In 20,000 ticks nothing grows, and a tick costs at the end what it did (so much CPU is no
    chance any more).
    """
    course = _course(20_000, tmp_path)
    _assert_flat(course)
    assert not course.grew("tick", by=_middle(course.early, "tick") / 2)


def _course(ticks: int, folder: Path) -> Course:
    """The whole program, on so many ticks of churn, while somebody walks through all its screens
    once in each part.

    The ticks ask for the keys: on any machine the early parts have seen each screen, and what is
    loaded with it.
    """
    told, pipe = folder / "told", folder / "pipe"
    os.mkfifo(pipe)
    command = [
        sys.executable,
        "-m",
        "tests.load.soaking",
        str(ticks),
        "200",
        str(told),
        "0.001",
        str(pipe),
    ]
    with (
        open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as asked,
        Terminal([*command, str(PARTS * len(_KEYS))]) as terminal,
    ):
        terminal.wait_for("q quit")
        for key in itertools.cycle(_KEYS):
            assert select([asked], [], [], PATIENCE)[0], (
                f"nothing happens any more:\n{terminal.text}"
            )
            if not asked.read(1):
                break
            with suppress(OSError):  # it may have left meanwhile
                terminal.send(key)
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    parts = [Held(**part) for part in json.loads(told.read_text())]
    assert len(parts) == PARTS
    return Course(parts[4:7], parts[-3:])


def _assert_flat(course: Course) -> None:
    assert not course.grew("objects", by=1_000)
    assert not course.grew("rss_kb", by=2_048)
    assert not course.grew("descriptors")
    assert not course.grew("threads")
    assert not course.grew("tasks")


def _middle(parts: list[Held], name: str) -> float:
    return float(median(getattr(part, name) for part in parts))
