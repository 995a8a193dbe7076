"""Markdown as the source of a man page, in roff with the man macros and tbl.

https://man7.org/linux/man-pages/man7/groff_man.7.html
"""

import re
import textwrap
from collections.abc import Iterable, Sequence

from pgtop.help.markdown import (
    Block,
    CodeBlock,
    Heading,
    ItemList,
    ListItem,
    Paragraph,
    Table,
)

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_BOLD = "\x01"
_ROMAN = "\x02"
"""Marks that stand for fonts until the text is escaped."""
_SOURCE_WIDTH = 72
_NARROW = 26
"""Characters of a cell that needs no line break."""
_PARAGRAPH = ".PP"
_SECTIONS = (".SH", ".SS")
_ESCAPES = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
    _BOLD: r"\fB",
    _ROMAN: r"\fR",
}
"""https://man7.org/linux/man-pages/man7/groff_char.7.html"""


def man_page(title: str, version: str, date: str, blocks: Iterable[Block]) -> str:
    """Return the source of a man page. Its first line makes `man` run tbl."""
    name = title.upper()
    lines = [
        "'\\\" t",
        f'.TH {name} 1 "{date}" "{title} {version}" "User Commands"',
        ".ad l",
        ".nh",
    ]
    for block in blocks:
        source = _lines(block)
        if lines[-1].startswith(_SECTIONS) and source[0] == _PARAGRAPH:
            del source[0]  # a section begins a paragraph by itself
        lines += source
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> list[str]:
    match block:
        case Heading():
            return [_heading(block)]
        case Paragraph():
            return [_PARAGRAPH, *_text(block.text)]
        case ItemList():
            return _list(block)
        case CodeBlock():
            lines = [_code_line(line) for line in block.lines]
            return [_PARAGRAPH, ".RS 4", ".nf", *lines, ".fi", ".RE"]
        case Table():
            return _table(block)


def _heading(heading: Heading) -> str:
    if heading.level == 1:
        return f'.SH "{_escaped(heading.text.upper())}"'
    return f'.SS "{_line(heading.text)}"'


def _list(block: ItemList) -> list[str]:
    lines = []
    for item in block.items:
        lines += [_item_mark(item), *_text(item.text)]
    return lines


def _item_mark(item: ListItem) -> str:
    mark = r"\(bu" if item.mark == "-" else item.mark
    return f".IP {mark} 4"


def _table(table: Table) -> list[str]:
    """Show a table as terms and definitions, or by tbl if all columns but the last are narrow."""
    if len(table.head) == 2:
        return _definitions(table.rows)
    widest = max(len(cell) for row in table.rows for cell in row[:-1])
    if widest <= _NARROW:
        return _grid(table)
    heads = table.head[1:]
    rows = [(row[0], _sentence(heads, row[1:])) for row in table.rows]
    return _definitions(rows)


def _definitions(rows: Iterable[Sequence[str]]) -> list[str]:
    lines = []
    for term, definition in rows:
        lines += [".TP", _line(term)]
        lines += _text(definition) or [r"\&"]
    return lines


def _sentence(heads: Sequence[str], cells: Sequence[str]) -> str:
    """Return the cells of a row, each after the heading of its column."""
    pairs = zip(heads, cells, strict=True)
    return "; ".join(f"{head}: {cell}" for head, cell in pairs if cell)


def _grid(table: Table) -> list[str]:
    """Show a table by tbl. Its last column takes the rest of the line, in blocks of text."""
    kinds = ["l"] * (len(table.head) - 1)
    format_line = " ".join([*kinds, "lx."])
    head = "\t".join(_line(f"**{cell}**") for cell in table.head)
    lines = [_PARAGRAPH, ".TS", format_line, head]
    for *cells, last in table.rows:
        beginning = [_line(cell) for cell in cells]
        lines.append("\t".join([*beginning, "T{"]))
        lines += _text(last)
        lines.append("T}")
    return [*lines, ".TE"]


def _text(text: str) -> list[str]:
    """Return text in lines of the source that are easy to compare."""
    lines = textwrap.wrap(
        text,
        _SOURCE_WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [_line(line) for line in _with_whole_fonts(lines)]


def _with_whole_fonts(lines: list[str]) -> list[str]:
    """Join a line to the next where code or strong text goes on in it."""
    whole: list[str] = []
    is_open = False
    for line in lines:
        if is_open:
            whole[-1] = f"{whole[-1]} {line}"
        else:
            whole.append(line)
        last = whole[-1]
        is_open = last.count("`") % 2 == 1 or last.count("**") % 2 == 1
    return whole


def _line(text: str) -> str:
    """Return a line of text with its fonts, escaped. It must not begin like a request."""
    bold = f"{_BOLD}\\1{_ROMAN}"
    text = _CODE.sub(bold, text)
    text = _STRONG.sub(bold, text)
    return _guarded(_escaped(text))


def _code_line(line: str) -> str:
    return _guarded(_escaped(line))


def _guarded(line: str) -> str:
    return rf"\&{line}" if line.startswith((".", "'")) else line


def _escaped(text: str) -> str:
    return "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isascii() else rf"\[u{ord(character):04X}]"
