"""The alarm: sessions wait for locks. Enter or a click on it leads to the root that blocks most."""

from textual.message import Message

from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines


class Alarm(Lines):
    """One line, shown only while sessions wait."""

    class Opened(Message):
        """The alarm was clicked."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self.chosen = False
        """True if the cursor is on the alarm."""

    def show_alarm(self, words: Line, dimmed: bool) -> None:
        """Show `words`; without words, hide the line."""
        is_shown = bool(words)
        if self.display != is_shown:  # Textual looks at all styles whenever one changes
            self.display = is_shown
            self.choose(False)
        self.show([words], dimmed)

    def choose(self, chosen: bool) -> None:
        """Put the cursor on the alarm, or take it away."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.refresh()

    def styled_line(self, y: int) -> StyledLine:
        return super().styled_line(y)._replace(cursor=self.chosen)

    def on_click(self) -> None:
        self.post_message(self.Opened())
