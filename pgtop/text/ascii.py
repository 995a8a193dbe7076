"""Text for a terminal without UTF-8: ASCII only, as wide as it was."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pgtop.text.clean import cells

_LOOKALIKES = str.maketrans({
    "…": "~", "·": ".", "▪": "=", "●": "o", "▌": "|", "✓": "+", "×": "x", "±": "~",
    "▲": "^", "▼": "v", "▾": "v", "▶": ">", "◄": "<", "◂": "<", "▸": ">",
    "↑": "^", "↓": "v", "←": "<", "→": ">",
    "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "├": "|", "└": "`", "╌": "-",
    "┌": "+", "┐": "+", "┘": "+", "┤": "|", "┬": "+", "┴": "+", "┼": "+",
    "━": "#", "┃": "#", "┏": "#", "┓": "#", "┗": "#", "┛": "#",
    "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "█": "#",
    "“": '"', "”": '"', "‘": "'", "’": "'",
    "░": ":", "▒": "%", "▓": "&",
    "\N{REPLACEMENT CHARACTER}": "?",
})  # fmt: skip


_MISSING_ON_CONSOLES = "▁▂▃▄▅▆▇╌▾◂▸✓"
"""Signs that the fonts of the Linux console lack: they hold 512 characters at most."""
_FOR_CONSOLES: Mapping[int, Any] = {
    **{ord(sign): _LOOKALIKES[ord(sign)] for sign in _MISSING_ON_CONSOLES},
    **str.maketrans("╭╮╰╯", "┌┐└┘"),
}


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Return cleaned text in ASCII, cell for cell.

    pgtop's own glyphs become similar ones, all other characters question marks.
    """
    text = text.translate(_LOOKALIKES)
    if text.isascii():
        return text
    return "".join(map(_ascii, text))


@lru_cache(4096)
def to_console(text: str) -> str:
    """Return cleaned text with the signs that a Linux console can show, cell for cell."""
    return text if text.isascii() else text.translate(_FOR_CONSOLES)


def _ascii(char: str) -> str:
    return char if char.isascii() else "?" * cells(char)
