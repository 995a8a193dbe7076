"""Work beside the screen.

A worker gets a function, not a coroutine: if the app ended before a coroutine began, Python would
complain about it on the terminal that pgtop has just given back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TypeAlias

from textual.dom import DOMNode
from textual.worker import WorkType

Work: TypeAlias = Callable[[], Coroutine[None, None, None]]


def start(
    owner: DOMNode,
    work: Work,
    group: str,
    *,
    exclusive: bool = False,
) -> None:
    """Begin the work as a worker of the app or of a screen, unless that ends before. Exclusive work
    ends what is under way in its group.
    """
    typed: WorkType[None] = work
    owner.run_worker(typed, group=group, exclusive=exclusive)
