"""Words that never count as text, and what to write instead."""

import re

CONNECTIVES = frozenset({"and", "or", "not"})
_KEYWORDS = CONNECTIVES | frozenset(
    {"in", "like", "ilike", "similar", "is", "null", "between", "true", "false"}
)
_LIKE = "write db:shop (contains) or db~^shop (a pattern), both in any case"
_LOGIC = "write or, and, not and parentheses"
_NO_VALUE = "for an empty value write not app~."
_ADVICE = {
    "like": _LIKE,
    "ilike": _LIKE,
    "similar": _LIKE,
    "in": "for one of several write pid:4711,4712; a state is one word, as in state:idle-in-tx",
    "is": f"{_NO_VALUE}; to negate, write not app:web",
    "null": _NO_VALUE,
    "between": "write two terms, as in age>=1m age<=5m",
    "true": "write the comparison alone, as in state:idle",
    "false": "write not before a comparison, as in not state:idle",
    "xor": _LOGIC,
    "nor": _LOGIC,
    "but": "write and, or not",
    "except": "write not",
    "without": "write not",
    "unless": "write not",
    "where": "write the comparisons alone",
    "isnull": _NO_VALUE,
    "notnull": "for any value write app~.",
    "any": "for one of several write user:web,api",
    "all": "for every client use the option --all-clients",
    "some": "for one of several write user:web,api",
    "exists": "write the comparison alone",
    "contains": "write app:web",
    "containing": "write app:web",
    "matches": "write app~^web",
    "matching": "write app~^web",
    "equals": "write app=web",
}
"""Words that SQL or plain English would read as an operator, and their form in this language."""


def is_keyword(word: str) -> bool:
    """Return whether the word is an operator or a constant of this language or of SQL, in any
    case.
    """
    return word.lower() in _KEYWORDS


def is_operator(word: str) -> bool:
    """Return whether the word, alone, may be intended as an operator, in plain English too."""
    return word.lower() in CONNECTIVES or word.lower() in _ADVICE


def advice_on(word: str) -> str:
    """Return what to write instead of a misplaced keyword."""
    lower = word.lower()
    if lower in CONNECTIVES:
        return f"`{word}` stands between or before terms; as text it goes in quotes"
    return f"there is no `{word}`: {_ADVICE[lower]}; as text it goes in quotes"


def is_plain_text(text: str, plain: str) -> bool:
    """Return whether `text` needs no quotes as a value that the pattern `plain` describes."""
    if text.startswith("-") or is_keyword(text):
        return False
    return re.fullmatch(plain, text) is not None
