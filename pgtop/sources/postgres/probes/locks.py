"""What is asked of the lock manager, how often, and how its answers become the model.

Nothing here is asked while nobody waits. A wait's target is put into words only where this
connection can know them: a relation's number has a name in its own database alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pgtop.analysis.forest_builder import conflict
from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Lock
from pgtop.model.locks import Blocking, Hold, Prepared, Slot, Wait
from pgtop.model.record import EMPTY
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.sources.postgres.connection import Row, Statement
from pgtop.sources.postgres.encoding import decode, decode_name
from pgtop.sources.postgres.features import BLOCKING_PIDS, LOCK_STATUS, PREPARED, SLOTS, Features
from pgtop.sources.postgres.parameters import Parameter
from pgtop.sources.postgres.probes.detail import LockRow, exempt, read_exempt, target
from pgtop.sources.postgres.shapes import (
    BOOL,
    INT2,
    INT4,
    LONGEST_NAME,
    OID,
    PID,
    PIDS,
    TEXT,
    TIME,
    XID,
    AnswerError,
    Shape,
)

ASKED_AT_ONCE = 24
"""Up to so many waiters all is asked at every tick; of more, so many: whom they wait for, or what
for, in turn.

New waiters are asked about at once, and those whose blocker has gone. Without this bound, as each
call looks at the whole queue, 200 waiters cost four times a calm tick and more (`python -m
tests.benchmarks.blocking`).
"""
SLOW = 0.25
"""Seconds of a tick on the server, without the network, from which the lock manager is left alone
for a while.
"""
_REST = 20
"""How many times as long it is left alone as it took: it then costs a twentieth of one core at
most.
"""
_LONGEST_REST = 60.0
_REST_AFTER_FAILURE = 30.0
_HIDDEN_EVERY = 5 * MICROSECONDS
"""How often the locks are read for sessions that are hidden from this role: only the locks show
that they wait.
"""

_TAG = """locktype, coalesce(database, 0), coalesce(relation, 0), coalesce(page, 0), coalesce(tuple, 0),
          coalesce(virtualxid, ''), coalesce(transactionid::text, ''), coalesce(classid, 0), coalesce(objid, 0),
          coalesce(objsubid, 0)"""

# What others wait for, and who has it; and what tells which prepared transaction a holder without a
# pid is. Which columns are NULL depends on the kind of lock alone, so zeros in their place do no
# harm. A lock taken by the fast path is moved to the common table before anybody waits for it, so
# those left there are in nobody's way; and the marks that serializable transactions leave on what
# they have read (SIReadLock) are in nobody's way ever.
_LOCKS = """
    WITH locks AS MATERIALIZED (
              SELECT * FROM pg_catalog.pg_lock_status() WHERE NOT fastpath AND mode <> 'SIReadLock'
              ),
         found AS MATERIALIZED (
              SELECT pid, virtualtransaction, locktype, mode, granted, {waitstart}, 0, database, relation,
                     CASE WHEN NOT granted AND database IN (0, %(database)s::oid)
                          THEN nullif(relation::regclass::text, relation::text) END,
                     page, tuple, virtualxid, transactionid, classid,
                     CASE WHEN NOT granted THEN nullif(classid::regclass::text, classid::text) END, objid, objsubid,
                     CASE WHEN NOT granted AND %(hidden)s AND NOT pid = ANY(%(lent)s::int4[]) THEN {blocking_pids} END
                FROM locks
               WHERE ({tag}) IN (SELECT {tag} FROM locks WHERE NOT granted AND NOT pid = ANY(%(told)s::int4[]))
                 AND (granted OR NOT pid = ANY(%(told)s::int4[]))
                  OR (pid IS NULL AND locktype = 'transactionid')
                  OR (NOT granted AND pid = ANY(%(lent)s::int4[]))
              )
    SELECT found.*, statement_timestamp(), (SELECT clock_timestamp() FROM found HAVING count(*) > 0) FROM found
"""

_LOCKS_SHAPE = Shape(
    PID.or_null, TEXT.or_null, TEXT, TEXT, BOOL, TIME.or_null, INT4, OID.or_null, OID.or_null, TEXT.or_null,
    INT4.or_null, INT2.or_null, TEXT.or_null, XID.or_null, OID.or_null, TEXT.or_null, OID.or_null, INT2.or_null,
    PIDS.or_null, TIME, TIME.or_null,
)  # fmt: skip
_TIMES = 2  # columns behind each row: when the server began and was done, without the network
_GRANTED = 4

# Their functions rather than the views: these would join names that are known already.
_PREPARED = """
    SELECT transaction, gid, prepared, ownerid, dbid, age(transaction) FROM pg_catalog.pg_prepared_xact()
"""

_PREPARED_SHAPE = Shape(XID, TEXT, TIME, OID, OID, INT4)

# The columns that mark an invalidated slot, which holds nothing, came with several versions: JSON
# has those there are.
_SLOTS = """
    SELECT slot_name, active, age(xmin), age(catalog_xmin)
      FROM pg_catalog.pg_get_replication_slots() AS slot, to_jsonb(slot) AS known
     WHERE (xmin IS NOT NULL OR catalog_xmin IS NOT NULL)
       AND known ->> 'invalidation_reason' IS NULL
       AND (known ->> 'conflicting' = 'true') IS NOT TRUE
       AND (known ->> 'wal_status' = 'lost' AND restart_lsn IS NULL) IS NOT TRUE
"""
_SLOTS_SHAPE = Shape(TEXT, BOOL, INT4.or_null, INT4.or_null)


class LockPollPlan(NamedTuple):
    """What a tick asks the lock manager: whom each waiter waits for (`pids`), and for what
    (`facts`).
    """

    pids: bool = True
    facts: bool = False
    known: tuple[int, ...] = ()
    """Waiters whose turn it is not: whom they wait for is known from a tick before."""
    hidden: tuple[int, ...] = ()
    """Sessions that this role sees too little of to tell whether they wait, and whose turn it
    is.
    """
    lent: tuple[int, ...] = ()
    """Such sessions whose turn it is not: only whether they wait still is asked."""
    prepared: bool = False
    """Somebody waits for a prepared transaction, or looks at who holds back vacuum."""
    slots: bool = False
    """Somebody looks at that."""
    told: tuple[int, ...] = ()
    """Waiters whose turn it is not: what they wait for is known from a tick before."""

    def permitted(self, features: Features) -> "LockPollPlan":
        """Return the plan without what this role may not ask."""
        return self._replace(
            pids=self.pids and features.allows(BLOCKING_PIDS),
            facts=self.facts and features.allows(LOCK_STATUS),
            prepared=self.prepared and features.allows(PREPARED),
            slots=self.slots and features.allows(SLOTS),
        )


class LockPollSchedule(NamedTuple):
    """When to ask what. A value: what came of a tick gives the pace of the next."""

    waits: bool = False
    """Somebody waited."""
    known: tuple[BackendId, ...] = ()
    """Those of whom it is known whom they wait for; whose turn to be asked about comes first stands
    first.
    """
    prepared: bool = False
    """Somebody waited for a prepared transaction."""
    facts_next: bool = True
    hidden: tuple[int, ...] = ()
    facts_at: Instant = 0
    """When the facts were asked for last."""
    resting_until: Instant = 0
    note: str = ""
    failure: str = ""
    """The note, where nothing is known because of it."""

    def plan(self, last: Snapshot | None, watched: bool) -> LockPollPlan:
        """The next tick's; `watched`: somebody looks at the facts, whether anybody waits or not."""
        if last is None:
            return LockPollPlan()
        if last.taken_at < self.resting_until:
            return LockPollPlan(pids=False)
        if not self.waits or len(self.known) <= ASKED_AT_ONCE:
            are_due = bool(self.hidden) and last.taken_at - self.facts_at >= _HIDDEN_EVERY
            return LockPollPlan(
                True,
                watched or self.waits or are_due,
                hidden=self.hidden,
                prepared=watched or self.prepared,
                slots=watched,
            )
        known = tuple(who.pid for who in self.known)
        later = known[ASKED_AT_ONCE:]
        if not self.facts_next:
            return LockPollPlan(True, False, later)
        hidden = frozenset(self.hidden)
        return LockPollPlan(
            True,
            True,
            later if hidden else known,
            hidden=tuple(hidden.difference(later)),
            lent=tuple(hidden.intersection(later)),
            prepared=watched or self.prepared,
            slots=watched,
            told=tuple(pid for pid in later if pid in last.blocking.waits),
        )

    def after(self, snapshot: Snapshot, plan: LockPollPlan, spent: float) -> "LockPollSchedule":
        """After a tick that took the server `spent` seconds."""
        waiting = snapshot.waiting
        hidden = tuple(b.pid for b in snapshot.busy if b.hidden and b.datid is not None)
        pace = self._replace(
            waits=bool(waiting),
            known=self._known_after(snapshot, plan, waiting) if waiting else (),
            prepared=any(0 in b.blocked_by for b in waiting),
            facts_next=bool(hidden) or not plan.facts,
            hidden=hidden,
            facts_at=snapshot.taken_at if plan.facts else self.facts_at,
        )
        if not plan.pids:
            return pace
        if spent < SLOW or not (
            waiting or plan.facts
        ):  # else it was not asked, and something else is slow
            return pace._replace(note="", failure="")
        rest = min(_LONGEST_REST, _REST * spent)
        return pace._resting(
            snapshot.taken_at,
            rest,
            f"the server is slow to tell who waits ({spent:.1f} s): asked every {rest:.0f} s, to spare it",
        )

    def _known_after(
        self, snapshot: Snapshot, plan: LockPollPlan, waiting: Iterable[Backend]
    ) -> tuple[BackendId, ...]:
        """Whom one knows enough about, those first who were asked longest ago; not those whose
        blocker has gone.
        """
        known = dict.fromkeys(
            b.identity for b in waiting if b.blocked_by and _are_here(b.blocked_by, snapshot)
        )
        lent = set(plan.known)
        later = [who for who in self.known if who in known and (who.pid in lent or not plan.pids)]
        return tuple(dict.fromkeys([*later, *known]))

    def after_failure(self, now: Instant, why: str) -> "LockPollSchedule":
        """The lock manager could not be asked, or took too long: leave it alone for a while."""
        note = f"who waits for whom could not be read ({why}): next try after {_REST_AFTER_FAILURE:.0f} s"
        return self._resting(now, _REST_AFTER_FAILURE, note)._replace(failure=note)

    def _resting(self, now: Instant, seconds: float, note: str) -> "LockPollSchedule":
        return self._replace(resting_until=now + round(seconds * MICROSECONDS), note=note)


def _are_here(pids: Iterable[int], snapshot: Snapshot) -> bool:
    """None of them has ended."""
    return all(pid == 0 or snapshot.at(pid) is not None for pid in pids)


def statements(
    plan: LockPollPlan, features: Features, server: Server | None
) -> tuple[Statement, ...]:
    """What goes along with the activity."""
    if server is None:
        return ()
    values: dict[str, Parameter] = {
        "database": server.database_oid,
        "hidden": bool(plan.hidden),
        "lent": plan.lent,
        "told": plan.told,
    }
    blocking_pids = "pg_blocking_pids(pid)" if features.allows(BLOCKING_PIDS) else "NULL::int4[]"
    sql = _LOCKS.format(waitstart=features.waitstart, tag=_TAG, blocking_pids=blocking_pids)
    locks = (Statement(sql, values, _LOCKS_SHAPE),) if plan.facts else ()
    prepared = (Statement(_PREPARED, shape=_PREPARED_SHAPE),) if plan.prepared else ()
    slots = (Statement(_SLOTS, shape=_SLOTS_SHAPE), exempt(features)) if plan.slots else ()
    return *locks, *prepared, *slots


class Answers(NamedTuple):
    """What the lock manager said, and how long that took the server."""

    blocking: Blocking = Blocking()
    hidden: Mapping[int, tuple[int, ...]] = EMPTY
    """Whom hidden sessions wait for."""
    still: frozenset[int] = frozenset()
    """Hidden sessions that wait still, and whose turn it was not."""
    seconds: float = 0.0


def read(
    plan: LockPollPlan, answers: Sequence[list[Row]], server: Server, encoding: str
) -> Answers:
    """What the answers to `statements` say; nothing where nothing was asked."""
    if not answers:
        return Answers()
    others = [*answers]
    locks = others.pop(0) if plan.facts else []
    prepared = tuple(_prepared(row, server) for row in (others.pop(0) if plan.prepared else ()))
    slots, exempted = others if plan.slots else ((), [(None,)])
    lent = frozenset(plan.lent)
    rows = [row[:-_TIMES] for row in locks]
    blocking = Blocking(
        _waits(
            [row for row in rows if row[0] not in lent or row[_GRANTED]], server, encoding, prepared
        ),
        prepared,
        tuple(slot for row in slots for slot in _slots(row)),
        read_exempt(exempted),
        asked=plan.facts,
        complete=plan.prepared and plan.slots,
    )
    return Answers(
        blocking,
        {row[0]: tuple(dict.fromkeys(row[-1])) for row in rows if row[-1]},
        frozenset(row[0] for row in rows if row[0] in lent and not row[_GRANTED]),
        seconds_between(*locks[0][-_TIMES:]) if locks else 0.0,
    )


def completed(
    found: Blocking, plan: LockPollPlan, last: Snapshot | None, waiting: Iterable[Backend]
) -> Blocking:
    """`found`, with what was known before of those that wait still, by the same query, and were not
    asked about.
    """
    if last is None or (found.asked and not plan.told):
        return found
    if plan.pids and not last.blocking.waits:
        return found
    kept = _still_waiting(last, waiting) if last.blocking.waits else {}
    if not found.asked:
        return last.blocking._replace(waits=kept, asked=False)
    return found._replace(
        waits={pid: kept[pid] for pid in plan.told if pid in kept} | dict(found.waits)
    )


def _still_waiting(last: Snapshot, waiting: Iterable[Backend]) -> dict[int, Wait]:
    """What was known of those that wait still, by the same query."""
    still = {b.pid for b in waiting if _is_same_query(last.at(b.pid), b)}
    return {pid: wait for pid, wait in last.blocking.waits.items() if pid in still}


def _is_same_query(before: Backend | None, now: Backend) -> bool:
    return (
        before is not None
        and before.identity == now.identity
        and before.query_start == now.query_start
    )


def hidden_waits(found: Answers, last: Snapshot | None) -> Mapping[int, tuple[int, ...]]:
    """Whom hidden sessions wait for: as found, and where that was not asked again, as before."""
    before = {b.pid: b.blocked_by for b in last.busy if b.hidden and b.blocked_by} if last else {}
    if not found.blocking.asked:
        return before
    return {pid: before[pid] for pid in found.still if pid in before} | dict(found.hidden)


def with_hidden(
    backends: Iterable[Backend], hidden: Mapping[int, tuple[int, ...]]
) -> tuple[Backend, ...]:
    """The backends, those that this role cannot see wait with whom they wait for."""
    if not hidden:
        return tuple(backends)
    return tuple(
        b._replace(blocked_by=hidden[b.pid]) if b.hidden and b.pid in hidden else b
        for b in backends
    )


def with_replay(
    backends: Sequence[Backend], found: Blocking, last: Snapshot | None
) -> Sequence[Backend]:
    """Return the backends; the replaying one is blocked by all that hold a conflicting lock on what
    it wants.

    pg_blocking_pids looks among sessions, and does not find the process that applies a primary's
    locks to a standby.
    """
    known = last.blocking.waits if last is not None else EMPTY
    if not found.waits and not known:
        return backends
    replays = {
        b.pid: b for b in backends if b.may_replay and (b.pid in found.waits or b.pid in known)
    }
    waits = {
        pid: found.waits.get(pid) or known[pid]
        for pid, b in replays.items()
        if pid in found.waits or b.waits_for_lock or not found.asked
    }
    return tuple(
        [
            b._replace(blocked_by=_holding(waits[b.pid], b.pid)) if b.pid in waits else b
            for b in backends
        ]
    )


def _holding(wait: Wait, waiter: int) -> tuple[int, ...]:
    """Return the pids that hold what a waiter wants in a conflicting mode, each once."""
    holds = [
        hold for hold in wait.holds if hold.pid != waiter and conflict(hold.mode, wait.lock.mode)
    ]
    return tuple(dict.fromkeys(hold.pid or 0 for hold in holds))


def lent(plan: LockPollPlan, found: Answers, backends: Iterable[Backend]) -> frozenset[int]:
    """Waiters of whom it was not asked in this tick whom they wait for: the last one lends what is
    told of them.
    """
    if plan.pids and not plan.known and not plan.lent:
        return frozenset()
    turnless = frozenset((*plan.known, *plan.lent)).difference(found.hidden)
    return frozenset(
        [b.pid for b in backends if b.blocked_by and (not plan.pids or b.pid in turnless)]
    )


def without_moved(
    backends: tuple[Backend, ...], lent: Collection[int], found: Blocking, last: Snapshot | None
) -> tuple[Backend, ...]:
    """The backends; those in `lent` without the blockers that have moved on since `last`, as their
    locks are gone.

    One that others were heard to wait for in this very tick stays: a session may hold a lock across
    transactions.
    """
    if last is None or not lent:
        return backends
    named = frozenset().union(*(b.blocked_by for b in backends if b.pid in lent))
    before = {b.pid: b for b in last.backends if b.pid in named}
    moved = {b.pid for b in backends if b.pid in named and _has_moved(before.get(b.pid), b)}
    moved.difference_update(*(b.blocked_by for b in backends if b.pid not in lent))
    moved.difference_update(hold.pid for wait in found.waits.values() for hold in wait.holds)
    if not moved:
        return backends
    return tuple(
        [
            b._replace(blocked_by=tuple(p for p in b.blocked_by if p not in moved))
            if b.pid in lent
            else b
            for b in backends
        ]
    )


def _has_moved(before: Backend | None, now: Backend) -> bool:
    """It is in another transaction than it was, or, if it waited itself, at another query."""
    if before is None or (before.backend_start, before.xact_start) != (
        now.backend_start,
        now.xact_start,
    ):
        return True
    return before.waits_for_lock and before.query_start != now.query_start


def _waits(
    rows: Sequence[Row], server: Server, encoding: str, prepared: Sequence[Prepared]
) -> Mapping[int, Wait]:
    named = _prepared_by_name(rows, prepared)
    holds: dict[Row, list[Hold]] = {}
    awaited: dict[int, tuple[Row, Lock]] = {}
    for pid, virtual, *columns, _ in rows:
        row, tag = _read_lock(tuple(columns), encoding)
        if not row.granted:
            awaited[pid] = (
                tag,
                Lock(row.locktype, row.mode, False, target(row, server), row.waitstart),
            )
        else:
            transaction = _holder(row, named.get(virtual, ())) if pid is None else None
            holds.setdefault(tag, []).append(Hold(row.mode, pid, transaction))
    held = {tag: tuple(found) for tag, found in holds.items()}
    return {pid: Wait(lock, held.get(tag, ())) for pid, (tag, lock) in awaited.items()}


@lru_cache(maxsize=1024)
def _read_lock(columns: Row, encoding: str) -> tuple[LockRow, Row]:
    """The lock, and what tells it from others. Kept, as most locks outlive a sample."""
    if any(isinstance(value, bytes) and len(value) > LONGEST_NAME for value in columns):
        raise AnswerError("The server answered with a name that is too long for one.")
    row = LockRow._make(
        [decode(value, encoding) if isinstance(value, bytes) else value for value in columns]
    )
    tag = (
        row.locktype, row.database, row.relation, row.page, row.tuple, row.virtualxid, row.transactionid, row.classid,
        row.objid, row.objsubid,
    )  # fmt: skip
    return row, tag


def _prepared_by_name(
    rows: Sequence[Row], prepared: Sequence[Prepared]
) -> Mapping[bytes, tuple[int, ...]]:
    """Transaction ids by `virtualtransaction`, which two prepared transactions of two sessions may
    share.
    """
    if not prepared:
        return {}
    known = {each.transaction for each in prepared}
    found: dict[bytes, list[int]] = {}
    for pid, virtual, *columns, _ in rows:
        transaction = columns[LockRow._fields.index("transactionid")]
        if pid is None and transaction in known:
            found.setdefault(virtual, []).append(transaction)
    return {virtual: tuple(transactions) for virtual, transactions in found.items()}


def _holder(row: LockRow, named: tuple[int, ...]) -> int | None:
    """Which prepared transaction holds this lock, if that can be told."""
    if row.transactionid in named:
        return row.transactionid
    return named[0] if len(named) == 1 else None


def _prepared(row: Row, server: Server) -> Prepared:
    transaction, gid, prepared, owner, database_oid, age = row
    database = server.databases.get(database_oid)
    return Prepared(
        transaction,
        decode(gid, database.encoding if database else "SQL_ASCII"),
        prepared,
        server.role_name(owner),
        database.name if database else None,
        age,
    )


def _slots(row: Row) -> Iterator[Slot]:
    """Yield what a slot holds back: all rows, and those of the system catalogs where it reaches
    further back there.
    """
    name, active, age, catalog_age = row
    if age is not None:
        yield Slot(decode_name(name), age, active)
    if catalog_age is not None and (age is None or catalog_age > age):
        yield Slot(decode_name(name), catalog_age, active, catalog=True)
