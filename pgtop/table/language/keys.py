"""The keys of the language: what each compares, which signs go with it, and how its values are
read.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import ACTIVE, IDLE_IN_TRANSACTION, Backend
from pgtop.table import known
from pgtop.table.language.addresses import in_networks, is_whole, network_of
from pgtop.table.language.errors import FilterError
from pgtop.table.language.lazy import LazyPattern
from pgtop.table.language.tree import Relation
from pgtop.table.predicates import (
    Anywhere,
    Blocks,
    Compares,
    Contains,
    Criterion,
    Decision,
    Doing,
    Equals,
    InColumn,
    InQuery,
    Judged,
    Matcher,
    Number,
    StartsWith,
    Texts,
    pattern,
)
from pgtop.text.units import parse_duration

COMPARISONS: Mapping[Relation, Callable[[float, float], bool]] = {
    Relation.LESS: operator.lt, Relation.AT_MOST: operator.le, Relation.MORE: operator.gt,
    Relation.AT_LEAST: operator.ge, Relation.IS: operator.eq,
}  # fmt: skip
_WORDS = frozenset({Relation.CONTAINS, Relation.IS, Relation.MATCHES})
_COUNTS = frozenset(COMPARISONS)
_TIMES = _COUNTS - {Relation.IS}
_PIDS = frozenset({Relation.CONTAINS, Relation.IS})

_WHOLE = LazyPattern(r"[0-9]{1,10}")
_LONGEST_DURATION = 20
_MOST_SECONDS = 99_999 * 86_400
_PLAIN = r"[\w.@/#-]+"


class Value(NamedTuple):
    """A value as it was written, without its quotes, and where it begins."""

    text: str
    position: int


class Meaning(NamedTuple):
    """What was understood of a comparison."""

    criterion: Criterion
    relation: Relation
    values: tuple[str, ...]


Reader = Callable[["Key", Relation, Sequence[Value]], Meaning]


class Key(NamedTuple):
    """A key of the language."""

    name: str
    meaning: str
    """What it compares, and which sessions have it."""
    example: str
    relations: frozenset[Relation]
    reader: Reader
    plain: str = _PLAIN
    """What a value is made of without quotes."""

    def read(self, relation: Relation, values: Sequence[Value]) -> Meaning:
        """Understand a comparison. Raises FilterError."""
        return self.reader(self, relation, values)

    @property
    def takes_words(self) -> bool:
        """True if a value may have blanks in it."""
        return Relation.MATCHES in self.relations

    @property
    def contains(self) -> bool:
        """True if `:` looks for its value anywhere in a column."""
        return self.takes_words and self.plain == _PLAIN

    @property
    def is_time(self) -> bool:
        """True if its values are durations."""
        return self.relations == _TIMES


def anywhere(relation: Relation, value: Value) -> Criterion:
    """Return what a text that stands alone asks: it is in some column."""
    return Anywhere(_matcher(relation, value))


def with_pid(pid: int) -> Criterion:
    """Return what a number that stands alone asks."""
    return Judged(lambda _: lambda backend: backend.pid == pid)


def _matcher(relation: Relation, value: Value) -> Matcher:
    if relation is Relation.MATCHES:
        return pattern(*value)
    return Equals(value.text) if relation is Relation.IS else Contains(value.text.lower())


def _matchers(relation: Relation, values: Sequence[Value]) -> tuple[Matcher, ...]:
    return tuple(_matcher(relation, value) for value in values)


def _texts(values: Sequence[Value]) -> tuple[str, ...]:
    return tuple(value.text for value in values)


def _names(
    name: str, meaning: str, example: str, texts: Texts, shown: Callable[[Backend], str | None]
) -> Key:
    """Make a key of names that every role may see; a session whose name is not known and not shown
    has none.

    One that is shown as a number, as `role 16402`, is exactly that, and whether it is anything else
    is not known.
    """

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
        column = _as_shown(frozenset(_texts(values))) if relation is Relation.IS else texts
        return Meaning(InColumn(column, _matchers(relation, values)), relation, _texts(values))

    def _as_shown(wanted: frozenset[str]) -> Texts:
        def as_shown(backend: Backend) -> tuple[str, ...] | None:
            label = shown(backend) or ""
            return (label,) if label in wanted else texts(backend)

        return as_shown

    return Key(name, meaning, example, _WORDS, read)


def _words(name: str, meaning: str, example: str, texts: Texts) -> Key:
    """Make a key of a column of words."""

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
        return Meaning(InColumn(texts, _matchers(relation, values)), relation, _texts(values))

    return Key(name, meaning, example, _WORDS, read)


def _read_query(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    return Meaning(InQuery(_matchers(relation, values)), relation, _texts(values))


def _times(name: str, meaning: str, example: str, seconds: Number) -> Key:
    """Make a key of a time since something began."""

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
        written, position = values[0]
        return Meaning(
            Compares(seconds, COMPARISONS[relation], _seconds(written, position)),
            relation,
            (written.lower(),),
        )

    return Key(name, meaning, example, _TIMES, read)


def _seconds(written: str, position: int) -> float:
    try:
        seconds = (
            parse_duration(written) if len(written) <= _LONGEST_DURATION else _MOST_SECONDS + 1
        )
    except ValueError as error:
        raise FilterError(f"{error}", position) from None
    if seconds > _MOST_SECONDS:
        raise FilterError("that is longer than any server has run: write at most 99999d", position)
    return seconds


def _read_blocked(key: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    count = _whole(key, values[0])
    return Meaning(
        Compares(known.blocker_count, COMPARISONS[relation], count), relation, (str(count),)
    )


def _read_blocks(key: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    count = _whole(key, values[0])
    return Meaning(Blocks(COMPARISONS[relation], count), relation, (str(count),))


def _numbers(
    name: str, meaning: str, example: str, on: Callable[[DerivedSnapshot, frozenset[int]], Decision]
) -> Key:
    """Make a key of pids."""

    def read(key: Key, _: Relation, values: Sequence[Value]) -> Meaning:
        pids = [_whole(key, value) for value in values]
        wanted = frozenset(pids)
        return Meaning(
            Judged(lambda picture: on(picture, wanted)), Relation.CONTAINS, tuple(map(str, pids))
        )

    return Key(name, meaning, example, _PIDS, read)


def _whole(key: Key, value: Value) -> int:
    if not _WHOLE.fullmatch(value.text):
        raise FilterError(
            f"{value.text!r} is not a whole number: write it as in {key.example}", value.position
        )
    return int(value.text)


def _is_one(_: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    return lambda backend: backend.pid in pids


def _waits_for(_: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    def decide(backend: Backend) -> bool | None:
        blockers = known.blockers(backend)
        return None if blockers is None else not pids.isdisjoint(blockers)

    return decide


def _in_tree(picture: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    """Return the decision whether a session is one of `pids` or waits behind one, workers with
    their leader.
    """
    forest, is_incomplete = picture.forest, known.misses_waiters(picture)
    trees = [{pid} | forest.waiters_of(pid) for pid in pids if pid in forest.nodes]
    inside: frozenset[int] = frozenset().union(*trees)

    def decide(backend: Backend) -> bool | None:
        if backend.pid in inside or backend.leader_pid in inside:
            return True
        return None if is_incomplete and known.blockers(backend) != frozenset() else False

    return decide


# States, as the bar counts them.

_STATES = {
    "active": "active", "waiting": "waiting", "idle": "idle", "idle-in-tx": "idle-in-tx",
    "idle-in-transaction": "idle-in-tx", "other": "other", "aborted": "aborted", "idle-in-tx!": "aborted",
    "idle-in-transaction-(aborted)": "aborted", "hidden": "hidden", "fastpath": "fastpath",
    "fastpath-function-call": "fastpath", "disabled": "disabled", "starting": "starting",
}  # fmt: skip
STATE_WORDS = tuple(dict.fromkeys(_STATES.values()))
EXACTLY = {"active": ACTIVE, "idle-in-tx": IDLE_IN_TRANSACTION}
"""Words of the bar that the server has too, with another meaning."""


def state_called(written: str) -> str | None:
    """Return the word of the bar for a state as people write it."""
    return _STATES.get(re.sub(r"[ _-]+", "-", written.lower()))


def _read_state(key: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    if relation is Relation.MATCHES:
        return Meaning(
            InColumn(known.state_texts, _matchers(relation, values)), relation, _texts(values)
        )
    words = tuple(_state(value) for value in values)
    if not EXACTLY.keys() & set(words):
        relation = Relation.CONTAINS
    is_exact = relation is Relation.IS
    decisions = [
        known.exactly_in_state(EXACTLY[word])
        if is_exact and word in EXACTLY
        else known.in_state(word)
        for word in words
    ]
    return Meaning(Doing(_one_of(decisions)), relation, words)


def _state(value: Value) -> str:
    word = state_called(value.text)
    if word is None:
        words = ", ".join(STATE_WORDS)
        raise FilterError(f"`{value.text}` is no state: use one of {words}", value.position)
    return word


def _one_of(decisions: Sequence[Decision]) -> Decision:
    """Join decisions by `or`."""

    def decide(backend: Backend) -> bool | None:
        answers = [decision(backend) for decision in decisions]
        return True if True in answers else None if None in answers else False

    return decisions[0] if len(decisions) == 1 else decide


# Types, waits and clients.

_TYPES = (
    "client backend", "parallel worker", "walsender", "walreceiver", "walwriter", "walsummarizer", "checkpointer",
    "background writer", "background worker", "startup", "archiver", "io worker", "slotsync worker",
    "autovacuum launcher", "autovacuum worker", "logical replication launcher", "logical replication worker",
    "logical replication apply worker", "logical replication tablesync worker", "logical replication parallel worker",
)  # fmt: skip
"""https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW"""


def _read_type(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    for value in values if relation is Relation.IS else ():
        _check_is_whole_type(value)
    return Meaning(
        InColumn(known.process_type, _matchers(relation, values)), relation, _texts(values)
    )


def _check_is_whole_type(value: Value) -> None:
    """Raise FilterError for a part of a type: `type!=client` would hold of every client backend."""
    if not value.text or value.text in _TYPES:
        return
    longer = next((known_type for known_type in _TYPES if value.text.lower() in known_type), None)
    if longer is not None:
        advice = f'write type:{value.text.split()[0]}, or type="{longer}"'
        raise FilterError(f"no type is exactly `{value.text}`: {advice}", value.position)


WAIT_TYPES = frozenset(
    "activity buffer bufferpin client extension injectionpoint io ipc lock lwlock timeout".split()  # noqa: SIM905
)
"""https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE"""


def _read_wait(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    if relation is Relation.CONTAINS:
        matchers = tuple(_wait_like(value.text.lower()) for value in values)
    else:
        matchers = _matchers(relation, values)
    return Meaning(InColumn(known.wait_texts, matchers), relation, _texts(values))


def _wait_like(value: str) -> Matcher:
    """Return what a wait is asked: `lock` is a type, and not `lwlock`; anything else is looked for
    in both.
    """
    kind, colon, _ = value.partition(":")
    if kind in WAIT_TYPES:
        return StartsWith(value if colon else f"{kind}:")
    return Contains(value)


def _read_client(_: Key, relation: Relation, values: Sequence[Value]) -> Meaning:
    if relation is Relation.MATCHES:
        return Meaning(
            InColumn(known.client_texts, _matchers(relation, values)), relation, _texts(values)
        )
    networks = []
    for value in values:
        try:
            network = network_of(value.text)
        except ValueError as error:
            raise FilterError(f"{error}", value.position) from None
        if relation is Relation.IS and not is_whole(network):
            raise FilterError(
                f"`{value.text}` is many addresses: write client:{value.text}", value.position
            )
        networks.append(network)
    return Meaning(Judged(lambda _: in_networks(networks)), Relation.CONTAINS, _texts(values))


_STATE_MEANING = (
    "as the bar counts it: active (runs), waiting (for a lock), idle, idle-in-tx (aborted ones too), other; "
    f"or {', '.join(STATE_WORDS[5:])}"
)

KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        _names("db", "database; a process of the server's own has none", "db:shop", known.database,
               lambda backend: backend.datname),
        _names("user", "role; a process of the server's own has none", "user:web,worker", known.role,
               lambda backend: backend.usename),
        _names("app", "application name, perhaps an empty one", "app:~^api", known.application,
               lambda backend: backend.application_name),
        Key("client", "address, how it begins, its network, or `local`, a socket on the server", "client:10.0.",
            _WORDS, _read_client, r"[\w.:/-]+"),
        _words("host", "host name; only sessions whose address the server looks up have one (log_hostname)",
               "host:web-1", known.host),
        Key("state", _STATE_MEANING, "state:active,idle-in-tx", _WORDS, _read_state, r"[\w-]+!?"),
        Key("wait", "wait event: type, event or type:event", "wait:Lock", _WORDS, _read_wait, r"[\w.:-]+"),
        Key("type", "kind of process", "type:autovacuum", _WORDS, _read_type),
        Key("query", "text of the query; of an idle session, its last", "query:copy", _WORDS, _read_query),
        _numbers("pid", "process id; a number alone is one, too", "pid:4711,4712", _is_one),
        _numbers("b", "those that wait for this pid, 0 for a prepared transaction", "b:4711", _waits_for),
        _numbers("root", "this root, and all that wait behind it", "root:4711", _in_tree),
        _times("age", "as the column: since its transaction began, or else its running query, or else its state",
               "age>5m", known.age),
        _times("xact", "since its transaction began; only sessions in one have it", "xact>=1h30m", known.xact_age),
        _times("query-age", "since its statement began; only sessions that run one have it", "query-age<200ms",
               known.query_age),
        _times("state-age", "since its state changed; only sessions with a state have it", "state-age>1d",
               known.state_age),
        _times("backend-age", "since it logged in; all that are not hidden have it", "backend-age<90s",
               known.login_age),
        _times("idle", "since it became idle; only idle sessions have it", "idle>10m", known.idle_age),
        Key("blocks", "how many sessions it blocks", "blocks>0", _COUNTS, _read_blocks),
        Key("blocked", "for how many sessions it waits", "blocked>0", _COUNTS, _read_blocked),
    )
}  # fmt: skip

OTHER_NAMES: Mapping[str, str] = {
    "database": "db", "datname": "db", "dbname": "db", "role": "user", "usename": "user", "username": "user",
    "rolname": "user", "application": "app", "application-name": "app", "appname": "app", "client-addr": "client",
    "address": "client", "addr": "client", "client-hostname": "host", "hostname": "host", "wait-event": "wait",
    "wait-event-type": "wait", "backend-type": "type", "xact-age": "xact", "blocked-by": "b",
}  # fmt: skip


def key_called(name: str) -> Key | None:
    """Return the key of that name, or of another name that people have for it."""
    plain = name.lower().replace("_", "-")
    return KEYS.get(OTHER_NAMES.get(plain, plain))
