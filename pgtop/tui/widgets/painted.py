"""A widget that fills its own lines, each as wide as itself, and is asked for no more than them.

Textual keeps the lines of a widget in a cache that knows of borders, padding and links, and works
out the widget's style whenever it is asked for. What has neither pays a fifth of a refresh for it;
so give these widgets no border.
"""

from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.errors import NoWidget
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from pgtop.terminal.canvas import Piece
from pgtop.terminal.driver import PgtopDriver
from pgtop.terminal.textual_private import driver_of
from pgtop.text.tone import Tone
from pgtop.tui.paint import StyledLine, colours_named, runs, styles
from pgtop.tui.theme import Palette


class LineWidget(Widget):
    """Subclasses say in `look` how a line of theirs looks."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._ground: Style | None = None

    @property
    def ground(self) -> Style:
        """The widget's own style, as Textual's `rich_style` has it."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def look(self, y: int) -> StyledLine:
        """The line, and how it is meant."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        return self._strip(y, self.size.width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ground = None

    def draw(self, lines: Sequence[int]) -> None:
        """Show these lines anew: at once where the widget has its place to itself, else with
        Textual's next refresh.

        A screen that was left takes its widgets along, and they may still be told of what they have
        asked for.
        """
        if not self.is_attached:
            return
        driver, place = driver_of(self.app), self._place()
        if place and isinstance(driver, PgtopDriver):
            driver.draw(self._pieces(lines, place))
        else:
            width = self.size.width
            self.refresh(*[Region(0, y, width, 1) for y in lines])

    def _place(self) -> Region | None:
        """Where it stands, whole and with nothing over it, if no field is open, whose cursor is
        Textual's to place.
        """
        screen = self.screen
        if screen is not self.app.screen or screen.focused is not None or self.get_line_filters():
            return None
        try:
            geometry = screen.find_widget(self)
        except NoWidget:
            return None
        return geometry.region if geometry.visible_region == geometry.region else None

    def _pieces(self, lines: Sequence[int], place: Region) -> Iterator[Piece]:
        """The lines without Textual's compositor: half of what a refresh costs is on the way
        through it.
        """
        x, y, width, height = place
        ground, colours = self.ground, colours_named(self.app.console.color_system)
        for line in lines:
            if line < height:
                yield (
                    x,
                    y + line,
                    width,
                    runs(self.look(line), width, self._palette, ground, colours),
                )

    def _strip(self, y: int, width: int) -> Strip:
        look = self.look(y)
        by_tone = styles(look, self._palette, self.ground)
        strip = Strip([Segment(text, by_tone[tone]) for text, tone in look.line])
        return strip.adjust_cell_length(width, by_tone[Tone.PLAIN])

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.get_line_filters():  # for a palette of other colours, or for a screen without them
            return super().render_lines(crop)
        width = self.size.width
        strips = [self._strip(y, width) for y in crop.line_range]
        if crop.width < width:
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips
