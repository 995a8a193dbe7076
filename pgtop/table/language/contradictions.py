"""Terms that no row can fulfil together: the user meant a list."""

from collections.abc import Iterable

from pgtop.table.language.errors import FilterError
from pgtop.table.language.quoting import quoted
from pgtop.table.language.tree import And, Node, Term
from pgtop.table.language.vocabulary import Key, Relation
from pgtop.table.language.words import is_plain_text

_DISTINCT_STATES = frozenset({"active", "waiting", "idle", "idle-in-tx"})


def check_no_contradiction(node: Node) -> None:
    """Raise FilterError for two terms of a conjunction that no row can fulfil together."""
    if not isinstance(node, And):
        return
    terms = [each for each in node.nodes if isinstance(each, Term)]
    for index, term in enumerate(terms):
        others = [other for other in terms[:index] if _contradict(other, term)]
        if others and term.key is not None:
            raise _list_is_meant(term.key, [*others, term])


def _list_is_meant(key: Key, terms: list[Term]) -> FilterError:
    sign = Relation.IS if key.contains else Relation.CONTAINS
    values = _list_of(key, terms)
    return FilterError(
        f"no session has two {key.plural}: several are {key.name}{sign.value}{values}",
        terms[-1].position,
    )


def _contradict(one: Term, other: Term) -> bool:
    """Return whether no row can fulfil both terms."""
    is_negated = one.is_negated or other.is_negated
    if one.key is None or one.key is not other.key or is_negated or not one.key.plural:
        return False
    if not set(one.values).isdisjoint(other.values):
        return one.is_bare_number or other.is_bare_number
    return _are_exclusive(one.key, one, other)


def _are_exclusive(key: Key, one: Term, other: Term) -> bool:
    """Return whether terms with different values of one key exclude each other."""
    if key.name == "state":
        return _is_distinct_state(one) and _is_distinct_state(other)
    return not key.takes_words or one.relation is other.relation is Relation.IS


def _is_distinct_state(term: Term) -> bool:
    return term.relation is not Relation.MATCHES and _DISTINCT_STATES.issuperset(
        term.values
    )


def _list_of(key: Key, terms: Iterable[Term]) -> str:
    values = dict.fromkeys(value for term in terms for value in term.values)
    return ",".join(_written(value, key) for value in values)


def _written(value: str, key: Key) -> str:
    return value if is_plain_text(value, key.plain) else quoted(value)
