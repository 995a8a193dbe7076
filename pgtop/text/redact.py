r"""Redaction: the literals, comments and values of a query become `?`; its keywords and names stay.

The values that follow SET, ALTER … SET, LISTEN, NOTIFY, PASSWORD, OPTIONS and CONNECTION are masked
without quotes, too. In doubt, all the rest of the query is masked: after a literal that was cut
off, where a backslash before a quote ends a literal in some sessions and not in others
(standard_conforming_strings), and where versions disagree on the end of a number. A byte that did
not decode (`\xe9`) is a letter, as it is for the server:
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
"""First words of statements with a query_id that does not depend on their literals."""
_CHANNELS = frozenset({"listen", "unlisten", "notify"})
_GIDS = frozenset(
    {("prepare", "transaction"), ("commit", "prepared"), ("rollback", "prepared")}
)
_UNNAMED = frozenset({("time", "zone"), ("identified", "by")})
"""Words that come directly before a value, without a sign."""
_SECRETIVE = frozenset({"role", "user", "group", "server", "foreign", "subscription"})
"""Objects that are created and altered with passwords and connection strings."""
_SECRETS = frozenset({"password", "options", "connection"})


class Redaction(NamedTuple):
    """A masked query."""

    text: str
    is_normalized: bool
    """True if its query_id reveals nothing about what was masked."""


def redacted(query: str) -> str:
    """Return the query with every literal, comment and value masked, wherever it was cut off."""
    return redaction(query).text


def redaction(query: str) -> Redaction:
    """Mask the query, and decide whether its query_id may be shown beside it."""
    shown: list[str] = []
    statement = _Statement()
    is_normalized = True
    in_value = False
    for kind, text in tokens(query):
        is_word = kind not in ("space", "line", "comment")
        if text == ";":
            is_normalized &= statement.is_normalized
            statement = _Statement()
            in_value = False
        elif in_value:
            continue
        elif statement.expects_value and is_word:
            in_value = True
            text = text if kind in _MASKS else "?"
        elif is_word:
            statement.take(kind, text.lower())
        is_normalized &= kind != "rest"
        shown.append(text)
    return Redaction("".join(shown), is_normalized and statement.is_normalized)


def tokens(query: str) -> Iterator[tuple[str, str]]:
    """Yield the kind of each token and its text, masked if it is a literal or a comment; "rest" is
    what cannot be split.
    """
    at = 0
    while token := _TOKEN.match(query, at):
        kind = (token.lastgroup or "").removesuffix("_end")
        yield kind, _MASKS.get(kind, token[0])
        at = _end(query, token, kind)
        if at < 0:
            yield "rest", ""
            return
    if at < len(query):  # a quoted name that was cut off, or what looks like one
        yield "rest", '"?'


def _end(query: str, token: re.Match[str], kind: str) -> int:
    """Return the end of what begins with the token; -1 if that cannot be known."""
    if kind == "tag":
        closing = query.find(token[0], token.end())
        return -1 if closing < 0 else closing + len(token[0])
    if kind == "comment":
        return _end_of_comment(query, token.end())
    if kind == "string" and _AMBIGUOUS in token[0]:
        return -1
    # Before PostgreSQL 15 a letter ends a number and begins a name, which may contain a $.
    if (
        kind == "number"
        and query.startswith("$", token.end())
        and _LETTER.search(token[0])
    ):
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
    """The state of one statement, as far as it decides what to mask next."""

    def __init__(self) -> None:
        self._head: tuple[str, ...] = ()
        self._last: tuple[str, str] = ("", "")
        self._names_setting = False
        self._creates_table = False
        self.expects_value = False
        """True if all that follows, up to the end of the statement, is a value."""

    @property
    def is_normalized(self) -> bool:
        """True if the query_id of the statement does not depend on its literals."""
        return not self._head or (
            self._head[0] in _NORMALIZED and not self._creates_table
        )

    def take(self, kind: str, word: str) -> None:
        """Read the next token that is neither space nor comment."""
        if len(self._head) < 2:
            self._head = (*self._head, word)
        is_select_into = word == "into" and self._last[1] not in ("insert", "merge")
        self._creates_table |= is_select_into
        self.expects_value = self._is_before_value(word)
        self._names_setting = self._may_name_setting(kind, word)
        self._last = self._last[1], word

    def _is_before_value(self, word: str) -> bool:
        first = self._head[0]
        if first in _CHANNELS or self._head in _GIDS:
            return True
        if first == "import":
            return word == "options"
        if first in ("set", "create", "alter"):
            return self._is_before_set_value(first, word)
        return False

    def _is_before_set_value(self, first: str, word: str) -> bool:
        if word in _SECRETS and first != "set":
            return self._head[-1] in _SECRETIVE
        if (self._last[1], word) in _UNNAMED:
            return True
        if first == "set" and word in ("names", "schema"):
            return True
        return self._names_setting and word in ("=", "to")

    def _may_name_setting(self, kind: str, word: str) -> bool:
        """Return whether the name of a setting may continue after this word."""
        if word == "set":
            return True
        return self._names_setting and (kind in ("name", "quoted") or word == ".")
