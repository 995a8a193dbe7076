"""A widget that fills its own lines, each as wide as itself, and is asked for no more than them.

Textual keeps the lines of a widget in a cache that knows of borders, padding and links, and works out the widget's
style whenever it is asked for. What has neither pays a fifth of a refresh for it; so give these widgets no border.
"""

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


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

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.get_line_filters():  # for a palette of other colours, or for a screen without them
            return super().render_lines(crop)
        width = self.size.width
        strips = [self.paint(y, width) for y in crop.line_range]
        if crop.width < width:
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips
