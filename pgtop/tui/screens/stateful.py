"""What the app knows of a screen."""

from typing import ClassVar

from pgtop.monitor.state import State


class Shown:
    """A screen that is shown each new state."""

    NEEDS_BLOCKING: ClassVar[bool] = False
    """While it is open, whoever could hold back others is asked for even while nobody waits."""

    def show(self, state: State) -> None:
        """Draw another state."""
        raise NotImplementedError
