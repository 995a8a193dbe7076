"""Markdown as a page of text for a terminal or a pipe.

On a terminal, code and headings are bold. Elsewhere code keeps its backticks, so that a sentence
about the key `y` can be read. All characters of the topics are one cell wide, which a test checks.
"""

import re
from collections.abc import Sequence

from pgtop.help.markdown import (
    Block,
    CodeBlock,
    Heading,
    ItemList,
    ListItem,
    Paragraph,
    Table,
    parse,
)

NARROWEST = 20
_INDENT = "    "
_GAP = "  "
_LEAST_COLUMN = 8
"""Cells that each column of a table keeps."""
_LONG_ITEM = 240
"""Characters; three lines of 80 cells."""

# Marks of bold text while lines are wrapped. They take no cell.
_ON = "\x01"
_OFF = "\x02"
_MARKS = re.compile(f"[{_ON}{_OFF}]")
_BOLD = "\x1b[1m"
_PLAIN = "\x1b[22m"

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_ONLY_CODE = re.compile(r"`([^`]+)`((?:,? `[^`]+`)*)")


def page(text: str, width: int, is_styled: bool = False) -> str:
    """Lay out Markdown in lines of at most `width` cells. Lines of code may be longer."""
    width = max(width, NARROWEST)
    lines: list[str] = []
    for block in parse(text):
        if lines:
            lines.append("")
        lines += _lines(block, width, is_styled)
    finished = [_finished(line, is_styled) for line in lines]
    return "\n".join(finished) + "\n"


def _lines(block: Block, width: int, is_styled: bool) -> list[str]:
    match block:
        case Heading():
            return _heading(block, is_styled)
        case Paragraph():
            text = _inline(block.text, is_styled)
            return _wrapped(text, width)
        case ItemList():
            return _list(block, width, is_styled)
        case CodeBlock():
            return [_INDENT + line for line in block.lines]
        case Table():
            return _table(block, width, is_styled)


def _heading(heading: Heading, is_styled: bool) -> list[str]:
    """Show a heading bold, or underlined by a second line where nothing is bold."""
    if is_styled:
        return [_strong(heading.text)]
    sign = "=" if heading.level == 1 else "-"
    return [heading.text, sign * len(heading.text)]


def _list(block: ItemList, width: int, is_styled: bool) -> list[str]:
    """Show the items, apart from each other if any is long."""
    longest = max(len(item.text) for item in block.items)
    lines: list[str] = []
    for item in block.items:
        if lines and longest > _LONG_ITEM:
            lines.append("")
        lines += _item(item, width, is_styled)
    return lines


def _item(item: ListItem, width: int, is_styled: bool) -> list[str]:
    """Show the mark of an item, and its text beside the mark."""
    indent = " " * (len(item.mark) + 1)
    text = _inline(item.text, is_styled)
    first, *others = _wrapped(text, width - len(indent))
    return [f"{item.mark} {first}", *(indent + line for line in others)]


def _table(table: Table, width: int, is_styled: bool) -> list[str]:
    head = [_strong(cell) for cell in table.head]
    rows = [_cells_of(row, is_styled) for row in table.rows]
    widths = _column_widths([head, *rows], width)
    rule = _GAP.join("-" * cells for cells in widths)
    lines = [*_row(head, widths), rule]
    for row in rows:
        lines += _row(row, widths)
    return lines


def _cells_of(row: Sequence[str], is_styled: bool) -> list[str]:
    return [_cell(cell, is_styled) for cell in row]


def _cell(text: str, is_styled: bool) -> str:
    """Return a cell's text; where a cell is nothing but code, it needs no backticks."""
    if not is_styled and _ONLY_CODE.fullmatch(text):
        return text.replace("`", "")
    return _inline(text, is_styled)


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the cells of each column: what it needs, or else less for the widest ones.

    A column keeps room for its longest word, unless the words of all columns need more.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(_cells, column)) for column in columns]
    words = [max(map(_longest_word, column)) for column in columns]
    room = width - len(_GAP) * (len(widths) - 1)
    _shrink(widths, room, words)
    _shrink(widths, room, [_LEAST_COLUMN] * len(widths))
    return widths


def _shrink(widths: list[int], room: int, least: Sequence[int]) -> None:
    """Take cells from the widest columns until all fit, but leave each its least width."""
    while sum(widths) > room:
        places = [place for place, cells in enumerate(widths) if cells > least[place]]
        if not places:
            return
        widest = max(places, key=widths.__getitem__)
        widths[widest] -= 1


def _longest_word(text: str) -> int:
    return max(map(_cells, text.split(" ")))


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Wrap the cells of a row side by side; return its lines."""
    columns = []
    for text, width in zip(row, widths, strict=True):
        wrapped = _wrapped(text, width)
        columns.append([_padded(line, width) for line in wrapped])
    height = max(map(len, columns))
    for column, width in zip(columns, widths, strict=True):
        missing = height - len(column)
        column += [" " * width] * missing
    return [_GAP.join(parts) for parts in zip(*columns, strict=True)]


def _padded(line: str, width: int) -> str:
    return line + " " * (width - _cells(line))


def _strong(text: str) -> str:
    return f"{_ON}{text}{_OFF}"


def _inline(text: str, is_styled: bool) -> str:
    """Mark bold text; without styles, strong text is plain and code keeps its backticks."""
    if not is_styled:
        return _STRONG.sub(r"\1", text)
    bold = _strong(r"\1")
    text = _CODE.sub(bold, text)
    return _STRONG.sub(bold, text)


def _wrapped(text: str, width: int) -> list[str]:
    """Break text at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _cells(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word, width)
        lines += full
    return _balanced([*lines, line])


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
        if marks:
            is_bold = marks[-1] == _ON
        end = _OFF if is_bold else ""
        balanced.append(begin + line + end)
    return balanced


def _cells(text: str) -> int:
    return len(_MARKS.sub("", text))


def _finished(line: str, is_styled: bool) -> str:
    """Replace the marks of bold text by what a terminal understands, or by nothing."""
    line = line.rstrip(" ")
    if not is_styled:
        return _MARKS.sub("", line)
    line = line.replace(_ON, _BOLD)
    return line.replace(_OFF, _PLAIN)
