"""A filter in plain words, to show the user how it was understood."""

import re

from pgtop.table.language import phrases
from pgtop.table.language.tree import (
    And,
    Node,
    Not,
    Or,
    Term,
)
from pgtop.table.language.vocabulary import Relation


def sentence(node: Node) -> str:
    """Return plain words that continue "sessions"; parentheses show the groups."""
    match node:
        case Term():
            return _phrase(node)
        case Not(inner):
            return f"not ({_inside(inner)})"
        case And(nodes):
            conjuncts = map(_conjunct, nodes)
            return ", ".join(map(_continued, conjuncts)).removeprefix("and ")
        case Or(nodes):
            return " or ".join(map(_disjunct, nodes))


def _inside(node: Node) -> str:
    """Return the words within parentheses, where `and` joins, as a comma would read like a list."""
    if isinstance(node, And):
        return " and ".join(map(_conjunct, node.nodes))
    return sentence(node)


def _continued(words: str) -> str:
    """Continue a list. The `and` keeps `whose` from describing the words before it."""
    return f"and {words}" if words.startswith("whose ") else words


def _conjunct(node: Node) -> str:
    return f"({sentence(node)})" if isinstance(node, Or) else sentence(node)


def _disjunct(node: Node) -> str:
    """Return one side of an `or`, in parentheses if an `and` or a `not` would reach beyond it."""
    words = _inside(node)
    is_negated_term = isinstance(node, Term) and words.startswith(
        ("not ", "that are not ")
    )
    return f"({words})" if isinstance(node, And) or is_negated_term else words


def _phrase(term: Term) -> str:
    phrase = phrases.any_column if term.key is None else term.key.phrase
    words = phrase(term)
    return f"{words} ignoring case" if _ignores_capitals(term) else words


def _ignores_capitals(term: Term) -> bool:
    """Return whether case is ignored and the values have capitals, which may seem to matter."""
    searches_text = term.key is None or term.key.contains
    ignores_case = term.relation is Relation.MATCHES or (
        term.relation is Relation.CONTAINS and searches_text
    )
    letters = [re.sub(r"\\.", "", value) for value in term.values]  # \W is no letter
    return ignores_case and any(text != text.lower() for text in letters)
