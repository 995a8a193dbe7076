"""The bottom line: the keys that a tired person needs, the most needed first. A click on one presses it."""

from textual import events
from textual.message import Message

from pgtop.actions import BY_ID
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.text import cells
from pgtop.view.tone import Span, Tone


class KeyLine(Lines):
    """Shows as many of the given actions as fit, in the order given."""

    class Pressed(Message):
        """An action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, palette: Palette, actions: tuple[str, ...], read_only: bool, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        chosen = (BY_ID[name] for name in actions)
        self._actions = tuple(action for action in chosen if not (read_only and action.dangerous))
        self._places: list[tuple[int, int, str]] = []

    def on_resize(self) -> None:
        self._places = []
        spans: list[Span] = []
        x = 0
        for action in self._actions:
            key, words = action.key_names[0], f" {action.short}  "
            size = cells(key + words)
            if x + size - 2 > self.size.width:
                break
            spans += [Span(key, Tone.STRONG), Span(words, Tone.QUIET)]
            self._places.append((x, x + size - 2, action.id))
            x += size
        self.show((tuple(spans),))

    def on_click(self, event: events.Click) -> None:
        hit = next((name for start, end, name in self._places if start <= event.x < end), None)
        if hit is not None:
            self.post_message(self.Pressed(hit))
