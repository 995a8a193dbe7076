"""The part of Markdown that the topics use, read into blocks.

Headings, paragraphs, lists, tables and fenced code; within a line, `code` and **strong** text.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias


class Heading(NamedTuple):
    """A line that begins with one or more `#`."""

    level: int
    text: str


class Paragraph(NamedTuple):
    """Lines of text, joined into one."""

    text: str


class ListItem(NamedTuple):
    """An item of a list, with its mark: `-` or `1.`."""

    mark: str
    text: str


class ItemList(NamedTuple):
    """The items of a list, one after the other."""

    items: tuple[ListItem, ...]


class Table(NamedTuple):
    """A table with a heading."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class CodeBlock(NamedTuple):
    """Lines to be shown as they are, with the language that the fence names."""

    lines: tuple[str, ...]
    language: str = ""


Block: TypeAlias = Heading | Paragraph | ItemList | Table | CodeBlock

_HEADING = re.compile(r"(#+) (.*)")
_ITEM = re.compile(r"(-|\d+\.) (.*)")
_CELL_END = re.compile(r"(?<!\\)\|")
_FENCE = "```"
_BAR = "|"


def parse(text: str) -> list[Block]:
    """Read Markdown into blocks."""
    lines = text.splitlines()
    return list(_blocks(lines))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown."""
    rule = ["---"] * len(head)
    lines = [_written(row) for row in (head, rule, *rows)]
    return "".join(lines)


def _written(row: Sequence[str]) -> str:
    cells = [cell.replace(_BAR, rf"\{_BAR}") for cell in row]
    return f"| {' | '.join(cells)} |\n"


def _blocks(lines: list[str]) -> Iterator[Block]:
    place = 0
    while place < len(lines):
        end = _end_of_block(lines, place)
        if lines[place].strip():
            yield _block(lines[place:end])
        place = end


def _end_of_block(lines: list[str], start: int) -> int:
    """Return the index of the line after the block that begins at `start`."""
    first = lines[start]
    end = start + 1
    if first.startswith(_FENCE):
        return lines.index(_FENCE, end) + 1
    if not first.strip() or _HEADING.match(first):
        return end
    while end < len(lines) and _continues(lines[end], first):
        end += 1
    return end


def _continues(line: str, first: str) -> bool:
    """Return whether a line belongs to the block that begins with `first`."""
    if first.startswith(_BAR):
        return line.startswith(_BAR)
    if not line.strip() or _HEADING.match(line):
        return False
    if line.startswith((_FENCE, _BAR)):
        return False
    is_list = bool(_ITEM.match(first))
    return is_list or not _ITEM.match(line)


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first.startswith(_FENCE):
        language = first.removeprefix(_FENCE)
        return CodeBlock(tuple(lines[1:-1]), language)
    if first.startswith(_BAR):
        head, _, *rows = map(_cells, lines)
        return Table(head, tuple(rows))
    if heading := _HEADING.match(first):
        signs, text = heading.groups()
        return Heading(len(signs), text)
    if _ITEM.match(first):
        return ItemList(tuple(_items(lines)))
    return Paragraph(_joined(lines))


def _items(lines: list[str]) -> Iterator[ListItem]:
    starts = [place for place, line in enumerate(lines) if _ITEM.match(line)]
    ends = [*starts[1:], len(lines)]
    for start, end in zip(starts, ends, strict=True):
        mark, _, text = _joined(lines[start:end]).partition(" ")
        yield ListItem(mark, text)


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)


def _cells(line: str) -> tuple[str, ...]:
    """Split a line of a table into its cells."""
    inner = line.strip().strip(_BAR)
    cells = _CELL_END.split(inner)
    return tuple(cell.strip().replace(rf"\{_BAR}", _BAR) for cell in cells)
