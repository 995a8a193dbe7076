"""Text for a terminal without UTF-8: ASCII only, as wide as it was."""

from functools import lru_cache

from pgtop.text.clean import cells

_LOOKALIKES = str.maketrans({
    "…": "~", "·": ".", "▪": "=", "▌": "|", "✓": "+", "×": "x",
    "▲": "^", "▼": "v", "▾": "v", "▶": ">", "◄": "<", "◂": "<", "▸": ">",
    "↑": "^", "↓": "v", "←": "<", "→": ">",
    "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "├": "|", "└": "`", "╌": "-",
    "┌": "+", "┐": "+", "┘": "+", "┤": "|", "┬": "+", "┴": "+", "┼": "+",
    "━": "#", "┃": "#", "┏": "#", "┓": "#", "┗": "#", "┛": "#",
    "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "█": "#",
    "░": ":", "▒": "%", "▓": "&",
    "\N{REPLACEMENT CHARACTER}": "?",
})  # fmt: skip


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Return cleaned text in ASCII, cell for cell.

    pgtop's own glyphs become similar ones, all other characters question marks.
    """
    text = text.translate(_LOOKALIKES)
    if text.isascii():
        return text
    return "".join(map(_ascii, text))


def _ascii(char: str) -> str:
    return char if char.isascii() else "?" * cells(char)
