"""A filter as a tree of terms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pgtop.table.language.vocabulary import Key, Relation
from pgtop.table.predicates import Criterion


@dataclass(frozen=True)
class Term:
    """One comparison; one of several values is enough."""

    key: Key | None
    """None for a text in any column."""
    relation: Relation
    values: tuple[str, ...]
    is_negated: bool
    criterion: Criterion
    position: int
    is_unmarked: bool = False
    """True for a word without key and quotes, which may have been meant as anything."""
    is_bare_number: bool = False
    """True for a number without a key."""

    @property
    def key_name(self) -> str:
        """The name of the key, or ""."""
        return "" if self.key is None else self.key.name


@dataclass(frozen=True)
class And:
    """A conjunction; without any node it holds for every row."""

    nodes: tuple["Node", ...] = ()


@dataclass(frozen=True)
class Or:
    """A disjunction."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """A negated group; a negated term is a term."""

    node: "And | Or"


Node: TypeAlias = Term | And | Or | Not


def join_and(nodes: Sequence[Node]) -> Node:
    """Join `nodes` by `and`, without needless groups."""
    return nodes[0] if len(nodes) == 1 else And(_flattened(nodes, And))


def join_or(nodes: Sequence[Node]) -> Node:
    """Join `nodes` by `or`, without needless groups."""
    return nodes[0] if len(nodes) == 1 else Or(_flattened(nodes, Or))


def _flattened(nodes: Sequence[Node], group: type[And] | type[Or]) -> tuple[Node, ...]:
    """Replace each group of the same kind by its members."""
    flat: list[Node] = []
    for node in nodes:
        if isinstance(node, group):
            flat += node.nodes
        else:
            flat.append(node)
    return tuple(flat)


def wanted_terms_of(node: Node) -> Iterator[Term]:
    """Yield the terms that are not negated, from left to right."""
    match node:
        case Term():
            if not node.is_negated:
                yield node
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from wanted_terms_of(each)


def terms_of(node: Node) -> Iterator[Term]:
    """Yield every term of the tree, from left to right."""
    match node:
        case Term():
            yield node
        case Not(inner):
            yield from terms_of(inner)
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from terms_of(each)
