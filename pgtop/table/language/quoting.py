"""Quoted text, written and read back; and the filters that a name stands for."""

import re
import sys
from collections.abc import Mapping
from typing import TypeAlias

Saved: TypeAlias = Mapping[str, str] | None
"""The filters that `@name` stands for, by their names; None where none may be named."""

_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'((?:[^']|'')*+)'")
_ESCAPE = re.compile(r'\\(?:(["\\])|u\{([0-9a-f]{1,6})\})')
QUOTES = "\"'"


def quoted(text: str) -> str:
    """Return `text` as a value of the language, all of printable characters, which is read back
    unchanged.
    """
    following = f'{text[1:]}"'
    return '"' + "".join(map(_escaped, text, following)) + '"'


def unquoted(text: str, position: int) -> tuple[str, int] | None:
    r"""Return the quoted text that starts at `position`, and its end; None if it does not end.

    Single quotes take all characters literally, and '' is a quote, as in SQL; in double ones \" is
    a quote and \\ a backslash.
    """
    if text[position] == "'":
        match = _SINGLE_QUOTED.match(text, position)
        return None if match is None else (match[1].replace("''", "'"), match.end())
    match = _DOUBLE_QUOTED.match(text, position)
    return None if match is None else (_ESCAPE.sub(_unescaped, match[1]), match.end())


def _escaped(character: str, following: str) -> str:
    """Write one character; a backslash that cannot be misread stays single, as people know it from
    patterns.
    """
    if character == '"':
        return '\\"'
    if character == "\\":
        is_ambiguous = following in '"\\u' or not following.isprintable()
        return "\\\\" if is_ambiguous else "\\"
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[1]
    code = int(escape[2], 16)
    return chr(code) if code <= sys.maxunicode else escape[0]
