"""Markdown as the source of a man page, in roff with the man macros and tbl.

https://man7.org/linux/man-pages/man7/groff_man.7.html
"""

import re
import textwrap
from collections.abc import Iterable, Sequence

from pgtop.help.markdown import Block, CodeBlock, Heading, ItemList, ListItem, Paragraph, Table

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_BOLD, _ROMAN = "\x01", "\x02"
"""Marks that stand for fonts until the text is escaped."""
_SOURCE_WIDTH = 72
_NARROW = 26
"""Characters of a cell that needs no line break."""
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
    lines = ["'\\\" t", f'.TH {title.upper()} 1 "{date}" "{title} {version}" "User Commands"', ".ad l", ".nh"]
    for block in blocks:
        source = _lines(block)
        is_first = lines[-1].startswith((".SH", ".SS"))
        lines += source[1:] if is_first and source[0] == ".PP" else source
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(1, text):
            return [f'.SH "{_escaped(text.upper())}"']
        case Heading(_, text):
            return [f'.SS "{_escaped(text)}"']
        case Paragraph(text):
            return [".PP", *_text(text)]
        case ItemList(items):
            return [line for item in items for line in _item(item)]
        case CodeBlock(lines):
            return [".PP", ".RS 4", ".nf", *map(_code_line, lines), ".fi", ".RE"]
        case Table():
            return _table(block)


def _item(item: ListItem) -> list[str]:
    mark = r"\(bu" if item.mark == "-" else item.mark
    return [f".IP {mark} 4", *_text(item.text)]


def _table(table: Table) -> list[str]:
    """Show a table as terms and definitions, or by tbl if all columns but the last are narrow."""
    if len(table.head) == 2:
        return _definitions((term, definition) for term, definition in table.rows)
    beginnings = [cell for row in table.rows for cell in row[:-1]]
    if max(map(len, beginnings)) > _NARROW:
        return _definitions((term, _sentence(table.head[1:], others)) for term, *others in table.rows)
    return _grid(table)


def _definitions(rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = []
    for term, definition in rows:
        lines += [".TP", _line(term), *(_text(definition) or [r"\&"])]
    return lines


def _sentence(heads: Sequence[str], cells: Sequence[str]) -> str:
    """Return the cells of a row, each after the heading of its column."""
    return "; ".join(f"{head}: {cell}" for head, cell in zip(heads, cells, strict=True) if cell)


def _grid(table: Table) -> list[str]:
    """Show a table by tbl. Its last column takes the rest of the line, in blocks of text."""
    kinds = ["l"] * (len(table.head) - 1) + ["lx"]
    lines = [".PP", ".TS", f"{' '.join(kinds)}.", "\t".join(_line(f"**{cell}**") for cell in table.head)]
    for *cells, last in table.rows:
        begin = "\t".join([*map(_line, cells), "T{"])
        lines += [begin, *_text(last), "T}"]
    return [*lines, ".TE"]


def _text(text: str) -> list[str]:
    """Return text in lines of the source that are easy to compare."""
    return [_line(line) for line in textwrap.wrap(text, _SOURCE_WIDTH, break_long_words=False, break_on_hyphens=False)]


def _line(text: str) -> str:
    """Return a line of text with its fonts, escaped. It must not begin like a request."""
    marked = _CODE.sub(f"{_BOLD}\\1{_ROMAN}", text)
    marked = _STRONG.sub(f"{_BOLD}\\1{_ROMAN}", marked)
    return _guarded(_escaped(marked))


def _code_line(line: str) -> str:
    return _guarded(_escaped(line))


def _guarded(line: str) -> str:
    return rf"\&{line}" if line.startswith((".", "'")) else line


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character) or _ascii(character) for character in text)


def _ascii(character: str) -> str:
    return character if character.isascii() else rf"\[u{ord(character):04X}]"
