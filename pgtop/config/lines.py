"""The lines of keys in a TOML document, which Python's own reader does not keep.

The document must be valid: `tomllib` has read it. Loaded only for an error and for
`pgtop config show`.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str, ...]
"""A key with the tables that it stands in."""


class _Token(NamedTuple):
    """A piece of the document, and the line that it begins in."""

    text: str
    line: int


_TOKEN = re.compile(
    r"""
      "{3}(?:\\.|[^\\])*?"{3,5} | '{3}.*?'{3,5}    # texts of several lines
    | "(?:\\.|[^"\\\n])*" | '[^'\n]*'
    | \#[^\n]* | \n | [\[\]{}=,.] | [^\s\[\]{}=,."'#]+
    """,
    re.DOTALL | re.VERBOSE,
)


_DEEPEST = 16
"""Parts of a key that count: [servers.NAME.display] needs 4, and 30,000 took 10 s."""


@lru_cache(maxsize=4)
def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the first line of each key and each table, counted from 1."""
    lines: dict[KeyPath, int] = {}
    for path, line in _keys(_tokens(text)):
        for length in range(1, min(len(path), _DEEPEST) + 1):
            lines.setdefault(path[:length], line)
    return lines


def line_of(text: str, path: KeyPath) -> int:
    """Return the line of a key, or of the nearest table around it; 0 for none."""
    lines = key_lines(text)
    for length in range(min(len(path), _DEEPEST), 0, -1):
        if line := lines.get(path[:length]):
            return line
    return 0


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the tokens without blanks and comments."""
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token.startswith("#"):
            yield _Token(token, line)
        line += token.count("\n")


def _keys(tokens: Iterator[_Token]) -> Iterator[tuple[KeyPath, int]]:
    """Yield the keys with their lines, in the order of the document."""
    table: KeyPath = ()
    for token in tokens:
        if token.text in ("\n", "]"):
            continue
        if token.text == "[":
            table = _key(tokens, "]")
            yield table, token.line
            continue
        path = table + _key(chain((token,), tokens), "=")
        yield path, token.line
        yield from _inline_keys(tokens, path)


def _key(tokens: Iterator[_Token], end: str) -> KeyPath:
    """Return the parts of the key before `end`, which is taken as well."""
    parts = []
    for token in tokens:
        if token.text == end:
            break
        if token.text not in (".", "["):
            parts.append(_unquoted(token.text))
    return tuple(parts)


def _unquoted(part: str) -> str:
    if part.startswith("'"):
        return part[1:-1]
    if part.startswith('"'):
        return str(tomllib.loads(f"key = {part}")["key"])
    return part


def _inline_keys(
    tokens: Iterator[_Token], path: KeyPath
) -> Iterator[tuple[KeyPath, int]]:
    """Yield the keys of inline tables in the value of `path`, up to the end of the value."""
    opened: list[tuple[str, KeyPath]] = []
    is_key = False
    for token in tokens:
        if token.text == "\n":
            if not opened:
                return
        elif token.text in ("]", "}"):
            _, path = opened.pop()
            is_key = False
        elif is_key:
            _, table = opened[-1]
            path = table + _key(chain((token,), tokens), "=")
            yield path, token.line
            is_key = False
        else:
            if token.text in ("[", "{"):
                opened.append((token.text, path))
            is_key = bool(opened) and _begins_key(opened[-1][0], token.text)


def _begins_key(bracket: str, token: str) -> bool:
    """Return whether a key follows the token inside the innermost bracket."""
    return bracket == "{" and token in ("{", ",")
