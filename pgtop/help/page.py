"""Markdown as a page of text for a terminal or a pipe.

On a terminal, code and headings are bold. Elsewhere code keeps its backticks, so that a sentence
about the key `y` can be read.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

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
from pgtop.help.wrapping import (
    GAP,
    column_widths,
    for_terminal,
    row_lines,
    strong,
    without_marks,
    wrapped,
)

NARROWEST = 20
_INDENT = "    "
_LONG_ITEM = 240
"""Characters; three lines of 80 cells."""
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_ONLY_CODE = re.compile(r"`([^`]+)`((?:,? `[^`]+`)*)")


def page(text: str, width: int, is_styled: bool = False) -> str:
    """Lay out Markdown in lines of at most `width` cells. Lines of code may be longer."""
    layout = _Layout(max(width, NARROWEST), is_styled)
    lines: list[str] = []
    for block in parse(text):
        if lines:
            lines.append("")
        lines += layout.lines(block)
    finished = [layout.finished(line) for line in lines]
    return "\n".join(finished) + "\n"


class _Layout(NamedTuple):
    """The width of the page, and whether it may have bold text."""

    width: int
    is_styled: bool

    def lines(self, block: Block) -> list[str]:
        """Return the lines of a block."""
        match block:
            case Heading():
                return self._heading(block)
            case Paragraph():
                text = self._inline(block.text)
                return wrapped(text, self.width)
            case ItemList():
                return self._list(block)
            case CodeBlock():
                return [_INDENT + line for line in block.lines]
            case Table():
                return self._table(block)

    def finished(self, line: str) -> str:
        """Return the line as it is written."""
        line = line.rstrip(" ")
        return for_terminal(line) if self.is_styled else without_marks(line)

    def _heading(self, heading: Heading) -> list[str]:
        """Show a heading bold, or underlined by a second line where nothing is bold."""
        text = heading.text
        if self.is_styled:
            return [strong(text)]
        sign = "=" if heading.level == 1 else "-"
        return [text, sign * len(text)]

    def _list(self, block: ItemList) -> list[str]:
        """Show the items, apart from each other if any is long."""
        longest = max(len(item.text) for item in block.items)
        lines: list[str] = []
        for item in block.items:
            if lines and longest > _LONG_ITEM:
                lines.append("")
            lines += self._item(item)
        return lines

    def _item(self, item: ListItem) -> list[str]:
        """Show the mark of an item, and its text beside the mark."""
        mark = item.mark + " "
        indent = " " * len(mark)
        text = self._inline(item.text)
        first, *others = wrapped(text, self.width - len(mark))
        return [mark + first, *(indent + line for line in others)]

    def _table(self, table: Table) -> list[str]:
        head = [strong(cell) for cell in table.head]
        rows = [self._cells(row) for row in table.rows]
        widths = column_widths([head, *rows], self.width)
        rules = ["-" * width for width in widths]
        lines = row_lines(head, widths)
        lines.append(GAP.join(rules))
        for row in rows:
            lines += row_lines(row, widths)
        return lines

    def _cells(self, row: Sequence[str]) -> list[str]:
        return [self._cell(text) for text in row]

    def _cell(self, text: str) -> str:
        """Return a cell's text; where a cell is nothing but code, it needs no backticks."""
        is_bare = not self.is_styled and _ONLY_CODE.fullmatch(text)
        return text.replace("`", "") if is_bare else self._inline(text)

    def _inline(self, text: str) -> str:
        """Mark bold text; without styles, strong text is plain and code keeps its backticks."""
        if not self.is_styled:
            return _STRONG.sub(r"\1", text)
        bold = strong(r"\1")
        text = _CODE.sub(bold, text)
        return _STRONG.sub(bold, text)
