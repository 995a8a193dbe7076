"""The one place where text from outside is made safe for a terminal, and where cells are counted.

Cleaned text has no control characters, no escape sequences, no marks that reverse text, and no
characters that are wider in some terminals than in others. A row is exactly as wide as computed,
whatever a query contains. All text that is shown passes through here, as the server passes query
texts on unchanged: https://www.postgresql.org/docs/current/monitoring-stats.html
"""

import re
from functools import lru_cache
from unicodedata import category

ELLIPSIS = "…"
REPLACEMENT = "\ufffd"
MOST_MARKS = 8
"""Combining marks kept on one character: enough for every script, too few to cover other lines."""

_MARK_BASE = "◌"
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
)
"""Invisible characters that Python calls printable.

Default_Ignorable_Code_Point in
https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
"""
_BREAK = re.compile(r"[\t-\r\x85\u2028\u2029][\t-\r\x85\u2028\u2029 ]*")
_LINE_END = re.compile(r"\r\n|[\n-\r\x85\u2028\u2029]")
_ONE_CELL_EACH = re.compile(
    r"[ -~\xa1-\xac\xae-\u02ff\u0400-\u0482\u048a-\u052f“”…←-↓▪▲▶▸▼▾◂◄◌✓"
    r"\u2400-\u2421\u2500-\u259f\ufffd]*"
)
"""Text of these characters is clean, and as wide as it is long, so wcwidth (14 ms to import) is not
needed.
"""


def clean(text: str) -> str:
    """Return `text` as one line that is safe to show.

    Line breaks become a space, other control characters a visible symbol.
    """
    if _is_plain(text):
        return text
    line = _BREAK.sub(" ", text)
    return _cached_visible(line) if len(line) <= _LONGEST_CACHED else _visible(line)


def clean_lines(text: str) -> str:
    """Return `text` as lines that are safe to show.

    Every line end becomes a newline, a tab four spaces; all else is as in `clean`.
    """
    lines = _LINE_END.sub("\n", text).split("\n")
    return "\n".join(clean(line.replace("\t", "    ")) for line in lines)


def cells(text: str) -> int:
    """Return the width of cleaned `text` in terminal cells."""
    if text.isascii() or _ONE_CELL_EACH.fullmatch(text):
        return len(text)
    return sum(map(_cells_of, text))


def fit(text: str, width: int, right: bool = False) -> str:
    """Return `text`, raw or cleaned, as exactly `width` cells of cleaned text.

    It is padded on the right, or on the left if it is `right`-aligned, or cut with `…`.
    """
    if width <= 0:
        return ""
    # Cleaning shrinks indentation and marks; more than this is not worth cleaning.
    enough = 4 * width + 64
    shown = clean(text[:enough])
    used = cells(shown)
    if len(text) > enough or used > width:
        shown, used = _cut(shown, min(width - 1, used))
        shown = shown + ELLIPSIS
        used = used + 1
    padding = " " * (width - used)
    return padding + shown if right else shown + padding


def _is_plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable()
    return _ONE_CELL_EACH.fullmatch(text) is not None


def _cut(text: str, width: int) -> tuple[str, int]:
    """Return the longest start of cleaned `text` that fits, and its width.

    A wide character is never split.
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


def _visible(line: str) -> str:
    """Return `line` with all characters visible, and at most MOST_MARKS marks on each base."""
    kept: list[str] = []
    marks = 0
    for char in map(_visible_char, line):
        if not char:
            continue
        marks = marks + 1 if _is_mark(char) else 0
        if marks and not kept:
            kept.append(_MARK_BASE)
        if marks <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


_cached_visible = lru_cache(maxsize=256)(_visible)
_LONGEST_CACHED = 1_000
"""Characters of a line that is cached: names and the starts of queries are drawn repeatedly."""


@lru_cache(maxsize=4096)
def _visible_char(char: str) -> str:
    """Return what is shown for `char`.

    A variation selector is dropped: some terminals widen the character before it, others do not.
    """
    if _is_variation_selector(char):
        return ""
    if char in _INVISIBLE:
        return REPLACEMENT
    if _is_flag_or_skin(char):
        return REPLACEMENT  # none, one or two cells, depending on the terminal
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
    from wcwidth import wcwidth  # late: most sessions show no character that needs it

    return max(0, wcwidth(char))
