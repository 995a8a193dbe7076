"""Text with bold parts, wrapped into lines and cells.

Two characters that no text has mark where bold text begins and ends; they take no cell. All
characters of the topics are one cell wide, which a test checks.
"""

import re
from collections.abc import Iterable, Sequence

ON = "\x01"
OFF = "\x02"
GAP = "  "
"""What stands between two columns."""

_MARKS = re.compile(f"[{ON}{OFF}]")
_BOLD = "\x1b[1m"
_PLAIN = "\x1b[22m"
_LEAST_COLUMN = 8
"""Cells that each column of a table keeps."""


def strong(text: str) -> str:
    """Mark all of `text` as bold."""
    return ON + text + OFF


def for_terminal(line: str) -> str:
    """Replace the marks by the sequences for bold and normal text."""
    bold = line.replace(ON, _BOLD)
    return bold.replace(OFF, _PLAIN)


def without_marks(line: str) -> str:
    """Return the line as plain text."""
    return _MARKS.sub("", line)


def cells(text: str) -> int:
    """Return how many cells the text takes."""
    return len(without_marks(text))


def wrapped(text: str, width: int) -> list[str]:
    """Break text at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cells(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    lines.append(line)
    return _balanced(lines)


def _cut(word: str, width: int) -> list[str]:
    """Cut a word that is longer than a line."""
    pieces = []
    while cells(word) > width:
        pieces.append(word[:width])
        word = word[width:]
    pieces.append(word)
    return pieces


def _balanced(lines: list[str]) -> list[str]:
    """End bold text at the end of each line, and begin it again on the next."""
    balanced = []
    is_bold = False
    for line in lines:
        begin = ON if is_bold else ""
        marks = _MARKS.findall(line)
        if marks:
            is_bold = marks[-1] == ON
        end = OFF if is_bold else ""
        balanced.append(begin + line + end)
    return balanced


def column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the cells of each column: what it needs, or else less for the widest ones.

    A column keeps room for its longest word, unless the words of all columns need more.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cells, column)) for column in columns]
    words = [max(map(_longest_word, column)) for column in columns]
    least = [_LEAST_COLUMN] * len(widths)
    gaps = len(GAP) * (len(widths) - 1)
    room = width - gaps
    _shrink(widths, room, words)
    _shrink(widths, room, least)
    return widths


def _shrink(widths: list[int], room: int, least: Sequence[int]) -> None:
    """Take cells from the widest columns until all fit, but leave each its least width."""
    while sum(widths) > room:
        places = [place for place, width in enumerate(widths) if width > least[place]]
        if not places:
            return
        widest = max(places, key=widths.__getitem__)
        widths[widest] -= 1


def _longest_word(text: str) -> int:
    words = text.split(" ")
    return max(map(cells, words))


def row_lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Wrap the cells of a row side by side; return its lines."""
    columns = [_column(text, width) for text, width in zip(row, widths, strict=True)]
    height = max(map(len, columns))
    for column, width in zip(columns, widths, strict=True):
        missing = height - len(column)
        blank = " " * width
        column += [blank] * missing
    lines = zip(*columns, strict=True)
    return [GAP.join(line) for line in lines]


def listed(pairs: Iterable[tuple[str, str]], term_width: int, width: int) -> str:
    """Return terms and their meanings as indented lines, each meaning wrapped beside its term."""
    lines: list[str] = []
    for term, meaning in pairs:
        room = max(width - term_width - len(GAP), _LEAST_COLUMN)
        first, *others = wrapped(meaning, room)
        lines.append(f"{GAP}{term:<{term_width}}{first}")
        indent = GAP + " " * term_width
        lines += [indent + other for other in others]
    return "\n".join(lines)


def _column(text: str, width: int) -> list[str]:
    """Wrap a cell into lines that all fill the column."""
    lines = wrapped(text, width)
    return [_padded(line, width) for line in lines]


def _padded(line: str, width: int) -> str:
    blanks = width - cells(line)
    return line + " " * blanks
