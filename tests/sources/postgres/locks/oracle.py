"""A second opinion on locks: pg_locks, pg_blocking_pids and pg_prepared_xacts, judged on their own.

It shares no code with pgtop: if two readers of the same instant agree, both are likely right.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

Name: TypeAlias = int | str
"""A session's pid or a prepared transaction's gid."""
Row: TypeAlias = dict[str, Any]

READING = """
    SELECT json_build_object(
        'locks', (SELECT json_agg(l) FROM (
                      SELECT *, relation::regclass::text AS name, pg_blocking_pids(pid) AS blockers
                       FROM pg_locks
                  ) l),
        'prepared', (SELECT json_agg(p) FROM pg_prepared_xacts p))::text
"""
_CONFLICTS = {
    "AccessShareLock": "AccessExclusive",
    "RowShareLock": "Exclusive AccessExclusive",
    "RowExclusiveLock": "Share ShareRowExclusive Exclusive AccessExclusive",
    "ShareUpdateExclusiveLock": "ShareUpdateExclusive Share ShareRowExclusive Exclusive "
    "AccessExclusive",
    "ShareLock": "RowExclusive ShareUpdateExclusive ShareRowExclusive Exclusive AccessExclusive",
    "ShareRowExclusiveLock": "RowExclusive ShareUpdateExclusive Share ShareRowExclusive Exclusive "
    "AccessExclusive",
    "ExclusiveLock": "RowShare RowExclusive ShareUpdateExclusive Share ShareRowExclusive "
    "Exclusive AccessExclusive",
    "AccessExclusiveLock": "AccessShare RowShare RowExclusive ShareUpdateExclusive Share "
    "ShareRowExclusive Exclusive"
    " AccessExclusive",
}
"""As the manual's table of lock modes has them, line by line."""
_OBJECT = (
    "locktype", "database", "relation", "page", "tuple", "virtualxid", "transactionid", "classid",
    "objid", "objsubid",
)  # fmt: skip


class Expected(NamedTuple):
    """The expected values of a node of the tree."""

    waits: bool
    mode: str | None
    locktype: str | None
    target: str | None
    blockers: frozenset[Name]
    soft: frozenset[Name]
    blocks_directly: int
    blocks: int
    deadlocked: frozenset[Name]
    """All that it waits for and that wait for it in the end, by holders alone; empty outside a
    deadlock.
    """
    circular: bool
    """It waits for itself in the end, if queues count."""


class Truth:
    """The locks at one instant, from one reading."""

    def __init__(self, reading: str) -> None:
        values = json.loads(reading)
        self.locks: list[Row] = values["locks"]
        self.waits = {row["pid"]: row for row in self.locks if not row["granted"]}
        self._gids = {
            row["transaction"]: row["gid"] for row in values["prepared"] or ()
        }
        self._names = self._prepared_names()
        self.edges = {pid: self._blockers(row) for pid, row in self.waits.items()}
        self.hard = {
            pid: others & self._holders(self.waits[pid])
            for pid, others in self.edges.items()
        }

    def nodes(self) -> Mapping[Name, Expected]:
        """Return what is expected of each node."""
        names = self.edges.keys() | {
            name for others in self.edges.values() for name in others
        }
        return {name: self._expected(name) for name in names}

    def _expected(self, name: Name) -> Expected:
        wait = self.waits.get(name)
        edges, hard = (
            self.edges.get(name, frozenset()),
            self.hard.get(name, frozenset()),
        )
        behind = [waiter for waiter, others in self.edges.items() if name in others]
        return Expected(
            wait is not None,
            wait and wait["mode"],
            wait and wait["locktype"],
            wait and _target(wait),
            edges,
            edges - hard,
            len(behind),
            len(
                {
                    waiter
                    for waiter in self.edges
                    if waiter != name and name in _reached(waiter, self.edges)
                }
            ),
            frozenset(
                o for o in _reached(name, self.hard) if name in _reached(o, self.hard)
            ),
            name in _reached(name, self.edges),
        )

    def _prepared_names(self) -> Mapping[str, str]:
        """Return the names of prepared transactions: each has a lock on its own number, under the
        same virtual transaction as its other locks.
        """
        return {
            row["virtualtransaction"]: self._gids[row["transactionid"]]
            for row in self.locks
            if row["pid"] is None and row["transactionid"] in self._gids
        }

    def _holders(self, wait: Row) -> frozenset[Name]:
        """Return the holders of locks in a mode that conflicts with this wait."""
        conflicting = {f"{mode}Lock" for mode in _CONFLICTS[wait["mode"]].split()}
        return frozenset(
            row["pid"] or self._names[row["virtualtransaction"]]
            for row in self.locks
            if row["granted"]
            and row["mode"] in conflicting
            and _object(row) == _object(wait)
        )

    def _blockers(self, wait: Row) -> frozenset[Name]:
        named: set[Name] = {pid for pid in wait["blockers"] if pid}
        if 0 in wait["blockers"]:
            named |= {name for name in self._holders(wait) if isinstance(name, str)}
        return frozenset(named)


def _object(row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in _OBJECT)


def _reached(start: Name, edges: Mapping[Any, Iterable[Name]]) -> frozenset[Name]:
    """Return all keys that are reached by at least one step."""
    reached: set[Name] = set()
    unvisited = list(edges.get(start, ()))
    while unvisited:
        name = unvisited.pop()
        if name not in reached:
            reached.add(name)
            unvisited += edges.get(name, ())
    return frozenset(reached)


def _target(row: Row) -> str:
    """Return the words for the kinds of lock that the situations have."""
    if row["locktype"] == "relation":
        return str(row["name"])
    if row["locktype"] == "tuple":
        return f"row ({row['page']},{row['tuple']}) of {row['name']}"
    if row["locktype"] == "advisory":
        return f"advisory key {row['objid']}"
    return f"transaction {row['transactionid']}"
