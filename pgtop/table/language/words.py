"""Words that are never taken for text, and what to write in their place."""

import re

CONNECTIVES = frozenset({"and", "or", "not"})
_KEYWORDS = CONNECTIVES | frozenset(
    {"in", "like", "ilike", "similar", "is", "null", "between", "true", "false"}
)
_ADVICE = {
    "like": "db:shop is contains and db~^shop a pattern, both in any case",
    "ilike": "db:shop is contains and db~^shop a pattern, both in any case",
    "similar": "db:shop is contains and db~^shop a pattern, both in any case",
    "in": "one of several is pid:4711,4712, and a state with blanks state:idle-in-tx",
    "is": "a column without anything in it is not app~., and not is not app:web",
    "null": "a column without anything in it is not app~.",
    "between": "write two terms, as in age>=1m age<=5m",
    "true": "write the comparison alone, as in state:idle",
    "false": "write not before a comparison, as in not state:idle",
    "xor": "write or, and, not and parentheses",
    "nor": "write or, and, not and parentheses",
    "but": "write and, or not",
    "except": "write not",
    "without": "write not",
    "unless": "write not",
    "where": "write the comparisons alone",
    "isnull": "a column without anything in it is not app~.",
    "notnull": "a column with anything in it is app~.",
    "any": "one of several is user:web,api",
    "all": "every client is the option --all-clients",
    "some": "one of several is user:web,api",
    "exists": "write the comparison alone",
    "contains": "write app:web",
    "containing": "write app:web",
    "matches": "write app~^web",
    "matching": "write app~^web",
    "equals": "write app=web",
}
"""What SQL or plain English would read as an operator, and how this language has it."""


def is_keyword(word: str) -> bool:
    """Say whether the word is an operator or a constant of this language or of SQL, in any case."""
    return word.lower() in _KEYWORDS


def is_operator(word: str) -> bool:
    """Say whether the word, alone, may be meant as an operator, in plain English too."""
    return word.lower() in CONNECTIVES or word.lower() in _ADVICE


def advice_on(word: str) -> str:
    """Return what to write in place of a keyword that stands where none belongs."""
    lower = word.lower()
    if lower in CONNECTIVES:
        return f"`{word}` stands between or before terms; as text it goes in quotes"
    return f"`{word}` is not part of the language: {_ADVICE[lower]}; as text it goes in quotes"


def is_plain_text(text: str, plain: str) -> bool:
    """Say whether `text` is read as a value made of `plain` characters, and as nothing else."""
    return (
        re.fullmatch(plain, text) is not None and not text.startswith("-") and not is_keyword(text)
    )
