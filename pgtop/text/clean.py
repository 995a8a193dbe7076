"""The one place where text from outside is made safe for a terminal, and where cells are counted.

Cleaned text holds no control, no escape, no mark that turns text round, and nothing whose width
terminals disagree on: so a row is as wide as it was reckoned, whatever a stranger put into a query.
All that is shown comes through here.
https://www.postgresql.org/docs/current/monitoring-stats.html (the server passes query texts on
untouched)
"""

import re
from functools import lru_cache
from unicodedata import category

ELLIPSIS = "…"
REPLACEMENT = "\ufffd"
MOST_MARKS = 8
"""Combining marks kept on one character: enough for every script, too few to climb over the lines
above.
"""

_MARK_BASE = "◌"
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that nobody sees: of what Unicode lets a program leave out, those that Python
calls printable.

https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
(Default_Ignorable_Code_Point)
"""
_BREAK = re.compile(r"[\t-\r\x85\u2028\u2029][\t-\r\x85\u2028\u2029 ]*")
_LINE_END = re.compile(r"\r\n|[\n-\r\x85\u2028\u2029]")
_ONE_CELL_EACH = re.compile(
    r"[ -~\xa1-\xac\xae-\u02ff\u0400-\u0482\u048a-\u052f…▲▼◌\u2400-\u2421\u2500-\u257f\ufffd]*"
)
"""Text of these is clean and as wide as it is long; the library of widths (14 ms to import) is then
not needed.
"""


def clean(text: str) -> str:
    """`text` as one line that is safe to show: breaks become a space, every other control a visible
    symbol.
    """
    if _is_plain(text):
        return text
    line = _BREAK.sub(" ", text)
    return _tame_again(line) if len(line) <= _LONGEST_KEPT else _tame(line)


def clean_lines(text: str) -> str:
    """`text` safe to show as lines: every line end becomes a newline, a tab four spaces, the rest
    as in `clean`.
    """
    lines = _LINE_END.sub("\n", text).split("\n")
    return "\n".join(clean(line.replace("\t", "    ")) for line in lines)


def cells(text: str) -> int:
    """How many cells of a terminal cleaned `text` takes."""
    if text.isascii() or _ONE_CELL_EACH.fullmatch(text):
        return len(text)
    return sum(map(_cells_of, text))


def fit(text: str, width: int, right: bool = False) -> str:
    """`text`, raw or cleaned, as exactly `width` cells of cleaned text: padded (`right`: before it)
    or cut with `…`.
    """
    if width <= 0:
        return ""
    sane = (
        4 * width + 64
    )  # indentation and marks shrink; beyond that nobody pays for cleaning what is not shown
    shown = clean(text[:sane])
    whole = len(text) <= sane
    room = cells(shown)
    if not whole or room > width:
        shown, room = _cut(shown, min(width - 1, room))
        shown, room = shown + ELLIPSIS, room + 1
    padding = " " * (width - room)
    return padding + shown if right else shown + padding


def _is_plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    return _ONE_CELL_EACH.fullmatch(text) is not None


def _cut(text: str, width: int) -> tuple[str, int]:
    """The longest start of cleaned `text` that has room, and its cells; a wide character is never
    split.
    """
    if text.isascii() or _ONE_CELL_EACH.fullmatch(text):
        return text[:width], min(width, len(text))
    used = 0
    for place, char in enumerate(text):
        size = _cells_of(char)
        if used + size > width:
            return text[:place], used
        used += size
    return text, used


def _tame(line: str) -> str:
    """`line` with every character made visible and every mark on a base, at most `MOST_MARKS` of
    them.
    """
    kept: list[str] = []
    marks = 0
    for char in map(_visible, line):
        if not char:
            continue
        marks = marks + 1 if _is_mark(char) else 0
        if marks and not kept:
            kept.append(_MARK_BASE)
        if marks <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


_tame_again = lru_cache(maxsize=256)(_tame)
_LONGEST_KEPT = 1_000
"""Characters of a line that is kept, as names and the beginnings of queries are drawn again and
again.
"""


@lru_cache(maxsize=4096)
def _visible(char: str) -> str:
    """What stands for `char` on the screen; nothing for a variation selector: each terminal widens
    by it or not.
    """
    if _is_variation_selector(char):
        return ""
    if char in _UNSEEN:
        return REPLACEMENT
    if _is_flag_or_skin(char):
        return REPLACEMENT  # alone one or two cells, after an emoji none, as each terminal pleases
    if char.isprintable():
        return char
    return _symbol(char)


def _symbol(char: str) -> str:
    if char < " ":
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "\u2421"
    return " " if category(char) == "Zs" else REPLACEMENT


def _is_variation_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _is_flag_or_skin(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff" or "\U0001f3fb" <= char <= "\U0001f3ff"


def _is_mark(char: str) -> bool:
    return char >= "\u0300" and _cells_of(char) == 0


@lru_cache(maxsize=4096)
def _cells_of(char: str) -> int:
    if _ONE_CELL_EACH.fullmatch(char):
        return 1
    from wcwidth import wcwidth  # only here: most sessions never show a character that needs it

    return max(0, wcwidth(char))
