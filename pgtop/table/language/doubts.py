"""What may not be meant as it is written: characters that look like others, and terms that no
session can fulfil.
"""

from collections.abc import Iterable

from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import KEYS
from pgtop.table.language.quoting import quoted
from pgtop.table.language.tree import All, Node, Relation, Term
from pgtop.table.language.words import is_plain_text

_LOOKS_LIKE = {
    **dict.fromkeys("“”„‟«»″＂", '"'), **dict.fromkeys("‘’‚‛′´`＇", "'"), **dict.fromkeys("–—−‐‑‒―－¬", "-"),
    **dict.fromkeys("：∶", ":"), **dict.fromkeys("～∼", "~"), "＝": "=", "＞": ">", "＜": "<", "！": "!",
    "≠": "!=", "≥": ">=", "≤": "<=", "（": "(", "）": ")", "，": ",",
}  # fmt: skip
"""What chats, editors and keyboards put in place of the signs of the language."""
_LINES = "\t\n\r"

_ONE_OF = {
    "pid": ("pids", ":"), "state": ("states", ":"), "db": ("databases", "="), "user": ("roles", "="),
    "app": ("application names", "="), "host": ("host names", "="), "type": ("types", "="),
}  # fmt: skip
"""What a session has one of, and the sign of a list of them."""
_DISTINCT_STATES = frozenset({"active", "waiting", "idle", "idle-in-tx"})


def check_is_seen(text: str, position: int) -> None:
    """Raise FilterError for a character that cannot be seen: `db!="shop"` with one in it holds of
    shop, too.
    """
    for place, character in enumerate(text):
        if not character.isprintable() and character not in _LINES:
            raise _unseen(character, position + place)


def check_is_what_it_looks_like(text: str, position: int) -> None:
    """Raise FilterError for a character without quotes that is not seen, or looks like a sign of
    the language.
    """
    check_is_seen(text, position)
    for place, character in enumerate(text):
        if sign := _LOOKS_LIKE.get(character):
            advice = f"write {sign}" if sign not in "\"'" else "write \" or '"
            message = (
                f"`{character}` is not part of the language: {advice}; as text it goes in quotes"
            )
            raise FilterError(message, position + place)


def check_can_hold(node: Node) -> None:
    """Raise FilterError for two terms of which no session can fulfil both: a list of values is
    meant.
    """
    terms = [each for each in node.nodes if isinstance(each, Term)] if isinstance(node, All) else []
    for place, term in enumerate(terms):
        others = [each for each in terms[:place] if _exclude_each_other(each, term)]
        if others:
            what, sign = _ONE_OF[term.key]
            together = _list_of((*others, term))
            raise FilterError(
                f"no session has two {what}: several are {term.key}{sign}{together}", term.position
            )


def _unseen(character: str, position: int) -> FilterError:
    code = ord(character)
    name = (
        "this blank is not an ordinary one"
        if character.isspace()
        else "a character here cannot be seen"
    )
    advice = f'take it away, or write \\u{{{code:x}}} in "…"'
    return FilterError(f"{name} (U+{code:04X}): {advice}", position)


def _exclude_each_other(one: Term, other: Term) -> bool:
    """Say whether no session can fulfil both of two terms."""
    if one.key != other.key or one.key not in _ONE_OF or one.negated or other.negated:
        return False
    if not set(one.values).isdisjoint(other.values):
        return one.is_bare_pid or other.is_bare_pid
    if one.key == "state":
        return _is_distinct_state(one) and _is_distinct_state(other)
    return one.key == "pid" or one.relation is other.relation is Relation.IS


def _is_distinct_state(term: Term) -> bool:
    return term.relation is not Relation.MATCHES and _DISTINCT_STATES.issuperset(term.values)


def _list_of(terms: Iterable[Term]) -> str:
    values = dict.fromkeys((term.key, value) for term in terms for value in term.values)
    return ",".join(
        value if is_plain_text(value, KEYS[key].plain) else quoted(value) for key, value in values
    )
