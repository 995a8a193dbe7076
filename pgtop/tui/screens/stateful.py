"""The interface between the app and a screen or dialog."""

from pgtop.monitor.state import State


class Stateful:
    """A screen that shows each new state."""

    def show(self, state: State) -> None:
        """Draw another state."""
        raise NotImplementedError
