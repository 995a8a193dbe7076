r"""A query without what people put into it: literals, comments and values become `?`; keywords,
names and shape stay.

Values are what SET, ALTER … SET, LISTEN, NOTIFY, PASSWORD, OPTIONS and CONNECTION are followed by,
also without quotes. In doubt, all the rest is masked: where a literal was cut off, where a
backslash before a quote would end it in one session and not in another
(standard_conforming_strings), and where versions disagree on the end of a number. A byte that did
not decode (`\xe9`) is a letter, as it is to the server:
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<escaped>[eE]'(?:[^'\\]|\\.?|'')*+(?P<escaped_end>'|\Z))
    | (?P<name>LETTER(?:LETTER|[0-9$])*+)
    | (?P<quoted>"(?:[^"]|"")*+")
    | (?P<parameter>\$[0-9]++)
    | \$(?P<tag>(?:LETTER(?:LETTER|[0-9])*+)?)\$
    | (?P<string>'(?:[^']|'')*+(?:'|\Z))
    | (?P<line>--[^\n\r]*+)
    | (?P<comment>/\*)
    | (?P<number>\.?[0-9](?:[eE][+-]?[0-9]|LETTER|[0-9.])*+)
    | (?P<space>\s++)
    | (?P<other>[^'"])
    """.replace("LETTER", r"(?:[A-Za-z_\x80-\U0010ffff]|\\x[89a-f][0-9a-f])"),
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_LETTER = re.compile(r"[^0-9.]")
_MASKS = {
    "escaped": "E'?'",
    "string": "'?'",
    "line": "--?",
    "comment": "/*?*/",
    "number": "?",
    "tag": "$$?$$",
}
_AMBIGUOUS = "\\'"

_NORMALIZED = frozenset(
    {"select", "insert", "update", "delete", "merge", "values", "table", "with", "("}
)
"""First words of statements whose query_id does not depend on their literals."""
_CHANNELS = frozenset({"listen", "unlisten", "notify"})
_GIDS = frozenset({("prepare", "transaction"), ("commit", "prepared"), ("rollback", "prepared")})
_UNNAMED = frozenset({("time", "zone"), ("identified", "by")})
"""Words before a value that has no sign before it."""
_SECRETIVE = frozenset({"role", "user", "group", "server", "foreign", "subscription"})
"""What is created and altered with passwords and connection strings."""
_SECRETS = frozenset({"password", "options", "connection"})


class Redaction(NamedTuple):
    """A masked query. `is_normalized`: its query_id says nothing of what was masked."""

    text: str
    is_normalized: bool


def redacted(query: str) -> str:
    """Return the query with every literal, comment and value masked, also where it was cut off
    anywhere.
    """
    return redaction(query).text


def redaction(query: str) -> Redaction:
    """Mask the query, and judge whether its query_id may be shown beside it."""
    shown: list[str] = []
    statement = _Statement()
    is_normalized, in_value = True, False
    for kind, text in _tokens(query):
        is_word = kind not in ("space", "line", "comment")
        if text == ";":
            is_normalized &= statement.is_normalized
            statement, in_value = _Statement(), False
        elif in_value:
            continue
        elif statement.expects_value and is_word:
            in_value, text = True, text if kind in _MASKS else "?"
        elif is_word:
            statement.take(kind, text.lower())
        is_normalized &= kind != "rest"
        shown.append(text)
    return Redaction("".join(shown), is_normalized and statement.is_normalized)


def _tokens(query: str) -> Iterator[tuple[str, str]]:
    """Yield each token's kind, and its text as it may be shown; "rest" is what cannot be split into
    tokens.
    """
    at = 0
    while token := _TOKEN.match(query, at):
        kind = (token.lastgroup or "").removesuffix("_end")
        yield kind, _MASKS.get(kind, token[0])
        at = _end(query, token, kind)
        if at < 0:
            yield "rest", ""
            return
    if at < len(query):  # a name in quotes that was cut off, or what only looks like one
        yield "rest", '"?'


def _end(query: str, token: re.Match[str], kind: str) -> int:
    """Return where what begins with the token is over; -1 where that cannot be known."""
    if kind == "tag":
        found = query.find(token[0], token.end())
        return -1 if found < 0 else found + len(token[0])
    if kind == "comment":
        return _end_of_comment(query, token.end())
    if kind == "string" and _AMBIGUOUS in token[0]:
        return -1
    # Before PostgreSQL 15 a number ends where a letter begins a name, which may have a $ in it.
    if kind == "number" and query.startswith("$", token.end()) and _LETTER.search(token[0]):
        return -1
    return token.end()


def _end_of_comment(query: str, at: int) -> int:
    """Return the end of a comment; comments nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(query, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return -1 if depth else at


class _Statement:
    """What has been read of one statement, as far as it decides on what follows."""

    def __init__(self) -> None:
        self._head: tuple[str, ...] = ()
        self._last: tuple[str, str] = ("", "")
        self._names_setting = False
        self._creates_table = False
        self.expects_value = False
        """All that follows, up to the statement's end, is a value."""

    @property
    def is_normalized(self) -> bool:
        """True if the server leaves the literals out of the statement's query_id."""
        return not self._head or (self._head[0] in _NORMALIZED and not self._creates_table)

    def take(self, kind: str, word: str) -> None:
        """Read the next token that is neither space nor comment."""
        if len(self._head) < 2:
            self._head = (*self._head, word)
        self._creates_table |= word == "into" and self._last[1] not in (
            "insert",
            "merge",
        )  # SELECT INTO
        self.expects_value = self._is_before_value(word)
        self._names_setting = self._goes_on_naming(kind, word)
        self._last = self._last[1], word

    def _is_before_value(self, word: str) -> bool:
        first = self._head[0]
        if first in _CHANNELS or self._head in _GIDS:
            return True
        if first == "import":
            return word == "options"
        if first not in ("set", "create", "alter"):
            return False
        if word in _SECRETS and first != "set":
            return self._head[-1] in _SECRETIVE
        is_unnamed = (self._last[1], word) in _UNNAMED or (
            first == "set" and word in ("names", "schema")
        )
        return is_unnamed or (self._names_setting and word in ("=", "to"))

    def _goes_on_naming(self, kind: str, word: str) -> bool:
        """Return whether the name of a setting may go on after this word."""
        return word == "set" or (
            self._names_setting and (kind in ("name", "quoted") or word == ".")
        )
