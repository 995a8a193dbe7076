"""A filter as a tree of terms."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from pgtop.table.predicates import Criterion


class Relation(StrEnum):
    """How a value is compared, by the sign that the canonical text has for it."""

    CONTAINS = ":"
    IS = "="
    MATCHES = "~"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


OPPOSITES = {
    Relation.LESS: Relation.AT_LEAST,
    Relation.AT_LEAST: Relation.LESS,
    Relation.MORE: Relation.AT_MOST,
    Relation.AT_MOST: Relation.MORE,
}
"""The relation that holds of a known number where the other does not."""


class Term(NamedTuple):
    """One comparison. `key` is "" for a text in any column; of several values one is enough."""

    key: str
    relation: Relation
    values: tuple[str, ...]
    negated: bool
    criterion: Criterion
    position: int
    is_loose: bool = False
    """A word that may be anything, as nothing marks it as text: it stood without quotes."""
    is_bare_pid: bool = False
    """A number without a key."""


class All(NamedTuple):
    """A conjunction; of no terms at all it holds of every session."""

    nodes: tuple["Node", ...] = ()


class Either(NamedTuple):
    """A disjunction."""

    nodes: tuple["Node", ...]


class Not(NamedTuple):
    """A negated group; negated terms are terms."""

    node: "All | Either"


Node: TypeAlias = Term | All | Either | Not


def all_of(nodes: Sequence[Node]) -> Node:
    """Join `nodes` by `and`, without groups that change nothing."""
    if len(nodes) == 1:
        return nodes[0]
    return All(
        tuple(
            inner for node in nodes for inner in (node.nodes if isinstance(node, All) else (node,))
        )
    )


def either_of(nodes: Sequence[Node]) -> Node:
    """Join `nodes` by `or`, without groups that change nothing."""
    if len(nodes) == 1:
        return nodes[0]
    return Either(
        tuple(
            inner
            for node in nodes
            for inner in (node.nodes if isinstance(node, Either) else (node,))
        )
    )


def terms_of(node: Node) -> Iterator[Term]:
    """Yield every term of the tree, from left to right."""
    match node:
        case Term():
            yield node
        case Not(inner):
            yield from terms_of(inner)
        case All(nodes) | Either(nodes):
            for each in nodes:
                yield from terms_of(each)
