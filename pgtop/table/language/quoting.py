"""Text in quotes: how it is written, and how it is read back."""

import re
import sys

from pgtop.table.language.lazy import LazyPattern

_DOUBLE = LazyPattern(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_SINGLE = LazyPattern(r"'((?:[^']|'')*+)'")
_ESCAPE = LazyPattern(r'\\(?:(["\\])|u\{([0-9a-f]{1,6})\})')
QUOTES = "\"'"


def quoted(text: str) -> str:
    """Return `text` as a value of the language, which reads it back unchanged; every character of
    it is printable.
    """
    return '"' + "".join(map(_escaped, text, f'{text[1:]}"')) + '"'


def unquoted(text: str, at: int) -> tuple[str, int] | None:
    r"""Read the quoted text that begins at `at`, and where it ends; None if it does not end.

    In single quotes all is as written and '' is a quote, as in SQL; in double ones \" is a quote
    and \\ a backslash.
    """
    if text[at] == "'":
        single = _SINGLE.match(text, at)
        return None if single is None else (single[1].replace("''", "'"), single.end())
    double = _DOUBLE.match(text, at)
    return None if double is None else (_ESCAPE.compiled.sub(_unescaped, double[1]), double.end())


def _escaped(character: str, following: str) -> str:
    """Write one character; a backslash that cannot be misread stays alone, as people know it in
    patterns.
    """
    is_backslash_in_doubt = character == "\\" and (
        following in '"\\u' or not following.isprintable()
    )
    if character == '"' or is_backslash_in_doubt:
        return "\\" + character
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[1]
    code = int(escape[2], 16)
    return chr(code) if code <= sys.maxunicode else escape[0]
