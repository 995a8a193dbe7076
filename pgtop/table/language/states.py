"""The states of sessions as the bar counts them, and the key `state`."""

import re
from collections.abc import Sequence

from pgtop.model.backend import Backend
from pgtop.table import known
from pgtop.table.language.errors import FilterError, Fix
from pgtop.table.language.readers import compare_texts
from pgtop.table.language.server_names import SERVER_STATES
from pgtop.table.language.vocabulary import (
    PLAIN_TEXT,
    Key,
    ParsedComparison,
    Relation,
    Value,
)
from pgtop.table.language.words import is_plain_text
from pgtop.table.predicates import ActivityCriterion, Decision

_STATES = {
    "active": "active",
    "waiting": "waiting",
    "idle": "idle",
    "idle-in-tx": "idle-in-tx",
    "idle-in-transaction": "idle-in-tx",
    "other": "other",
    "aborted": "aborted",
    "idle-in-tx!": "aborted",
    "idle-in-transaction-(aborted)": "aborted",
    "hidden": "hidden",
    "fastpath": "fastpath",
    "fastpath-function-call": "fastpath",
    "disabled": "disabled",
    "starting": "starting",
}
STATE_WORDS = tuple(dict.fromkeys(_STATES.values()))


def state_called(text: str) -> str | None:
    """Return the bar's word for a state as people write it."""
    return _STATES.get(re.sub(r"[ _-]+", "-", text.lower()))


def read_state(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
    """Read a comparison of states."""
    if relation is Relation.MATCHES:
        return compare_texts(known.state_texts, relation, values)
    words = tuple(_parse_state(value) for value in values)
    if SERVER_STATES.keys().isdisjoint(words):
        relation = Relation.CONTAINS
    decisions = [_decision(word, is_exact=relation is Relation.IS) for word in words]
    return ParsedComparison(ActivityCriterion(_any_of(decisions)), relation, words)


def _parse_state(value: Value) -> str:
    word = state_called(value.text)
    if word is None:
        raise _no_state(value)
    return word


def _no_state(value: Value) -> FilterError:
    import difflib  # only for a mistyped state

    words = ", ".join(STATE_WORDS)
    problem = f"`{value.text}` is no state"
    position = value.position
    nearest = difflib.get_close_matches(value.text.lower(), STATE_WORDS, n=1)
    is_bare = is_plain_text(value.text, PLAIN_TEXT)
    fix = None
    if nearest and is_bare:
        fix = Fix(problem, position, position + len(value.text), nearest[0])
    return FilterError(f"{problem}: use one of {words}", position, fix)


def _decision(word: str, *, is_exact: bool) -> Decision:
    if is_exact and word in SERVER_STATES:
        return known.exactly_in_state(SERVER_STATES[word])
    return known.in_state(word)


def _any_of(decisions: Sequence[Decision]) -> Decision:
    """Join decisions by `or`."""
    if len(decisions) == 1:
        return decisions[0]

    def decide(backend: Backend) -> bool | None:
        answers = [decision(backend) for decision in decisions]
        if True in answers:
            return True
        return None if None in answers else False

    return decide
