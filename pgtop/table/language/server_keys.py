"""The keys `type`, `wait` and `client`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table import known
from pgtop.table.language.addresses import in_networks, is_single, network_of
from pgtop.table.language.errors import FilterError
from pgtop.table.language.readers import compare_texts, matchers_of, texts_of
from pgtop.table.language.server_names import PROCESS_TYPES, WAIT_TYPES
from pgtop.table.language.vocabulary import Key, ParsedComparison, Relation, Value
from pgtop.table.matchers import Contains, Matcher, StartsWith
from pgtop.table.predicates import (
    ContextTextCriterion,
    DecisionCriterion,
    TextCriterion,
    Texts,
)

if TYPE_CHECKING:
    from pgtop.table.language.addresses import Network


def read_type(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
    """Read a comparison of process types."""
    if relation is Relation.IS:
        for value in values:
            _check_whole_type(value)
    return compare_texts(known.process_type, relation, values)


def _check_whole_type(value: Value) -> None:
    """Raise FilterError for a part of a type: `type!=client` would hold for every client
    backend.
    """
    if not value.text or value.text in PROCESS_TYPES:
        return
    for process_type in PROCESS_TYPES:
        if value.text.lower() in process_type:
            advice = f'write type:{value.text.split()[0]}, or type="{process_type}"'
            raise FilterError(
                f"no type is exactly `{value.text}`: {advice}", value.position
            )


def read_wait(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
    """Read a comparison of wait events."""
    if relation is not Relation.CONTAINS:
        matchers = matchers_of(relation, values)
    else:
        matchers = tuple(_wait_matcher(value.text.lower()) for value in values)
    criterion = TextCriterion(known.wait_texts, matchers)
    return ParsedComparison(criterion, relation, texts_of(values))


def _wait_matcher(value: str) -> Matcher:
    """Return the matcher of a wait: `lock` is a type, and not `lwlock`; any other word is searched
    for in type and event.
    """
    wait_type, colon, _ = value.partition(":")
    if wait_type in WAIT_TYPES:
        return StartsWith(value if colon else f"{wait_type}:")
    return Contains(value)


def read_client(
    _: Key, relation: Relation, values: Sequence[Value]
) -> ParsedComparison:
    """Read a comparison of addresses."""
    if relation is Relation.MATCHES:
        matchers = matchers_of(relation, values)
        texts = ContextTextCriterion(_client_texts_in, matchers)
        return ParsedComparison(texts, relation, texts_of(values))
    networks = [_parse_network(value, relation) for value in values]
    criterion = DecisionCriterion(
        lambda derived: in_networks(networks, known.client_in(derived.snapshot))
    )
    return ParsedComparison(criterion, Relation.CONTAINS, texts_of(values))


def _client_texts_in(derived: DerivedSnapshot) -> Texts:
    return known.client_texts_in(derived.snapshot)


def _parse_network(value: Value, relation: Relation) -> "Network | None":
    try:
        network = network_of(value.text)
    except ValueError as error:
        raise FilterError(f"{error}", value.position) from None
    if relation is Relation.IS and not is_single(network):
        raise FilterError(
            f"`{value.text}` is many addresses: write client:{value.text}",
            value.position,
        )
    return network
