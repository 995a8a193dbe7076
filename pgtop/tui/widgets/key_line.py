"""The bottom line: the keys that a tired person needs, the most needed first. A click on one
presses it.
"""

from collections.abc import Sequence

from textual import events
from textual.message import Message

from pgtop.actions import Action
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.chrome import Place, key_line


class KeyLine(Lines):
    """Shows as many of the given actions as fit, in the order given."""

    class Pressed(Message):
        """An action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(
        self, palette: Palette, actions: Sequence[Action], *, id: str | None = None
    ) -> None:
        super().__init__(palette, id=id)
        self._actions = actions
        self._places: Sequence[Place] = ()

    def on_resize(self) -> None:
        line, self._places = key_line(self._actions, self.size.width)
        self.show((line,))

    def on_click(self, event: events.Click) -> None:
        hit = next(
            (place.action for place in self._places if place.start <= event.x < place.end), None
        )
        if hit is not None:
            self.post_message(self.Pressed(hit))
