"""Plain words for one term, which continue "sessions"."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from pgtop.table.language.addresses import is_single, network_of
from pgtop.table.language.quoting import quoted
from pgtop.table.language.server_names import SERVER_STATES, WAIT_TYPES
from pgtop.table.language.tree import Term
from pgtop.table.language.vocabulary import OPPOSITES, Relation

Phrase: TypeAlias = Callable[[Term], str]

_VERBS = {
    Relation.IS: ("is", "is not"),
    Relation.CONTAINS: ("contains", "does not contain"),
    Relation.MATCHES: ("matches", "does not match"),
}
_BOUNDS = {
    Relation.LESS: "less than",
    Relation.AT_MOST: "at most",
    Relation.MORE: "more than",
    Relation.AT_LEAST: "at least",
    Relation.IS: "exactly",
}
_STATES = {
    "active": "running",
    "waiting": "waiting for a lock",
    "idle": "idle",
    "idle-in-tx": "idle in a transaction",
    "aborted": "idle in a failed transaction",
    "other": "in another state",
    "hidden": "hidden from this role",
    "fastpath": "in a fastpath call",
    "disabled": "with tracking disabled",
    "starting": "starting",
}
_UNITS = {"": "s", "m": "min"}
_AT_LEAST_ONE = frozenset({(Relation.MORE, "0"), (Relation.AT_LEAST, "1")})
_NONE = frozenset({(Relation.IS, "0"), (Relation.AT_MOST, "0"), (Relation.LESS, "1")})


def any_column(term: Term) -> str:
    """Describe a text without a key."""
    verb = "matching" if term.relation is Relation.MATCHES else "with"
    column = "no column" if term.is_negated else "any column"
    return f"{verb} {quoted(term.values[0])} in {column}"


def text(noun: str) -> Phrase:
    """Return the phrase for a comparison of texts: `whose role contains "web" or "api"`."""

    def phrase(term: Term) -> str:
        values = [quoted(value) for value in term.values]
        verb, negated_verb = _VERBS[term.relation]
        if not term.is_negated:
            return f"whose {noun} {verb} {' or '.join(values)}"
        if len(values) == 1:
            return f"whose {noun} {negated_verb} {values[0]}"
        return f"whose {noun} {verb} neither {' nor '.join(values)}"

    return phrase


def database(term: Term) -> str:
    """Describe a comparison of databases; a process without a database is in none of them."""
    names = " or ".join(map(quoted, term.values))
    if term.relation is Relation.IS:
        place = f"in database {names}"
    else:
        verb, _ = _VERBS[term.relation]
        place = f"in databases whose name {verb} {names}"
    return _not(term, place)


def state(term: Term) -> str:
    """Describe a comparison of states."""
    if term.relation is Relation.MATCHES:
        return text("state")(term)
    is_exact = term.relation is Relation.IS
    states = _one_of(
        [_state(word, is_exact=is_exact) for word in term.values], term.is_negated
    )
    words = f"that are {states}"
    is_not_running = term.is_negated and not is_exact and "active" in term.values
    if is_not_running and "waiting" not in term.values:
        return f"{words} (but perhaps waiting for a lock)"
    return words


def _state(word: str, *, is_exact: bool) -> str:
    if is_exact and word in SERVER_STATES:
        return f"in state {quoted(SERVER_STATES[word])}"
    return _STATES[word]


def wait(term: Term) -> str:
    """Describe a comparison of wait events."""
    if term.values == ("",):
        return "waiting for something" if term.is_negated else "waiting for nothing"
    if term.relation is Relation.CONTAINS:
        events = " or ".join(map(_wait, term.values))
    else:
        is_pattern = term.relation is Relation.MATCHES
        verb = "matching" if is_pattern else "of the exact name or type"
        events = f"{verb} {' or '.join(map(quoted, term.values))}"
    return _not(term, f"waiting for an event {events}")


def _wait(value: str) -> str:
    wait_type, colon, _ = value.lower().partition(":")
    if wait_type not in WAIT_TYPES:
        return f"containing {quoted(value)}"
    return f"beginning with {quoted(value)}" if colon else f"of type {quoted(value)}"


def client(term: Term) -> str:
    """Describe a comparison of addresses."""
    if term.relation is Relation.MATCHES:
        return text("address")(term)
    places = [_place(value) for value in term.values]
    if not term.is_negated:
        return f"from {' or '.join(places)}"
    if len(places) == 1:
        return f"not from {places[0]}"
    return f"from neither {' nor '.join(places)}"


def _place(value: str) -> str:
    network = network_of(value)
    if network is None:
        return "a local socket"
    return (
        f"address {network.network_address}"
        if is_single(network)
        else f"network {network}"
    )


def pid(term: Term) -> str:
    """Describe a comparison of pids."""
    noun = "a pid other than" if term.is_negated else "pid"
    return f"with {noun} {' or '.join(term.values)}"


def query_id(term: Term) -> str:
    """Describe a comparison of the numbers of statements."""
    noun = "a query id other than" if term.is_negated else "query id"
    return f"with {noun} {' or '.join(term.values)}"


def blocker(term: Term) -> str:
    """Describe a comparison of blockers."""
    return _not(term, f"waiting for {' or '.join(map(_blocker, term.values))}")


def _blocker(pid: str) -> str:
    return "a prepared transaction" if pid == "0" else f"pid {pid}"


def root(term: Term) -> str:
    """Describe a blocking tree."""
    place = "outside" if term.is_negated else "in"
    return f"{place} the blocking tree of pid {' or '.join(term.values)}"


def time(start: str) -> Phrase:
    """Return the phrase for a time: `idle for more than 1 h 30 min`."""

    def phrase(term: Term) -> str:
        return (
            f"{start} {_BOUNDS[_effective_relation(term)]} {_duration(term.values[0])}"
        )

    return phrase


def _duration(value: str) -> str:
    """Describe a duration, in the units of the value."""
    parts = re.findall(r"([0-9.]+)([a-z]*)", value)
    return " ".join(f"{number} {_UNITS.get(unit, unit)}" for number, unit in parts)


def number(noun: str) -> Phrase:
    """Return the phrase for a number of a column: `whose size is more than 3`."""

    def phrase(term: Term) -> str:
        relation = _effective_relation(term)
        negation = "not " if term.is_negated and relation is Relation.IS else ""
        return f"whose {noun} is {negation}{_BOUNDS[relation]} {term.values[0]}"

    return phrase


def count(start: str) -> Phrase:
    """Return the phrase for a count of sessions: `blocking at least 3 sessions`."""

    def phrase(term: Term) -> str:
        bound = term.values[0]
        relation = _effective_relation(term)
        is_not_zero = term.is_negated and (relation, bound) == (Relation.IS, "0")
        if is_not_zero or (relation, bound) in _AT_LEAST_ONE:
            return f"{start} at least 1 session"
        if (relation, bound) in _NONE:
            return f"{start} no session"
        negation = "not " if term.is_negated and relation is Relation.IS else ""
        words = _BOUNDS[relation].replace("less", "fewer")
        noun = "session" if bound == "1" else "sessions"
        return f"{negation}{start} {words} {bound} {noun}"

    return phrase


def _not(term: Term, words: str) -> str:
    return f"not {words}" if term.is_negated else words


def _one_of(words: Sequence[str], is_negated: bool) -> str:
    if not is_negated:
        return " or ".join(words)
    return f"not {words[0]}" if len(words) == 1 else f"neither {' nor '.join(words)}"


def _effective_relation(term: Term) -> Relation:
    """Return the relation with the negation applied: a known number that is not above a bound is at
    most the bound.
    """
    return (
        OPPOSITES.get(term.relation, term.relation)
        if term.is_negated
        else term.relation
    )
