"""The one text of the language for a filter, which is read back as the same filter."""

from pgtop.table.language.quoting import quoted
from pgtop.table.language.tree import (
    And,
    Node,
    Not,
    Or,
    Term,
)
from pgtop.table.language.vocabulary import Key, Relation
from pgtop.table.language.words import is_plain_text


def canonical(node: Node) -> str:
    """Return the text of the language that is read back as this tree."""
    match node:
        case Term():
            return _term(node)
        case Not(inner):
            return f"not ({canonical(inner)})"
        case And(nodes):
            return " ".join(map(_conjunct, nodes))
        case Or(nodes):
            return " or ".join(map(canonical, nodes))


def _conjunct(node: Node) -> str:
    return f"({canonical(node)})" if isinstance(node, Or) else canonical(node)


def _term(term: Term) -> str:
    negation = "not " if term.is_negated else ""
    if term.key is None:
        sign = "~" if term.relation is Relation.MATCHES else ""
        return f"{negation}{sign}{quoted(term.values[0])}"
    values = ",".join(_value(term.key, term.relation, value) for value in term.values)
    return f"{negation}{term.key.name}{term.relation.value}{values}"


def _value(key: Key, relation: Relation, value: str) -> str:
    is_plain = relation is not Relation.MATCHES and is_plain_text(value, key.plain)
    return value if is_plain else quoted(value)
