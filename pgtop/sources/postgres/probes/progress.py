"""The probe that reads how far vacuums, index builds, copies and base backups are.

It costs nothing while no session runs such a command, which the texts and types of the previous
snapshot show. A function may build an index, too, and the work of hidden sessions has no text: all
views are read now and then while a session runs long, or is hidden.

A row comes as JSON, by the names of its columns: these differ from version to version, and a view
of a later server needs no change here. The name of the database stays out of it, as it may be in
any encoding.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, LiteralString

from pgtop.analysis.progress_commands import may_have_others, views_of
from pgtop.model.progress import SECTION, Operation, ProgressReading
from pgtop.model.section import PROGRESS, Topic
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.postgres.encoding import decode, decode_name
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.probes.lock_target import relation_target, short_name
from pgtop.sources.postgres.shapes import (
    LONGEST_NAME,
    PID,
    TEXT,
    TIME,
    AnswerError,
    Row,
    Rows,
    Shape,
)

SEARCH_EVERY = 10 * MICROSECONDS
"""Between two readings of all views."""

_SQL = """
    SELECT view, activity.pid, backend_start, query_start,
           CASE WHEN (columns->>'datid')::oid = %(database)s::oid
                THEN nullif((columns->>'relid')::oid::regclass::text, columns->>'relid') END,
           CASE WHEN (columns->>'datid')::oid = %(database)s::oid
                THEN nullif(index_relid::oid::regclass::text, index_relid) END,
           columns::text
      FROM (SELECT view, columns, coalesce(columns->>'index_relid',
                                           columns->>'cluster_index_relid',
                                           columns->>'repack_index_relid') AS index_relid
              FROM ({views}) AS views) AS progress,
           LATERAL pg_catalog.pg_stat_get_activity((columns->>'pid')::int4) AS activity
"""
_VIEW = """
    SELECT '{view}' AS view, to_jsonb(row) - 'datname' AS columns
      FROM pg_catalog.pg_stat_progress_{view} AS row
"""
_SHAPE = Shape(
    TEXT,  # view
    PID,  # pid
    TIME.or_null,  # backend_start
    TIME.or_null,  # query_start
    TEXT.or_null,  # name of the table
    TEXT.or_null,  # name of the index
    TEXT,  # columns
)
_OID = re.compile(r"[0-9]{1,10}", re.ASCII)
_NO_NAME = b"-"
"""The text of oid 0 as a relation."""
_COMMANDS: Mapping[LiteralString, str] = {
    "vacuum": "VACUUM",
    "analyze": "ANALYZE",
    "create_index": "CREATE INDEX",
    "cluster": "CLUSTER",
    "repack": "REPACK",
    "copy": "COPY",
    "basebackup": "BASE BACKUP",
}
"""The command where the view has no column of it, or hides it."""
_LONGEST_ROW = 10_000
"""Characters; a row has 500."""
_LONGEST_WORD = 100
_MOST_ROWS = 1_000
_KEYS = frozenset({"pid", "datid", "relid"})
"""Columns that are no counters."""
_LARGEST = 2**63


class ProgressProbe:
    """Reads the views pg_stat_progress_…, of which every role sees at least the pids."""

    name = SECTION
    topic: Topic = PROGRESS

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statement for the views that may have rows; nothing if none may."""
        wanted = _wanted(context) & context.features.progress_views
        views = tuple([view for view in _COMMANDS if view in wanted])
        if not views or context.server is None:
            return ()
        values = {"database": context.server.database_oid}
        return (Statement(_sql(views), values, _SHAPE),)

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> ProgressReading:
        """Return the operations, with what earlier readings have seen of them."""
        from pgtop.analysis.progress import followed

        [rows] = answers
        before = _reading(context)
        operations_before = {each.pid: each for each in before.operations}
        operations = []
        for row in rows[:_MOST_ROWS]:
            now = _operation(row, context)
            last = operations_before.get(now.pid)
            operations.append(followed(now, last, context.now))
        searched_at = context.now if _is_search(context) else before.searched_at
        return ProgressReading(tuple(operations), searched_at)


def _wanted(context: ProbeContext) -> frozenset[str]:
    """Return the views to read: those of commands that run, and of operations that were under way;
    all of them now and then.
    """
    snapshot = context.snapshot
    if snapshot is None:
        return frozenset()
    if _is_search(context):
        return context.features.progress_views
    known = {each.view for each in _reading(context).operations}
    return views_of(snapshot) | known


def _is_search(context: ProbeContext) -> bool:
    """Return whether this poll reads all views."""
    snapshot = context.snapshot
    if snapshot is None:
        return False
    is_due = snapshot.taken_at - _reading(context).searched_at >= SEARCH_EVERY
    return is_due and may_have_others(snapshot)


def _reading(context: ProbeContext) -> ProgressReading:
    return context.last(ProgressReading) or ProgressReading()


@lru_cache(maxsize=8)
def _sql(views: tuple[LiteralString, ...]) -> LiteralString:
    parts = [_VIEW.format(view=view) for view in views]
    return _SQL.format(views=" UNION ALL ".join(parts))


def _operation(row: Row, context: ProbeContext) -> Operation:
    """Read a row. Raises AnswerError."""
    raw_view, pid, backend_start, query_start, table, index, columns = row
    view = decode_name(raw_view)
    values = _columns(columns)
    numbers = _numbers(values)
    datid, relid = numbers.get("datid"), numbers.get("relid")
    return Operation(
        pid=pid,
        view=view,
        command=_word(values, "command") or _COMMANDS.get(view, view),
        backend_start=backend_start,
        query_start=query_start,
        phase=_word(values, "phase"),
        datid=datid,
        relid=relid or None,
        target=_target(datid, relid, table, context),
        index_name=short_name(_name(index, context) or ""),
        counters={
            name: number for name, number in numbers.items() if name not in _KEYS
        },
    )


def _columns(raw: bytes) -> Mapping[str, Any]:
    """Return the columns of a row by their names. Raises AnswerError."""
    try:
        values = json.loads(raw[:_LONGEST_ROW])
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise AnswerError("The server answered with progress that cannot be read.")
    return values


def _numbers(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the columns that are numbers, whole ones: times of less than a millisecond are
    cut.
    """
    numbers = {name[:_LONGEST_WORD]: _number(value) for name, value in values.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _number(value: object) -> int | None:
    """Return a number, or an oid, which JSON has as a text."""
    if isinstance(value, str):
        return int(value) if _OID.fullmatch(value) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if abs(value) < _LARGEST else None


def _word(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return value[:_LONGEST_WORD] if isinstance(value, str) else None


def _target(
    datid: int | None, relid: int | None, table: bytes | None, context: ProbeContext
) -> str:
    """Return the table in words; "" for none."""
    if not datid or not relid or context.server is None:
        return ""
    name = _name(table, context)
    return relation_target(datid, relid, name, context.server, context.names)


def _name(raw: bytes | None, context: ProbeContext) -> str | None:
    if raw is None or raw == _NO_NAME:
        return None
    return decode(raw[:LONGEST_NAME], context.features.encoding)
