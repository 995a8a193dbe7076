r"""A query without what people put into it: literals and comments become `?`; keywords, names and shape stay.

In doubt, all the rest is masked: where a literal was cut off, and where a backslash before a quote would end it in one
session and not in another (standard_conforming_strings).
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re

_TOKEN = re.compile(
    r"""
      (?P<escaped>[eE]'(?:[^'\\]|\\.?|'')*+(?P<escaped_end>'|\Z))
    | (?P<name>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (?P<quoted>"(?:[^"]|"")*+")
    | (?P<parameter>\$[0-9]++)
    | \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?)\$
    | (?P<string>'(?:[^']|'')*+(?:'|\Z))
    | (?P<line>--[^\n\r]*+)
    | (?P<comment>/\*)
    | (?P<number>\.?[0-9](?:[eE][+-]?[0-9]|[A-Za-z0-9_.\x80-\U0010ffff])*+)
    | (?P<other>[^'"])
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_MASKS = {"escaped": "E'?'", "string": "'?'", "line": "--?", "comment": "/*?*/", "number": "?", "tag": "$$?$$"}
_AMBIGUOUS = "\\'"


def redacted(query: str) -> str:
    """The query with every literal and comment masked, also where it was cut off anywhere."""
    shown: list[str] = []
    at = 0
    while token := _TOKEN.match(query, at):
        kind = token.lastgroup if token.lastgroup != "escaped_end" else "escaped"
        shown.append(_MASKS.get(kind or "", token[0]))
        at = _end(query, token, kind)
    if at < len(query):  # a name in quotes that was cut off, or what only looks like one
        shown.append('"?')
    return "".join(shown)


def _end(query: str, token: re.Match[str], kind: str | None) -> int:
    """Where what begins with the token is over."""
    if kind == "tag":
        found = query.find(token[0], token.end())
        return len(query) if found < 0 else found + len(token[0])
    if kind == "comment":
        return _end_of_comment(query, token.end())
    if kind == "string" and _AMBIGUOUS in token[0]:
        return len(query)
    return token.end()


def _end_of_comment(query: str, at: int) -> int:
    """Comments nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(query, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(query) if depth else at
