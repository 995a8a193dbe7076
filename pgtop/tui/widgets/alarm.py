"""The line that says that sessions wait for locks. Enter or a click on it leads to the root of the
trouble.
"""

from textual.message import Message

from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines


class Alarm(Lines):
    """One line, there only while it has something to say."""

    class Clicked(Message):
        """The alarm was clicked."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self.chosen = False
        """The cursor is on it."""

    def show_alarm(self, words: Line, dimmed: bool) -> None:
        """Show `words`, or nothing at all."""
        if self.display != bool(words):  # as each change of a style costs a look at all of them
            self.display = bool(words)
            self.choose(False)
        self.show([words], dimmed)

    def choose(self, chosen: bool) -> None:
        """Put the cursor on it, or take it away."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.refresh()

    def look(self, y: int) -> StyledLine:
        return super().look(y)._replace(cursor=self.chosen)

    def on_click(self) -> None:
        self.post_message(self.Clicked())
