"""A widget that fills its own lines, each as wide as itself, and is asked for no more than them.

Textual keeps the lines of a widget in a cache that knows of borders, padding and links, and works out the widget's
style whenever it is asked for. What has neither pays a fifth of a refresh for it; so give these widgets no border.
"""

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.errors import NoWidget
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pgtop.tui.driver import PgtopDriver


class Painted(Widget):
    """Subclasses say in `paint` how a line of theirs looks, on `base`."""

    _base: Style | None = None

    @property
    def base(self) -> Style:
        """The widget's own style, as Textual's `rich_style` has it."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def paint(self, y: int, width: int) -> Strip:
        """The line, exactly `width` cells wide."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        return self.paint(y, self.size.width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._base = None

    def draw(self, lines: Sequence[int]) -> None:
        """Show these lines anew: at once where the widget has its place to itself, else with Textual's next refresh.

        A screen that was left takes its widgets along, and they may still be told of what they have asked for.
        """
        if not self.is_attached:
            return
        driver, place = self.app._driver, self._place()
        if place and isinstance(driver, PgtopDriver):
            driver.draw(self._frame(lines, place))
        else:
            width = self.size.width
            self.refresh(*[Region(0, y, width, 1) for y in lines])

    def _place(self) -> Region | None:
        """Where it stands, whole and with nothing over it, if no field is open, whose cursor is Textual's to place."""
        screen = self.screen
        if screen is not self.app.screen or screen.focused is not None or self.get_line_filters():
            return None
        try:
            geometry = screen.find_widget(self)
        except NoWidget:
            return None
        return geometry.region if geometry.visible_region == geometry.region else None

    def _frame(self, lines: Iterable[int], place: Region) -> str:
        """What Textual's compositor would write for these lines: half of what a refresh costs is on the way there."""
        x, y, width, height = place
        console = self.app.console
        return "".join(
            [
                f"\x1b[{y + line + 1};{x + 1}H{self.paint(line, width).render(console)}"
                for line in lines
                if line < height
            ]
        )

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.get_line_filters():  # for a palette of other colours, or for a screen without them
            return super().render_lines(crop)
        width = self.size.width
        strips = [self.paint(y, width) for y in crop.line_range]
        if crop.width < width:
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips
