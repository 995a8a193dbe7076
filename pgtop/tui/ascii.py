"""The last filter before a terminal whose locale is not UTF-8: nothing but ASCII gets past it, and no cell moves."""

from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from pgtop.view.text import cells

_LOOKALIKES = str.maketrans({
    "…": "~", "·": ".", "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "└": "`", "▲": "^", "▼": "v",
    "▶": ">", "▪": "=", "↑": "^", "↓": "v", "←": "<", "→": ">", "\N{REPLACEMENT CHARACTER}": "?",
})  # fmt: skip


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """The text in ASCII, cell for cell: our own glyphs as lookalikes, all else as question marks."""
    text = text.translate(_LOOKALIKES)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cells(c) for c in text)


class AsciiFilter(LineFilter):
    """Applies `to_ascii` to every line that Textual draws, borders and inputs included."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
