"""Any bytes that a stranger may send as a text, their possible encodings, and what may never be
shown."""

import re
from unicodedata import category

from hypothesis import settings
from hypothesis import strategies as st

ENCODINGS = ("UTF8", "LATIN1", "SQL_ASCII", "EUC_JP", "WIN1251")
CASES = max(1_000, settings.default.max_examples if settings.default else 0)
"""How many are tried; 100,000 with --hypothesis-profile nightly."""

FRAGMENTS = (
    b"\x1b[5;8m", b"\x1b[2J\x1b[H", b"\x1b]0;owned\x07", b"\x1b]52;c;b3duZWQ=\x1b\\",
        b"\x1bP+q\x1b\\", b"\x1b[5n",
    b"\x1bc", b"\x9b31m", b"\x9d0;owned\x9c", b"\x90q\x9c", b"\xc2\x9b31m", b"\xc2\x9d0;owned\x07",
    b"\x07\x08\x0e\x0f\x7f", b"\x00", b"\r\n", b"\t\x0b\x0c", b"\x85", "\u2028\u2029".encode(),
    "a\u202eb\u2066c\u200f\u061c".encode(),
    "\u200b\u200c\u200d\u2060\ufeff\xad\u034f\u115f\u3164\uffa0\u180b".encode(),
    ("e" + "\u0301" * 20).encode(), "\u0336\u20dd".encode(), ("ก" + "็" * 9).encode(),
    "\u1112\u1161\u11ab".encode(),
    "日本語".encode(), "日本語".encode("euc_jp"), b"\x8f\xa1\xa1\x8e", "Привет".encode(),
    "Привет".encode("cp1251"),
    "naïve".encode("latin1"), "👩\u200d👩\u200d👧 👍🏽 🇩🇪 ❤\ufe0f".encode(),
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\\x1b", b"{0.__class__} %s $1",
    b"[/red] [@click=app.quit]q[/]", b"=cmd|' /C calc'!A0", "＝1+1".encode(), b"-2+3", b'"',
)  # fmt: skip
TEXTS = st.lists(st.binary(max_size=8) | st.sampled_from(FRAGMENTS), max_size=5).map(
    b"".join
)
"""Any bytes, more often such as do harm where they are not cleaned."""

_STYLE = r"(?:[0-479]|2[2-57]|[34][0-79]|9[0-7]|10[0-7])"
OURS = re.compile(
    rf"\x1b\[(?:\d*(?:;\d+)?H|\d*[ABCD]|K|(?:{_STYLE}(?:;{_STYLE})*)?m|6n)"
    r"|\x1b\[(?:\?(?:7|25|1000|1004|1006|1049|2004)[hl]|\?2026\$p|>25u|<u)|\x1b\]22;default\x07|\x1bM"
    r"|\x1b\]1[01];\?\x1b\\"
)
"""The sequences that pgtop writes in the terminal's own colours; each of FRAGMENTS would need
another one."""
MOVES = frozenset("\b\r\n")
"""Moves that pgtop's painter writes, as they are shorter than a sequence; a stranger's would
break the columns."""

_IGNORABLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that terminals show as nothing, or each in its own way.

https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
(Default_Ignorable_Code_Point)
"""
_ACTING = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def harmful(text: str) -> set[str]:
    """Return the characters that act on a terminal or their neighbours, or are invisible."""
    characters = set(text)
    acting = {char for char in characters if category(char) in _ACTING}
    return acting | set(filter(_IGNORABLE.fullmatch, characters))
