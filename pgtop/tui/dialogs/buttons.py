"""The buttons of a dialog, side by side, with the key of each."""

from typing import NamedTuple

from textual import events
from textual.message import Message

from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import line_cells
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines

_WIDE = 60
_WIDE_GAP = 5
_NARROW_GAP = 2


class Button(NamedTuple):
    """A button: its word, its key, and its tones without and with the focus."""

    word: str
    key: str
    tone: Tone = Tone.QUIET
    focused_tone: Tone = Tone.TAB
    takes_focus: bool = True
    """False for a button that only its key and a click press."""

    def spans(self, is_focused: bool) -> tuple[Span, Span]:
        """Return button and key; the focus shows without colour, too."""
        if is_focused:
            key_tone = Tone.QUIET
            return Span(f" ▶ {self.word} ", self.focused_tone), Span(
                f" {self.key}", key_tone
            )
        return Span(f"[ {self.word} ]", self.tone), Span(f" {self.key}", Tone.STRONG)


class ButtonLine(Lines):
    """As many buttons as fit; one of them is focused."""

    class ButtonPressed(Message):
        """A button was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="buttons")
        self._buttons: tuple[Button, ...] = ()
        self._places: dict[int, range] = {}
        """The columns of each button that is shown."""
        self._width = 0
        self.focused_index = 0

    def offer(
        self,
        buttons: tuple[Button, ...],
        width: int,
        focused: int = 0,
    ) -> None:
        """Show these buttons within `width` cells; the focused one always has room."""
        self._buttons = buttons
        self._width = width
        self.focused_index = focused
        self._places = {}
        gap = _WIDE_GAP if width >= _WIDE else _NARROW_GAP
        spans: list[Span] = []
        start = 0
        for index in self._fitting(gap):
            pair = buttons[index].spans(index == focused)
            end = start + line_cells(pair)
            self._places[index] = range(start, end)
            spans += (*pair, Span(" " * gap, Tone.PLAIN))
            start = end + gap
        self.show([tuple(spans)])

    def _fitting(self, gap: int) -> list[int]:
        """Return the buttons that fit beside the focused one, the first ones first."""
        focused = self._buttons[self.focused_index]
        room = self._width - line_cells(focused.spans(is_focused=True))
        fitting = [self.focused_index]
        for index, button in enumerate(self._buttons):
            needed = line_cells(button.spans(is_focused=False)) + gap
            if index not in fitting and needed <= room:
                fitting.append(index)
                room -= needed
        return sorted(fitting)

    def step(self, by: int) -> None:
        """Move the focus, from the last button to the first."""
        count = sum(button.takes_focus for button in self._buttons)
        if count:
            focused = (self.focused_index + by) % count
            self.offer(self._buttons, self._width, focused)

    def on_click(self, event: events.Click) -> None:
        """Press the button under the click."""
        for index, place in self._places.items():
            if event.x in place:
                self.post_message(self.ButtonPressed(index))
