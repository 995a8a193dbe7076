"""The lock manager's answers, and their part of the model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from pgtop.model import EMPTY
from pgtop.model.detail import Lock
from pgtop.model.locks import (
    Hold,
    LockState,
    Prepared,
    Slot,
    Wait,
)
from pgtop.model.server import Server
from pgtop.model.timestamp import seconds_between
from pgtop.sources.postgres.encoding import decode, decode_name, decoded
from pgtop.sources.postgres.probes.exempt import read_exempt
from pgtop.sources.postgres.probes.lock_target import (
    NO_NAMES,
    Names,
    PgLocksRow,
    is_self_contained,
    self_contained_target,
    target,
)
from pgtop.sources.postgres.probes.locks.schedule import LockPollPlan
from pgtop.sources.postgres.probes.locks.statements import GRANTED, TIMES
from pgtop.sources.postgres.shapes import LONGEST_NAME, AnswerError, Row, Rows

Describe: TypeAlias = Callable[[PgLocksRow], str]
"""Returns the words for what is locked."""

_TRANSACTION = PgLocksRow._fields.index("transactionid")
_NOT_EXEMPT: Rows = [(None,)]


class LockAnswers(NamedTuple):
    """The data that one poll has read from the lock manager."""

    state: LockState = LockState()
    hidden_blockers: Mapping[int, tuple[int, ...]] = EMPTY
    """The blockers of each hidden session that waits."""
    hidden_waiters: frozenset[int] = frozenset()
    """Hidden sessions that still wait, with reused blockers."""
    seconds: float = 0.0
    """Duration on the server."""


def read(
    plan: LockPollPlan,
    answers: Sequence[Rows],
    server: Server,
    encoding: str,
    names: Names = NO_NAMES,
) -> LockAnswers:
    """Read the answers to the statements of a plan; empty if there were none."""
    if not answers:
        return LockAnswers()
    others = [*answers]
    locks = others.pop(0) if plan.reads_locks else []
    prepared_rows = others.pop(0) if plan.reads_prepared else []
    slot_rows, exempt_rows = others if plan.reads_slots else ([], _NOT_EXEMPT)

    prepared = tuple([_prepared(row, server) for row in prepared_rows])
    describe = partial(target, server=server, names=names)
    lock_answers = _read_locks(
        locks,
        plan,
        describe,
        encoding,
        prepared,
    )
    return lock_answers._replace(
        state=lock_answers.state._replace(
            prepared=prepared,
            slots=tuple([slot for row in slot_rows for slot in _slots(row)]),
            exempt=read_exempt(exempt_rows),
            is_current=plan.reads_locks,
            is_complete=plan.reads_prepared and plan.reads_slots,
        )
    )


def _read_locks(
    locks: Sequence[Row],
    plan: LockPollPlan,
    describe: Describe,
    encoding: str,
    prepared: Sequence[Prepared],
) -> LockAnswers:
    """Read the rows of awaited locks and their holders."""
    if not locks:
        return LockAnswers()
    rows = [row[:-TIMES] for row in locks]
    waiting = _waiting_in(rows, frozenset(plan.hidden_reused))
    current = [row for row in rows if row[GRANTED] or row[0] not in waiting]
    return LockAnswers(
        LockState(
            _latest_waits.of(
                current,
                describe,
                encoding,
                prepared,
            )
        ),
        hidden_blockers={
            row[0]: tuple(dict.fromkeys(row[-1])) for row in rows if row[-1]
        },
        hidden_waiters=waiting,
        seconds=seconds_between(*locks[0][-TIMES:]),
    )


def _waiting_in(rows: Sequence[Row], pids: frozenset[int]) -> frozenset[int]:
    """Return those of these pids that await a lock."""
    return frozenset([row[0] for row in rows if row[0] in pids and not row[GRANTED]])


class LatestWaits:
    """The waits in the newest rows, which the next poll often reads again."""

    def __init__(self) -> None:
        self._arguments: tuple[object, ...] = ()
        self._waits: Mapping[int, Wait] = EMPTY

    def of(
        self,
        rows: Sequence[Row],
        describe: Describe,
        encoding: str,
        prepared: Sequence[Prepared],
    ) -> Mapping[int, Wait]:
        """Return what each session waits for; for equal rows the same object as before, unless the
        words for a lock depend on more: reading 25 waiters takes 0.2 ms.
        """
        arguments = (rows, encoding, prepared)
        if arguments == self._arguments:
            return self._waits
        waits = _waits(
            rows,
            describe,
            encoding,
            prepared,
        )
        columns = [row[2:-1] for row in rows if not row[GRANTED]]
        locks = [_read_lock(each, encoding) for each in columns]
        if all(is_self_contained(lock) for lock, _ in locks):
            self._arguments = arguments
            self._waits = waits
        return waits


_latest_waits = LatestWaits()


def _waits(
    rows: Sequence[Row], describe: Describe, encoding: str, prepared: Sequence[Prepared]
) -> Mapping[int, Wait]:
    transactions = _transactions_by_name(rows, prepared)
    holds: dict[Row, list[Hold]] = {}
    awaited: dict[int, tuple[Row, Lock]] = {}
    for columns in rows:
        pid, virtual = columns[:2]
        row, tag = _read_lock(columns[2:-1], encoding)
        if not row.granted:
            is_lasting = is_self_contained(row)
            lock = _known_lock(row) if is_lasting else _lock(row, describe)
            awaited[pid] = tag, lock
        else:
            names = transactions.get(virtual, ())
            transaction = _holding_transaction(row, names) if pid is None else None
            holds.setdefault(tag, []).append(Hold(row.mode, pid, transaction))
    holds_by_tag = {tag: tuple(each) for tag, each in holds.items()}
    return {
        pid: Wait(lock, holds_by_tag.get(tag, ()))
        for pid, (tag, lock) in awaited.items()
    }


def _lock(row: PgLocksRow, describe: Describe) -> Lock:
    return Lock(
        row.locktype,
        row.mode,
        False,
        describe(row),
        row.waitstart,
    )


@lru_cache(maxsize=1024)
def _known_lock(row: PgLocksRow) -> Lock:
    """Return the awaited lock in a row that is self-contained; cached as `_read_lock` is."""
    return _lock(row, self_contained_target)


@lru_cache(maxsize=1024)
def _read_lock(columns: Row, encoding: str) -> tuple[PgLocksRow, Row]:
    """Return the lock, and its tag, which is the same for all that hold or await the same lock.

    Cached, as most locks live longer than an interval.
    """
    if any(isinstance(value, bytes) and len(value) > LONGEST_NAME for value in columns):
        raise AnswerError("The server answered with a name that is too long for one.")
    row = PgLocksRow._make(decoded(columns, encoding))
    tag = (
        row.locktype,
        row.database,
        row.relation,
        row.page,
        row.tuple,
        row.virtualxid,
        row.transactionid,
        row.classid,
        row.objid,
        row.objsubid,
    )
    return row, tag


def _transactions_by_name(
    rows: Sequence[Row], prepared: Sequence[Prepared]
) -> Mapping[bytes, tuple[int, ...]]:
    """Return ids of prepared transactions by `virtualtransaction`, which those of two sessions may
    share.
    """
    if not prepared:
        return {}
    known = {each.transaction for each in prepared}
    transactions: dict[bytes, list[int]] = {}
    for pid, virtual, *columns, _ in rows:
        transaction = columns[_TRANSACTION]
        if pid is None and transaction in known:
            transactions.setdefault(virtual, []).append(transaction)
    return {virtual: tuple(ids) for virtual, ids in transactions.items()}


def _holding_transaction(row: PgLocksRow, candidates: tuple[int, ...]) -> int | None:
    """Return the prepared transaction that holds this lock, or None if that is not certain."""
    if row.transactionid in candidates:
        return row.transactionid
    return candidates[0] if len(candidates) == 1 else None


def _prepared(row: Row, server: Server) -> Prepared:
    transaction, gid, prepared, owner, database_oid, age = row
    database = server.databases.get(database_oid)
    encoding = database.encoding if database else "SQL_ASCII"
    return Prepared(
        transaction,
        decode(gid, encoding),
        prepared,
        server.role_name(owner),
        database.name if database else None,
        age,
    )


def _slots(row: Row) -> Iterator[Slot]:
    """Yield what a slot holds back: all rows, and those of the system catalogs if it reaches
    further back there.
    """
    name, active, age, catalog_age = row
    if age is not None:
        yield Slot(decode_name(name), age, active)
    if catalog_age is not None and (age is None or catalog_age > age):
        yield Slot(
            decode_name(name),
            catalog_age,
            active,
            catalog=True,
        )
