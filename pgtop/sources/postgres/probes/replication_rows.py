"""The rows of a reading of replication: the statement for this server, and what is in its answer.

Functions that raise on a standby, or on a primary, are chosen inside the statement. A row comes as
JSON, by the names of its columns, which differ from version to version. Names in any encoding stay
out of it. The functions are read and not their views, which would build a row for each session;
what these add is in the snapshot.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple, TypeVar

from pgtop.analysis.replication_history import (
    Positions,
    replay_followed,
    sender_followed,
    slot_followed,
)
from pgtop.model.backend import STARTUP
from pgtop.model.replication import (
    Replay,
    ReplicationReading,
    ReplicationSlot,
    SubscriptionWorker,
    WalReceiver,
    WalSender,
    position_of,
)
from pgtop.model.serialise import read_record
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.encoding import decode
from pgtop.sources.postgres.features import SLOTS, SUBSCRIPTIONS, WALSENDERS, Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.shapes import (
    LONGEST_NAME,
    TEXT,
    AnswerError,
    Rows,
    Shape,
)

_STATE = """
    SELECT 'state', NULL::text, jsonb_build_object(
               'in_recovery', in_recovery,
               'position', CASE WHEN in_recovery
                           THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                           ELSE pg_current_wal_lsn() END,
               'max_wal_senders', current_setting('max_wal_senders')::int4,
               'max_replication_slots', current_setting('max_replication_slots')::int4,
               'max_slot_wal_keep_size',
               pg_size_bytes(current_setting('max_slot_wal_keep_size', true)))
      FROM server
"""
_REPLAY = """
    SELECT 'replay', NULL, jsonb_build_object(
               'receive_lsn', pg_last_wal_receive_lsn(),
               'replay_lsn', pg_last_wal_replay_lsn(),
               'last_xact_replay_timestamp', pg_last_xact_replay_timestamp(),
               'pause_state', {pause_state},
               'max_standby_streaming_delay', {streaming_delay},
               'max_standby_archive_delay', {archive_delay},
               'recovery_min_apply_delay', {apply_delay},
               'wal_receiver_timeout', {receiver_timeout},
               'hot_standby_feedback', current_setting('hot_standby_feedback')::bool,
               'conflicts',
               (SELECT jsonb_object_agg(name, total)
                  FROM (SELECT name, sum(value::int8) AS total
                          FROM pg_catalog.pg_stat_database_conflicts AS row,
                               jsonb_each_text(to_jsonb(row) - 'datname') AS columns (name, value)
                         WHERE name LIKE 'confl%%' GROUP BY name) AS sums))
      FROM server WHERE in_recovery
"""
_SETTING = "extract(epoch FROM current_setting('{name}')::interval)"
# Before 14 there is no function for a pause that was requested and has not begun.
_PAUSED = "CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END"
_PAUSE_STATE = "pg_get_wal_replay_pause_state()"
_RECEIVER = """
    SELECT 'receiver', NULL, to_jsonb(row) - 'conninfo'
      FROM server, pg_catalog.pg_stat_get_wal_receiver() AS row
     WHERE in_recovery AND pid IS NOT NULL
"""
_SENDERS = """
    SELECT 'sender', NULL, to_jsonb(row) || jsonb_build_object(
               'write_lag', extract(epoch FROM write_lag),
               'flush_lag', extract(epoch FROM flush_lag),
               'replay_lag', extract(epoch FROM replay_lag))
      FROM pg_catalog.pg_stat_get_wal_senders() AS row
"""
_SLOTS = """
    SELECT 'slot', NULL, to_jsonb(row) || jsonb_build_object(
               'datoid', datoid::int8,
               'xmin', xmin::text::int8,
               'catalog_xmin', catalog_xmin::text::int8)
      FROM pg_catalog.pg_get_replication_slots() AS row
"""
_SUBSCRIPTIONS = """
    SELECT 'subscription', subname::text, to_jsonb(row) - 'subname' || jsonb_build_object(
               'subid', subid::int8,
               'relid', relid::int8)
      FROM pg_catalog.pg_stat_subscription AS row
"""
_SQL = """
      WITH server AS MATERIALIZED (SELECT pg_is_in_recovery() AS in_recovery)
    SELECT kind, name, jsonb_strip_nulls(columns)::text
      FROM ({parts}) AS rows (kind, name, columns)
"""
_COST = """
    SELECT 'cost', NULL, jsonb_build_object(
               'seconds', extract(epoch FROM clock_timestamp() - statement_timestamp()))
"""
_SHAPE = Shape(
    TEXT,  # kind
    TEXT.or_null,  # name
    TEXT,  # columns
)
_LONGEST_ROW = 10_000
"""Characters; a row has 400."""
_MOST_ROWS = 1_000
_LARGEST = 2**63

_Record = TypeVar("_Record")


class _Cost(NamedTuple):
    """The time that the server took."""

    seconds: float = 0.0


@lru_cache(maxsize=4)
def _sql_of(has_pause_state: bool, parts: tuple[LiteralString, ...]) -> LiteralString:
    replay = _REPLAY.format(
        pause_state=_PAUSE_STATE if has_pause_state else _PAUSED,
        streaming_delay=_SETTING.format(name="max_standby_streaming_delay"),
        archive_delay=_SETTING.format(name="max_standby_archive_delay"),
        apply_delay=_SETTING.format(name="recovery_min_apply_delay"),
        receiver_timeout=_SETTING.format(name="wal_receiver_timeout"),
    )
    sql = _SQL.format(parts=" UNION ALL ".join([_STATE, replay, *parts, _COST]))
    return " ".join(sql.split())  # a third less to send


def statement_for(features: Features) -> Statement:
    """Return the statement for what this server has and this role may call."""
    parts: list[LiteralString] = [_RECEIVER]
    if features.allows(WALSENDERS):
        parts.append(_SENDERS)
    if features.allows(SLOTS):
        parts.append(_SLOTS)
    if features.allows(SUBSCRIPTIONS):
        parts.append(_SUBSCRIPTIONS)
    # both came in 14
    has_pause_state = "query_id" in features.activity_columns
    return Statement(_sql_of(has_pause_state, tuple(parts)), shape=_SHAPE)


def reading_in(
    rows: Rows, positions: Positions | None, context: ProbeContext
) -> tuple[ReplicationReading, Positions]:
    """Return the reading in an answer, with what those before it have seen, and the positions
    that the next one needs. Raises AnswerError.
    """
    reading = _reading(rows[:_MOST_ROWS], context)
    now = context.now
    known = positions or Positions()
    known = known.after(position_of(reading.position), now)
    return _followed(reading, known, context), known


def _reading(rows: Rows, context: ProbeContext) -> ReplicationReading:
    """Read the rows. Raises AnswerError."""
    parts: dict[bytes, list[Mapping[str, Any]]] = {}
    for kind, name, raw in rows:
        columns = _columns(raw)
        if name is not None:
            text = decode(name[:LONGEST_NAME], context.features.encoding)
            columns = {**columns, "subname": text}
        parts.setdefault(kind, []).append(columns)
    state = _one(ReplicationReading, parts.get(b"state", ()))
    if state is None:
        raise AnswerError(_UNREADABLE)
    cost = _one(_Cost, parts.get(b"cost", ())) or _Cost()
    return state._replace(
        replay=_one(Replay, parts.get(b"replay", ())),
        receiver=_one(WalReceiver, parts.get(b"receiver", ())),
        senders=_all(WalSender, parts.get(b"sender", ())),
        slots=_all(ReplicationSlot, parts.get(b"slot", ())),
        subscriptions=_all(SubscriptionWorker, parts.get(b"subscription", ())),
        cost_seconds=cost.seconds,
    )


_UNREADABLE = "The server answered with replication that cannot be read."


def _columns(raw: bytes) -> Mapping[str, Any]:
    """Return the columns of a row by their names. Raises AnswerError."""
    try:
        values = json.loads(raw[:_LONGEST_ROW], parse_int=_number)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise AnswerError(_UNREADABLE)
    return values


def _number(text: str) -> int:
    """Return a whole number of at most eight bytes. Raises ValueError."""
    number = int(text)
    if abs(number) >= _LARGEST:
        raise ValueError("a number that no column has")
    return number


def _all(kind: type[_Record], rows: Sequence[Mapping[str, Any]]) -> tuple[_Record, ...]:
    """Return the records of rows. Raises AnswerError."""
    try:
        return tuple([read_record(kind, row) for row in rows])
    except (ValueError, OverflowError) as error:
        raise AnswerError(_UNREADABLE) from error


def _one(kind: type[_Record], rows: Sequence[Mapping[str, Any]]) -> _Record | None:
    records = _all(kind, rows[:1])
    return records[0] if records else None


def _followed(
    reading: ReplicationReading, positions: Positions, context: ProbeContext
) -> ReplicationReading:
    """Return a reading with what those before it have seen."""
    now = context.now
    before = context.last(ReplicationReading) or ReplicationReading()
    senders = [
        sender_followed(each, before, positions, now) for each in reading.senders
    ]
    slots = [slot_followed(each, before, now) for each in reading.slots]
    replay = reading.replay
    if replay is not None:
        replay = replay_followed(
            replay,
            before.replay,
            positions,
            now,
            waits=_replay_waits(context.snapshot),
        )
    return reading._replace(senders=tuple(senders), slots=tuple(slots), replay=replay)


def _replay_waits(snapshot: Snapshot | None) -> bool:
    """Return whether the replay waits for a session that is in its way."""
    processes = () if snapshot is None else snapshot.processes
    waits = [
        (each.wait_event_type, each.wait_event)
        for each in processes
        if each.backend_type == STARTUP
    ]
    return any(kind in _HELD_UP or event in _CONFLICTS for kind, event in waits)


_HELD_UP = frozenset({"Lock", "BufferPin", "Buffer"})
_CONFLICTS = frozenset({"RecoveryConflictSnapshot", "RecoveryConflictTablespace"})
"""Wait events of a replay that waits for a session, and types of others."""
