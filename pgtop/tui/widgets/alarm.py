"""The headline: what is wrong now. Enter or a click on it leads to what it is about."""

from textual.message import Message

from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.headline import Headline, Lead


class Alarm(Lines):
    """One line above every body."""

    class Opened(Message):
        """The headline was clicked."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self.chosen = False
        """True if the cursor is on the headline."""
        self.lead: Lead | None = None
        """The way to what the headline is about; None if it leads nowhere."""

    def show_headline(self, headline: Headline) -> None:
        """Show the headline; take the cursor away from one that leads nowhere."""
        self.lead = headline.lead
        if self.lead is None:
            self.choose(False)
        self.show([headline.line])

    def choose(self, chosen: bool) -> None:
        """Put the cursor on the headline, or take it away."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.refresh()

    def styled_line(self, y: int) -> StyledLine:
        return super().styled_line(y)._replace(cursor=self.chosen)

    def on_click(self) -> None:
        self.post_message(self.Opened())
