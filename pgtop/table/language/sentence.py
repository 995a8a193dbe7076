"""A filter said back: in plain words for people, and as the one text of the language that means the
same.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from pgtop.table.language.addresses import is_whole, network_of
from pgtop.table.language.keys import EXACTLY, KEYS, WAIT_TYPES
from pgtop.table.language.quoting import quoted
from pgtop.table.language.tree import OPPOSITES, All, Either, Node, Not, Relation, Term
from pgtop.table.language.words import is_plain_text

_BOUNDS = {
    Relation.LESS: "less than", Relation.AT_MOST: "at most", Relation.MORE: "more than",
    Relation.AT_LEAST: "at least", Relation.IS: "exactly",
}  # fmt: skip


def understood(node: Node) -> str:
    """Return the filter in plain words that go on from "sessions"; parentheses show what a group
    holds together.
    """
    match node:
        case Term():
            return _phrase(node)
        case Not(inner):
            return f"not ({_inside(inner)})"
        case All(nodes):
            return ", ".join(_grouped(each, Either, understood) for each in nodes)
        case Either(nodes):
            return " or ".join(_alternative(each) for each in nodes)


def _inside(node: Node) -> str:
    """Say what stands in parentheses: there an "and" joins, as a comma reads like a list."""
    if isinstance(node, All):
        return " and ".join(_grouped(each, Either, understood) for each in node.nodes)
    return understood(node)


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
    """Say one side of an `or`, in parentheses where an "and" or a "not" would reach over it."""
    said = _inside(node)
    return (
        f"({said})"
        if isinstance(node, All) or (isinstance(node, Term) and said.startswith("not "))
        else said
    )


# The canonical text.


def _written(term: Term) -> str:
    negation = "not " if term.negated else ""
    if not term.key:
        sign = "~" if term.relation is Relation.MATCHES else ""
        return f"{negation}{sign}{quoted(term.values[0])}"
    is_pattern = term.relation is Relation.MATCHES
    values = ",".join(
        quoted(value) if is_pattern else _value(term.key, value) for value in term.values
    )
    return f"{negation}{term.key}{term.relation.value}{values}"


def _value(key: str, value: str) -> str:
    return value if is_plain_text(value, KEYS[key].plain) else quoted(value)


# The sentence.


def _phrase(term: Term) -> str:
    return (
        f"{_PHRASES[term.key](term)}{_case(term)}"
        if term.key
        else f"{_anywhere(term)}{_case(term)}"
    )


def _case(term: Term) -> str:
    """Say that capitals do not count, where there are some that might be thought to."""
    ignores_case = term.relation is Relation.MATCHES or (
        term.relation is Relation.CONTAINS and term.key in _TEXTS
    )
    letters = [re.sub(r"\\.", "", value) for value in term.values]  # \W is no letter
    return (
        " ignoring case"
        if ignores_case and any(value != value.lower() for value in letters)
        else ""
    )


_TEXTS = ("", "db", "user", "app", "host", "type", "query")


def _anywhere(term: Term) -> str:
    verb = "matching " if term.relation is Relation.MATCHES else "with "
    return f"{verb}{quoted(term.values[0])} in {'no' if term.negated else 'any'} column"


def _text(noun: str) -> Callable[[Term], str]:
    """Say a comparison of words: `whose role contains "web" or "api"`."""

    def phrase(term: Term) -> str:
        values = [quoted(value) for value in term.values]
        verb, negated_verb = _VERBS[term.relation]
        if not term.negated:
            return f"whose {noun} {verb} {' or '.join(values)}"
        if len(values) == 1:
            return f"whose {noun} {negated_verb} {values[0]}"
        return f"whose {noun} {verb} neither {' nor '.join(values)}"

    return phrase


_VERBS = {
    Relation.IS: ("is", "is not"), Relation.CONTAINS: ("contains", "does not contain"),
    Relation.MATCHES: ("matches", "does not match"),
}  # fmt: skip


def _database(term: Term) -> str:
    """Say a comparison of databases; a process that has none is in none."""
    is_name = term.relation is Relation.IS
    place = "in database" if is_name else f"in a database whose name {_VERBS[term.relation][0]}"
    return f"{'not ' if term.negated else ''}{place} {' or '.join(map(quoted, term.values))}"


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
        return _text("state")(term)
    is_exact = term.relation is Relation.IS
    items = [
        f"in state {quoted(EXACTLY[word])}"
        if is_exact and word in EXACTLY
        else _STATE_PHRASES[word]
        for word in term.values
    ]
    may_wait = (
        term.negated and not is_exact and "active" in term.values and "waiting" not in term.values
    )
    return (
        f"{_one_of(items, term.negated)}{' (but perhaps waiting for a lock)' if may_wait else ''}"
    )


def _wait(term: Term) -> str:
    if term.values == ("",):
        return f"waiting for {'something' if term.negated else 'nothing'}"
    if term.relation is Relation.CONTAINS:
        items = " or ".join(_wait_item(value) for value in term.values)
    else:
        verb = "matching" if term.relation is Relation.MATCHES else "of the exact name or type"
        items = f"{verb} {' or '.join(map(quoted, term.values))}"
    return f"{'not ' if term.negated else ''}waiting for an event {items}"


def _wait_item(value: str) -> str:
    kind, colon, _ = value.lower().partition(":")
    if kind not in WAIT_TYPES:
        return f"containing {quoted(value)}"
    return f"beginning with {quoted(value)}" if colon else f"of type {quoted(value)}"


def _client(term: Term) -> str:
    if term.relation is Relation.MATCHES:
        return _text("address")(term)
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
    return f"with {'a pid other than' if term.negated else 'pid'} {' or '.join(term.values)}"


def _blockers(term: Term) -> str:
    items = ["a prepared transaction" if pid == "0" else f"pid {pid}" for pid in term.values]
    return f"{'not ' if term.negated else ''}waiting for {' or '.join(items)}"


def _root(term: Term) -> str:
    return (
        f"{'outside' if term.negated else 'in'} the blocking tree of pid {' or '.join(term.values)}"
    )


def _time(before: str) -> Callable[[Term], str]:
    """Say a time: `idle for more than 1 h 30 min`."""

    def phrase(term: Term) -> str:
        return f"{before} {_bound(term)} {_duration(term.values[0])}"

    return phrase


def _duration(written: str) -> str:
    """Say a duration as it was written."""
    parts = re.findall(r"([0-9.]+)([a-z]*)", written)
    return " ".join(f"{number} {_UNITS.get(unit, unit)}" for number, unit in parts)


_UNITS = {"": "s", "m": "min"}


def _count(before: str) -> Callable[[Term], str]:
    """Say a count: `blocking at least 3 sessions`."""

    def phrase(term: Term) -> str:
        count, relation = term.values[0], _relation(term)
        is_not_none = term.negated and (relation, count) == (Relation.IS, "0")
        if is_not_none or (relation, count) in _SOME:
            return f"{before} at least 1 session"
        if (relation, count) in _NONE:
            return f"{before} no session"
        negation = "not " if term.negated and relation is Relation.IS else ""
        bound = _BOUNDS[relation].replace("less", "fewer")
        return f"{negation}{before} {bound} {count} session{'' if count == '1' else 's'}"

    return phrase


_SOME = frozenset({(Relation.MORE, "0"), (Relation.AT_LEAST, "1")})
_NONE = frozenset({(Relation.IS, "0"), (Relation.AT_MOST, "0"), (Relation.LESS, "1")})


def _bound(term: Term) -> str:
    return _BOUNDS[_relation(term)]


def _relation(term: Term) -> Relation:
    """Return the relation that is meant; the negation of a number that is known is the other
    bound.
    """
    return OPPOSITES.get(term.relation, term.relation) if term.negated else term.relation


_PHRASES: Mapping[str, Callable[[Term], str]] = {
    "db": _database, "user": _text("role"), "app": _text("application name"), "client": _client,
    "host": _text("host name"), "state": _state, "wait": _wait, "type": _text("process type"),
    "query": _text("query"), "pid": _pids, "b": _blockers, "root": _root, "age": _time("with an age of"),
    "xact": _time("in a transaction for"), "query-age": _time("running a statement for"),
    "state-age": _time("in the same state for"), "backend-age": _time("logged in for"), "idle": _time("idle for"),
    "blocks": _count("blocking"), "blocked": _count("blocked by"),
}  # fmt: skip
