"""A line of keys: the footer, with the keys that a tired person needs most, and the tabs.

A click on a key presses it.
"""

from textual import events
from textual.message import Message

from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.key_line import KeyLine


class KeyBar(Lines):
    """Shows a line of keys."""

    class KeyClicked(Message):
        """A click on a key."""

        def __init__(self, call: str) -> None:
            """Create a message; Textual runs the action `call` for the key."""
            super().__init__()
            self.call = call

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._keys = KeyLine((), ())

    def show_keys(self, keys: KeyLine) -> None:
        """Replace the keys."""
        self._keys = keys
        self.show((keys.line,))

    def on_click(self, event: events.Click) -> None:
        for place in self._keys.places:
            if place.start <= event.x < place.end:
                self.post_message(self.KeyClicked(place.call))
