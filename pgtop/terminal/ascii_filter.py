"""The last filter before a terminal without UTF-8, also for borders and inputs."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from pgtop.text.ascii import to_ascii


class AsciiFilter(LineFilter):
    """Applies `to_ascii` to every line that Textual draws."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(to_ascii(text), style, control) for text, style, control in segments
        ]
