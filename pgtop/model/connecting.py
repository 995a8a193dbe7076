"""The steps of connecting to a server, for a user who waits for them."""

from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

NAME = "name"
NETWORK = "network"
LOGIN = "login"
RIGHTS = "rights"
SAMPLE = "first sample"
STEPS = (NAME, NETWORK, LOGIN, RIGHTS, SAMPLE)


class ConnectStep(NamedTuple):
    """A step that was begun; it ends when the next one begins."""

    name: str
    began: float
    """On this machine's monotonic clock."""
    detail: str = ""
    """What came of it, as the network reported it: clean before showing."""


class ConnectSteps:
    """The steps of the newest try. One thread writes, another one reads."""

    def __init__(self) -> None:
        self._steps: tuple[ConnectStep, ...] = ()
        self.on_sample: Callable[[], object] | None = None
        """Called as the first sample over a connection begins, in the event loop's thread."""

    @property
    def begun(self) -> tuple[ConnectStep, ...]:
        """The steps so far, in their order."""
        return self._steps

    def begin(self, name: str, detail: str = "") -> None:
        """Begin a step, and forget those that come after it: another address is tried.

        `detail` belongs to the step before.
        """
        done = STEPS[: STEPS.index(name)]
        before = [step for step in self._steps if step.name in done]
        if before and detail:
            before[-1] = before[-1]._replace(detail=detail)
        self._steps = (*before, ConnectStep(name, monotonic()))
        if name == SAMPLE and self.on_sample:
            self.on_sample()
