"""The signs of comparisons."""

import re
from collections.abc import Mapping

from pgtop.table.language.vocabulary import Relation

SIGNS: Mapping[str, tuple[Relation, bool]] = {
    ":~": (Relation.MATCHES, False),
    "~": (Relation.MATCHES, False),
    "~*": (Relation.MATCHES, False),
    "!~": (Relation.MATCHES, True),
    "!~*": (Relation.MATCHES, True),
    ":=": (Relation.IS, False),
    "=": (Relation.IS, False),
    "==": (Relation.IS, False),
    "!=": (Relation.IS, True),
    "<>": (Relation.IS, True),
    ":": (Relation.CONTAINS, False),
    "!:": (Relation.CONTAINS, True),
    "<=": (Relation.AT_MOST, False),
    ">=": (Relation.AT_LEAST, False),
    "<": (Relation.LESS, False),
    ">": (Relation.MORE, False),
}
"""The relation of each sign, and whether it is negated."""
_SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))

COMPARISON = re.compile(rf"([^\W\d][\w-]*)(\s*)({_SIGN})(\s*)")
"""A key with its sign, and the blanks around it."""
STRAY_SIGN = re.compile(r"[:=!<>~]+")
WILDCARDS = "*%?"
INSTEAD_OF = {
    "|": "alternatives are app:web,api, or terms with `or` between them",
    "&": "terms stand one after the other, or with `and` between them",
    ",": "several values stand without blanks, as in user:web,api",
    "+": "terms stand one after the other",
}
"""What to write instead of signs of other languages."""
