"""The last filter before a terminal that lacks signs, also for borders and inputs."""

from collections.abc import Callable

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class GlyphFilter(LineFilter):
    """Applies `convert` to the text of every line that Textual draws."""

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._convert = convert

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        convert = self._convert
        return [
            Segment(convert(text), style, control) for text, style, control in segments
        ]
