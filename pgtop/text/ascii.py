"""Text for a terminal whose locale is not UTF-8: nothing but ASCII, and no cell moves."""

from functools import lru_cache

from pgtop.text.clean import cells

_LOOKALIKES = str.maketrans({
    "…": "~", "·": ".", "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "└": "`", "▲": "^", "▼": "v",
    "▶": ">", "▪": "=", "↑": "^", "↓": "v", "←": "<", "→": ">", "\N{REPLACEMENT CHARACTER}": "?",
})  # fmt: skip


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Cleaned text in ASCII, cell for cell: our own glyphs as lookalikes, all else as question
    marks.
    """
    text = text.translate(_LOOKALIKES)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cells(c) for c in text)
