"""The keys for sessions."""

from collections.abc import Mapping, Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table import known
from pgtop.table.language import phrases
from pgtop.table.language.readers import (
    count_key,
    matchers_of,
    name_key,
    pid_key,
    query_id_key,
    text_key,
    text_key_in,
    texts_of,
    time_key,
)
from pgtop.table.language.server_keys import read_client, read_type, read_wait
from pgtop.table.language.states import STATE_WORDS, read_state
from pgtop.table.language.vocabulary import (
    TEXT_RELATIONS,
    Key,
    ParsedComparison,
    Relation,
    Value,
    Vocabulary,
)
from pgtop.table.predicates import (
    AnyColumnCriterion,
    BlockingCriterion,
    Decision,
    NumberCriterion,
    QueryCriterion,
)


def _read_query(
    _: Key, relation: Relation, values: Sequence[Value]
) -> ParsedComparison:
    criterion = QueryCriterion(matchers_of(relation, values))
    return ParsedComparison(criterion, relation, texts_of(values))


def _is_one_of(_: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    return lambda backend: backend.pid in pids


def _is_blocked_by(_: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    def decide(backend: Backend) -> bool | None:
        blockers = known.blockers(backend)
        return None if blockers is None else not pids.isdisjoint(blockers)

    return decide


def _is_in_tree(snapshot: DerivedSnapshot, pids: frozenset[int]) -> Decision:
    """Return the decision whether a session is one of `pids` or waits behind one; a worker counts
    with its leader.
    """
    forest = snapshot.forest
    may_miss_waiters = known.misses_waiters(snapshot)
    trees = [{pid} | forest.waiters_of(pid) for pid in pids if pid in forest.nodes]
    members: frozenset[int] = frozenset().union(*trees)

    def decide(backend: Backend) -> bool | None:
        if backend.pid in members or backend.leader_pid in members:
            return True
        may_wait = known.blockers(backend) != frozenset()
        return None if may_miss_waiters and may_wait else False

    return decide


_NAME_KEYS = (
    name_key(
        "db",
        "database; a process of the server's own has none",
        "db:shop",
        known.database,
        lambda backend: backend.datname,
        phrases.database,
        plural="databases",
    ),
    name_key(
        "user",
        "role; a process of the server's own has none",
        "user:web,worker",
        known.role,
        lambda backend: backend.usename,
        phrases.text("role"),
        plural="roles",
    ),
    text_key_in(
        "app",
        "application name, perhaps an empty one; behind a pooler that of the client",
        "app:web",
        lambda derived: known.application_in(derived.snapshot),
        phrases.text("application name"),
        plural="application names",
        shows_none=True,
    ),
)
_SERVER_KEYS = (
    Key(
        "client",
        "an address, a prefix, a network, or `local` (a socket on the server); behind a pooler "
        "that of the client",
        "client:10.0.",
        TEXT_RELATIONS,
        read_client,
        phrases.client,
        plain=r"[\w.:/-]+",
    ),
    text_key_in(
        "pool",
        "pool that the session belongs to: database and user, as the pooler names them",
        "pool:shop/web",
        lambda derived: known.pool_in(derived.snapshot),
        phrases.text("pool"),
        plural="pools",
    ),
    text_key(
        "host",
        "host name; only sessions with an address that the server looks up have one (log_hostname)",
        "host:web-1",
        known.host,
        phrases.text("host name"),
        plural="host names",
    ),
    Key(
        "state",
        "as the bar counts it: active (runs), waiting (for a lock), idle, "
        "idle-in-tx (aborted ones too), other; "
        f"or {', '.join(STATE_WORDS[5:])}",
        "state:active,idle-in-tx",
        TEXT_RELATIONS,
        read_state,
        phrases.state,
        plain=r"[\w-]+!?",
        plural="states",
    ),
    Key(
        "wait",
        "wait event: type, event or type:event",
        "wait:Lock",
        TEXT_RELATIONS,
        read_wait,
        phrases.wait,
        plain=r"[\w.:-]+",
    ),
    Key(
        "type",
        "kind of process",
        "type:autovacuum",
        TEXT_RELATIONS,
        read_type,
        phrases.text("process type"),
        plural="types",
    ),
    Key(
        "query",
        "text of the query; of an idle session, its last",
        "query:copy",
        TEXT_RELATIONS,
        _read_query,
        phrases.text("query"),
    ),
)
_QUERY_ID = query_id_key(
    "query-id",
    "number of the query in pg_stat_statements; of an idle session, its last",
    "query-id:-4711",
    lambda backend: backend.query_id,
    phrases.query_id,
    plural="query ids",
)
_PID = pid_key(
    "pid",
    "process id; a number alone is a pid",
    "pid:4711,4712",
    _is_one_of,
    phrases.pid,
    plural="pids",
)
_PID_KEYS = (
    _PID,
    pid_key(
        "b",
        "those that wait for this pid, 0 for a prepared transaction",
        "b:4711",
        _is_blocked_by,
        phrases.blocker,
    ),
    pid_key(
        "root",
        "this root, and all that wait behind it",
        "root:4711",
        _is_in_tree,
        phrases.root,
    ),
)
_TIME_KEYS = (
    time_key(
        "age",
        "as the column: since its transaction began, or else its running query, or else its state",
        "age>5m",
        known.age,
        phrases.time("with an age of"),
    ),
    time_key(
        "xact",
        "since its transaction began; only sessions in one have it",
        "xact>=1h30m",
        known.xact_age,
        phrases.time("in a transaction for"),
    ),
    time_key(
        "query-age",
        "since its statement began; only sessions that run one have it",
        "query-age<200ms",
        known.query_age,
        phrases.time("running a statement for"),
    ),
    time_key(
        "state-age",
        "since its state changed; only sessions with a state have it",
        "state-age>1d",
        known.state_age,
        phrases.time("in the same state for"),
    ),
    time_key(
        "backend-age",
        "since it logged in; unknown for hidden sessions",
        "backend-age<90s",
        known.login_age,
        phrases.time("logged in for"),
    ),
    time_key(
        "idle",
        "since it became idle; only idle sessions have it",
        "idle>10m",
        known.idle_age,
        phrases.time("idle for"),
    ),
)
_COUNT_KEYS = (
    count_key(
        "blocks",
        "how many sessions it blocks",
        "blocks>0",
        BlockingCriterion,
        phrases.count("blocking"),
    ),
    count_key(
        "blocked",
        "how many sessions it waits for",
        "blocked>0",
        lambda compare, bound: NumberCriterion(known.blocker_count, compare, bound),
        phrases.count("blocked by"),
    ),
)

KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        *_NAME_KEYS,
        *_SERVER_KEYS,
        _QUERY_ID,
        *_PID_KEYS,
        *_TIME_KEYS,
        *_COUNT_KEYS,
    )
}

OTHER_NAMES: Mapping[str, str] = {
    "database": "db",
    "datname": "db",
    "dbname": "db",
    "role": "user",
    "usename": "user",
    "username": "user",
    "rolname": "user",
    "application": "app",
    "application-name": "app",
    "appname": "app",
    "client-addr": "client",
    "address": "client",
    "addr": "client",
    "client-hostname": "host",
    "hostname": "host",
    "wait-event": "wait",
    "wait-event-type": "wait",
    "backend-type": "type",
    "xact-age": "xact",
    "blocked-by": "b",
    "queryid": "query-id",
}

_SUGGESTIONS: Mapping[str, str] = {
    "stmt": "query-age",
    "since": "state-age",
    "login": "backend-age",
    "blk": "blocked",
    "by": "blocked",
    "q": "query",
    "sql": "query",
    "tx": "xact",
    "transaction": "xact",
    "xact-start": "xact",
    "query-start": "query-age",
    "ip": "client",
    "state-change": "state-age",
    "backend-start": "backend-age",
    "idle-age": "idle",
}
"""Headings and columns that are no keys: compared by spelling they would suggest another key."""

SESSION_VOCABULARY = Vocabulary(
    KEYS, AnyColumnCriterion, OTHER_NAMES, _SUGGESTIONS, _PID
)


def key_called(name: str) -> Key | None:
    """Return the key for sessions with that name, or with that other name."""
    return SESSION_VOCABULARY.key_called(name)
