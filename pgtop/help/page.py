"""Markdown as a page of text for a terminal or a pipe.

On a terminal, code and headings are bold. Elsewhere code keeps its backticks, so that a sentence about the key `y` can
be read. All characters of the topics are one cell wide, which a test checks.
"""

import itertools
import re
from collections.abc import Sequence

from pgtop.help.markdown import Block, CodeBlock, Heading, ItemList, ListItem, Paragraph, Table, parse

NARROWEST = 20
_INDENT = "    "
_GAP = "  "
_LEAST_COLUMN = 8
"""Cells that each column of a table keeps."""
_LONG_ITEM = 240
"""Characters; three lines of 80 cells."""

# Marks of bold text while lines are wrapped. They take no cell.
_ON, _OFF = "\x01", "\x02"
_MARKS = re.compile(f"[{_ON}{_OFF}]")
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_WHOLE_CODE = re.compile(r"`([^`]+)`((?:,? `[^`]+`)*)")
_BOLD, _PLAIN = "\x1b[1m", "\x1b[22m"


def page(text: str, width: int, is_styled: bool = False) -> str:
    """Lay out Markdown in lines of at most `width` cells. Lines of code may be longer."""
    blocks = [_lines(block, max(width, NARROWEST), is_styled) for block in parse(text)]
    lines = itertools.chain.from_iterable(["", *block] for block in blocks)
    return "".join(f"{_finished(line, is_styled)}\n" for line in itertools.islice(lines, 1, None))


def _lines(block: Block, width: int, is_styled: bool) -> list[str]:
    match block:
        case Heading(level, text):
            return _heading(level, text, is_styled)
        case Paragraph(text):
            return _wrapped(_inline(text, is_styled), width)
        case ItemList(items):
            return _list(items, width, is_styled)
        case CodeBlock(lines):
            return [f"{_INDENT}{line}" for line in lines]
        case Table():
            return _table(block, width, is_styled)


def _heading(level: int, text: str, is_styled: bool) -> list[str]:
    """Show a heading bold, or underlined by a second line where nothing is bold."""
    if is_styled:
        return [f"{_ON}{text}{_OFF}"]
    return [text, ("=" if level == 1 else "-") * len(text)]


def _list(items: Sequence[ListItem], width: int, is_styled: bool) -> list[str]:
    """Show the items, apart from each other if any is long."""
    is_loose = any(len(item.text) > _LONG_ITEM for item in items)
    lines: list[str] = []
    for item in items:
        lines += [""] if is_loose and lines else []
        lines += _item(item.mark, _inline(item.text, is_styled), width)
    return lines


def _item(mark: str, text: str, width: int) -> list[str]:
    indent = len(mark) + 1
    first, *others = _wrapped(text, width - indent)
    return [f"{mark} {first}", *(f"{' ' * indent}{line}" for line in others)]


def _table(table: Table, width: int, is_styled: bool) -> list[str]:
    head = [f"{_ON}{cell}{_OFF}" for cell in table.head]
    rows = [[_cell(cell, is_styled) for cell in row] for row in table.rows]
    widths = _column_widths([head, *rows], width)
    rule = _GAP.join("-" * cells for cells in widths)
    lines = [*_row(head, widths), rule]
    for row in rows:
        lines += _row(row, widths)
    return lines


def _cell(text: str, is_styled: bool) -> str:
    """Return a cell's text; where a cell is nothing but code, it needs no backticks."""
    if not is_styled and _WHOLE_CODE.fullmatch(text):
        return text.replace("`", "")
    return _inline(text, is_styled)


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the cells of each column: what it needs, or else less for the widest ones."""
    widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
    surplus = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while surplus > 0 and max(widths) > _LEAST_COLUMN:
        widths[widths.index(max(widths))] -= 1
        surplus -= 1
    return widths


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the lines of a row whose cells are wrapped side by side."""
    columns = [_wrapped(cell, cells) for cell, cells in zip(row, widths, strict=True)]
    height = max(map(len, columns))
    lines = []
    for place in range(height):
        parts = [column[place] if place < len(column) else "" for column in columns]
        padded = [part + " " * (cells - _cells(part)) for part, cells in zip(parts, widths, strict=True)]
        lines.append(_GAP.join(padded))
    return lines


def _inline(text: str, is_styled: bool) -> str:
    """Mark bold text; without styles, strong text is plain and code keeps its backticks."""
    if not is_styled:
        return _STRONG.sub(r"\1", text)
    return _STRONG.sub(rf"{_ON}\1{_OFF}", _CODE.sub(rf"{_ON}\1{_OFF}", text))


def _wrapped(text: str, width: int) -> list[str]:
    """Break text at blanks into lines of at most `width` cells; a longer word is cut."""
    lines = [""]
    for word in text.split(" "):
        gap = " " if lines[-1] else ""
        if _cells(lines[-1]) + len(gap) + _cells(word) <= width:
            lines[-1] += gap + word
            continue
        *full, rest = _cut(word, width)
        lines += [*full, rest]
    return _balanced(lines if lines[0] or len(lines) == 1 else lines[1:])


def _cut(word: str, width: int) -> list[str]:
    """Cut a word that is longer than a line."""
    pieces = []
    while _cells(word) > width:
        pieces.append(word[:width])
        word = word[width:]
    return [*pieces, word]


def _balanced(lines: list[str]) -> list[str]:
    """End bold text at the end of each line, and begin it again on the next."""
    balanced = []
    is_bold = False
    for line in lines:
        begin = _ON if is_bold else ""
        marks = _MARKS.findall(line)
        is_bold = marks[-1] == _ON if marks else is_bold
        end = _OFF if is_bold else ""
        balanced.append(f"{begin}{line}{end}")
    return balanced


def _cells(text: str) -> int:
    return len(_MARKS.sub("", text))


def _finished(line: str, is_styled: bool) -> str:
    line = line.rstrip(" ")
    if not is_styled:
        return _MARKS.sub("", line)
    return line.replace(_ON, _BOLD).replace(_OFF, _PLAIN)
