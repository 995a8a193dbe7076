"""A filter said back: in plain words for people, and as the one text of the language that means the same."""

import re
from collections.abc import Callable, Mapping, Sequence

from pgtop.view.language.addresses import is_whole, network_of
from pgtop.view.language.keys import EXACTLY, KEYS, WAIT_TYPES
from pgtop.view.language.quoting import quoted
from pgtop.view.language.tree import OPPOSITES, All, Either, Node, Not, Relation, Term
from pgtop.view.language.words import is_plain_text

_BOUNDS = {
    Relation.LESS: "less than", Relation.AT_MOST: "at most", Relation.MORE: "more than",
    Relation.AT_LEAST: "at least", Relation.IS: "exactly",
}  # fmt: skip


def understood(node: Node) -> str:
    """Return the filter in plain words that go on from "sessions"; parentheses show what an `or` belongs to."""
    match node:
        case Term():
            return _phrase(node)
        case Not(inner):
            return f"not ({understood(inner)})"
        case All(nodes):
            return ", ".join(_grouped(each, Either, understood) for each in nodes)
        case Either(nodes):
            return " or ".join(_alternative(each) for each in nodes)


def canonical(node: Node) -> str:
    """Return the text of the language that is read back as this very tree."""
    match node:
        case Term():
            return _written(node)
        case Not(inner):
            return f"not ({canonical(inner)})"
        case All(nodes):
            return " ".join(_grouped(each, Either, canonical) for each in nodes)
        case Either(nodes):
            return " or ".join(canonical(each) for each in nodes)


def _grouped(node: Node, kind: type[All] | type[Either], said: Callable[[Node], str]) -> str:
    return f"({said(node)})" if isinstance(node, kind) else said(node)


def _alternative(node: Node) -> str:
    """Say one side of an `or`, in parentheses where a comma or a "not" would reach over it."""
    said = understood(node)
    return f"({said})" if isinstance(node, All) or (isinstance(node, Term) and said.startswith("not ")) else said


# The canonical text.


def _written(term: Term) -> str:
    negation = "not " if term.negated else ""
    if not term.key:
        sign = "~" if term.relation is Relation.MATCHES else ""
        return f"{negation}{sign}{quoted(term.values[0])}"
    is_pattern = term.relation is Relation.MATCHES
    values = ",".join(quoted(value) if is_pattern else _value(term.key, value) for value in term.values)
    return f"{negation}{term.key}{term.relation.value}{values}"


def _value(key: str, value: str) -> str:
    return value if is_plain_text(value, KEYS[key].plain) else quoted(value)


# The sentence.


def _phrase(term: Term) -> str:
    if not term.key:
        column = "no" if term.negated else "any"
        verb = "matching" if term.relation is Relation.MATCHES else "containing"
        return f"with {column} column {verb} {quoted(term.values[0])}"
    return _PHRASES[term.key](term)


def _text(noun: str) -> Callable[[Term], str]:
    """Say a comparison of words: `in database containing "shop" or "crm"`."""

    def phrase(term: Term) -> str:
        values = [quoted(value) for value in term.values]
        return f"{noun} {_compared(term.relation, values, term.negated)}"

    return phrase


def _compared(relation: Relation, values: Sequence[str], negated: bool) -> str:
    if relation is Relation.IS:
        return f"{'other than' if negated else 'exactly'} {' or '.join(values)}"
    verb = "matching" if relation is Relation.MATCHES else "containing"
    if not negated:
        return f"{verb} {' or '.join(values)}"
    return f"not {verb} {values[0]}" if len(values) == 1 else f"{verb} neither {' nor '.join(values)}"


def _one_of(items: Sequence[str], negated: bool) -> str:
    if not negated:
        return " or ".join(items)
    return f"not {items[0]}" if len(items) == 1 else f"neither {' nor '.join(items)}"


_STATE_PHRASES = {
    "active": "running", "waiting": "waiting for a lock", "idle": "idle", "idle-in-tx": "idle in a transaction",
    "aborted": "idle in a failed transaction", "other": "in another state", "hidden": "hidden from this role",
    "fastpath": "in a fastpath call", "disabled": "with tracking disabled", "starting": "starting",
}  # fmt: skip


def _state(term: Term) -> str:
    if term.relation is Relation.MATCHES:
        return _text("in state")(term)
    is_exact = term.relation is Relation.IS
    items = [
        f"in state exactly {quoted(EXACTLY[word])}" if is_exact and word in EXACTLY else _STATE_PHRASES[word]
        for word in term.values
    ]
    return _one_of(items, term.negated)


def _wait(term: Term) -> str:
    if term.relation is Relation.CONTAINS:
        items = " or ".join(_wait_item(value) for value in term.values)
    else:
        items = _compared(term.relation, [quoted(value) for value in term.values], negated=False)
    return f"{'not ' if term.negated else ''}waiting for an event {items}"


def _wait_item(value: str) -> str:
    kind, colon, _ = value.lower().partition(":")
    if kind not in WAIT_TYPES:
        return f"containing {quoted(value)}"
    return f"beginning {quoted(value)}" if colon else f"of type {quoted(value)}"


def _client(term: Term) -> str:
    if term.relation is Relation.MATCHES:
        return _text("from address")(term)
    items = [_place(value) for value in term.values]
    if not term.negated:
        return f"from {' or '.join(items)}"
    return f"not from {items[0]}" if len(items) == 1 else f"from neither {' nor '.join(items)}"


def _place(value: str) -> str:
    network = network_of(value)
    if network is None:
        return "a local socket"
    return f"address {network.network_address}" if is_whole(network) else f"network {network}"


def _pids(term: Term) -> str:
    return f"with pid {'other than ' if term.negated else ''}{' or '.join(term.values)}"


def _blockers(term: Term) -> str:
    items = ["a prepared transaction" if pid == "0" else f"pid {pid}" for pid in term.values]
    return f"{'not ' if term.negated else ''}waiting for {' or '.join(items)}"


def _root(term: Term) -> str:
    return f"{'outside' if term.negated else 'in'} the blocking tree of pid {' or '.join(term.values)}"


def _time(before: str, after: str = "") -> Callable[[Term], str]:
    """Say a time: `idle for more than 1 h 30 min`."""

    def phrase(term: Term) -> str:
        return f"{before}for {_bound(term)} {_duration(term.values[0])}{after}"

    return phrase


def _duration(written: str) -> str:
    """Say a duration as it was written."""
    parts = re.findall(r"([0-9.]+)([a-z]*)", written)
    return " ".join(f"{number} {_UNITS.get(unit, unit)}" for number, unit in parts)


_UNITS = {"": "s", "m": "min"}


def _count(before: str) -> Callable[[Term], str]:
    """Say a count: `blocking at least 3 sessions`."""

    def phrase(term: Term) -> str:
        noun = "session" if term.values[0] == "1" else "sessions"
        negation = "not " if term.negated and term.relation is Relation.IS else ""
        return f"{negation}{before} {_bound(term).replace('less', 'fewer')} {term.values[0]} {noun}"

    return phrase


def _bound(term: Term) -> str:
    """Say a bound; the negation of a number that is known is the other bound."""
    relation = OPPOSITES.get(term.relation, term.relation) if term.negated else term.relation
    return _BOUNDS[relation]


_PHRASES: Mapping[str, Callable[[Term], str]] = {
    "db": _text("in database"), "user": _text("with role"), "app": _text("with application name"),
    "client": _client, "host": _text("with host name"), "state": _state, "wait": _wait,
    "type": _text("with process type"), "query": _text("with query"), "pid": _pids, "b": _blockers, "root": _root,
    "age": _time("", " by age"), "xact": _time("in a transaction "), "query-age": _time("running a statement "),
    "state-age": _time("in the same state "), "backend-age": _time("logged in "), "idle": _time("idle "),
    "blocks": _count("blocking"), "blocked": _count("blocked by"),
}  # fmt: skip
