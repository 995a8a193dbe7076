"""A widget that draws its own lines, each as wide as the widget.

Textual caches the lines of a widget for borders, padding and links, and computes the widget's style
at each request. Both cost a fifth of a refresh, and these widgets need neither: give them no
border.
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
from pgtop.tui.paint import StyledLine, beside, colours_named, rich_runs, runs, styles
from pgtop.tui.theme import Palette


class LineWidget(Widget):
    """Subclasses return their lines in `styled_line`."""

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

    def styled_line(self, y: int) -> StyledLine:
        """Return a line and its style."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        return self._strip(y, self.size.width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ground = None

    def draw_lines(self, lines: Sequence[int]) -> None:
        """Draw these lines again: at once if nothing covers the widget, else with Textual's next
        refresh.

        The widgets of a closed screen may still receive rows that they requested: they draw none.
        """
        if not self.is_attached:
            return
        driver = driver_of(self.app)
        place = self._place()
        if place and isinstance(driver, PgtopDriver):
            driver.draw(self._pieces(lines, place))
        else:
            width = self.size.width
            regions = [Region(0, y, width, 1) for y in lines]
            self.refresh(*regions)

    def _place(self) -> Region | None:
        """Return the widget's region if all of it is visible and no field is open, as Textual
        places the cursor of a field.
        """
        screen = self.screen
        if (
            screen is not self.app.screen
            or screen.focused is not None
            or self.get_line_filters()
        ):
            return None
        try:
            geometry = screen.find_widget(self)
        except NoWidget:
            return None
        return geometry.region if geometry.visible_region == geometry.region else None

    def _pieces(self, lines: Sequence[int], place: Region) -> Iterator[Piece]:
        """Yield the lines for the driver, past Textual's compositor, which costs half of a
        refresh.
        """
        x, y, width, height = place
        ground = self.ground
        colours = colours_named(self.app.console.color_system)
        for line in lines:
            if line >= height:
                continue
            styled = self.styled_line(line)
            yield (
                x,
                y + line,
                width,
                runs(
                    styled,
                    width,
                    self._palette,
                    ground,
                    colours,
                ),
            )

    def _strip(self, y: int, width: int) -> Strip:
        styled = self.styled_line(y)
        painted = rich_runs(styled, self._palette, self.ground)
        strip = Strip([Segment(text, style) for text, style in painted])
        plain = styles(styled, self._palette, self.ground)[Tone.PLAIN]
        if styled.bar is None:
            return strip.adjust_cell_length(width, plain)
        text, tone = styled.bar
        style = styles(beside(styled), self._palette, self.ground)[tone]
        row = strip.adjust_cell_length(width - 1, plain)
        return Strip([*row, Segment(text, style)], width)

    def render_lines(self, crop: Region) -> list[Strip]:
        # For other colours, or for a screen without colours.
        if self.get_line_filters():
            return super().render_lines(crop)
        width = self.size.width
        strips = [self._strip(y, width) for y in crop.line_range]
        if crop.width < width:
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips
