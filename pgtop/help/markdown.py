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
    """Lines to be shown as they are."""

    lines: tuple[str, ...]


Block: TypeAlias = Heading | Paragraph | ItemList | Table | CodeBlock

_HEADING = re.compile(r"(#+) (.*)")
_ITEM = re.compile(r"(-|\d+\.) (.*)")
_CELL_END = re.compile(r"(?<!\\)\|")
_FENCE = "```"


def parse(text: str) -> list[Block]:
    """Read Markdown into blocks."""
    return list(_blocks(text.splitlines()))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


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
        while lines[end] != _FENCE:
            end += 1
        return end + 1
    if not first.strip() or _HEADING.match(first):
        return end
    while end < len(lines) and _continues(lines[end], first):
        end += 1
    return end


def _continues(line: str, first: str) -> bool:
    """Return whether a line belongs to the block whose first line is `first`."""
    if first.startswith("|"):
        return line.startswith("|")
    if not line.strip() or line.startswith((_FENCE, "|")) or _HEADING.match(line):
        return False
    return bool(_ITEM.match(first)) or not _ITEM.match(line)


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first.startswith(_FENCE):
        return CodeBlock(tuple(lines[1:-1]))
    if first.startswith("|"):
        head, _, *rows = map(_cells, lines)
        return Table(head, tuple(rows))
    if heading := _HEADING.match(first):
        return Heading(len(heading[1]), heading[2])
    text = " ".join(line.strip() for line in lines)
    return ItemList(_items(lines)) if _ITEM.match(first) else Paragraph(text)


def _items(lines: list[str]) -> tuple[ListItem, ...]:
    items: list[ListItem] = []
    for line in lines:
        if begin := _ITEM.match(line):
            items.append(ListItem(begin[1], begin[2]))
        else:
            items[-1] = ListItem(items[-1].mark, f"{items[-1].text} {line.strip()}")
    return tuple(items)


def _cells(line: str) -> tuple[str, ...]:
    cells = _CELL_END.split(line.strip()[1:-1])
    return tuple(cell.strip().replace("\\|", "|") for cell in cells)
