"""`pgtop locks`: who waits for whom as a tree, and who holds back vacuum, printed once.

The names in JSON are a promise to scripts, as those of `pgtop show`. Nodes are a flat list, each
with its parent: a chain may be deeper than a reader of nested JSON can follow.
"""

import json
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.xmin import XminHolder, xmin_holders
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.filters import readable
from pgtop.cli.args.options import LocksCommand
from pgtop.cli.commands.show import OPTION, option_filter
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.guards import redacts
from pgtop.cli.json_report import session_record, snapshot_record
from pgtop.model.section import LOCKS, SESSIONS
from pgtop.model.serialise import record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import written
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.view.alarm import summary
from pgtop.view.lock_phrases import rollback
from pgtop.view.lock_rows import LOCKS as TABLE
from pgtop.view.lock_rows import layout
from pgtop.view.locks import ArrangedLocks, arrange_locks

_TOPICS = frozenset({SESSIONS, LOCKS})
_PAGE = 160
"""Cells of a tree that does not go to a terminal."""


def run(command: LocksCommand) -> int:
    """Print the tree; returns the exit code, which tells whether anybody waits. Raises PgtopError
    and SourceError.
    """
    options = TableOptions(TABLE.filter(option_filter(command.filter).text))
    picture = DerivedSnapshot.of(
        interrupts.run(_sample(command.connection, redacts(command.redact)))
    )
    with readable((options.filter.text,), OPTION):  # a pattern may take too long
        arranged = arrange_locks(picture, options)
        if command.json:
            output.write_data(as_json(arranged))
        else:
            output.write(output.page(page(arranged, output.columns() or _PAGE), command.color))
        if picture.snapshot.locks.failure:
            return Exit.LOCKS_UNKNOWN
        return Exit.WAITING if arranged.matching else Exit.DONE


async def _sample(connection: ConnectionOptions, redact: bool) -> Snapshot:
    source = compose.source_for(compose.connection_for(connection), redact)
    try:
        await first_sample(source, connection.wait)
        # the first sample has shown what there is to read
        return await source.sample(_TOPICS)
    finally:
        await source.close()


def page(arranged: ArrangedLocks, width: int) -> list[Line]:
    """Return a summary, and the rows of the locks view, for people."""
    picture = arranged.context
    words = summary(picture)
    note = picture.snapshot.locks.note
    top = [words] if words else []
    top += [line(clean(note), Tone.WARN)] if note else []
    columns = layout(width)
    rows = [TABLE.line(columns, row, picture) for row in arranged.rows]
    return [*top, header(columns, Sort(), columns[0].column.title), *rows]


def as_json(arranged: ArrangedLocks) -> str:
    """Return one object on one line, in ASCII."""
    picture = arranged.context
    forest = picture.forest
    first = forest.longest_wait()
    failure = picture.snapshot.locks.failure
    whole = {
        **snapshot_record(picture.snapshot),
        "understood": arranged.options.filter.understood or None,
        "waiting": None if failure else forest.waiting,
        "longest": None if failure else forest.longest_wait_seconds(picture.now),
        "longest_is_exact": first is not None and first.is_since_exact,
        "roots": None if failure else [_name(root) for root in forest.roots],
        "reason": failure or None,
        "note": picture.snapshot.locks.note,
        "asked": picture.snapshot.locks.is_current,
        "nodes": [_node_record(row.node, picture) for row in arranged.rows if row.node is not None],
        "xmin_holders": [_holder_record(holder) for holder in xmin_holders(picture.snapshot)],
    }
    return json.dumps(whole) + "\n"


def _name(node: Node) -> int | str:
    """A session's pid, a prepared transaction's gid, or, where nobody can tell which one it is,
    what it is.
    """
    if node.backend is not None:
        return node.backend.pid
    return node.prepared.gid if node.prepared else "a prepared transaction"


def _node_record(node: Node, picture: DerivedSnapshot) -> dict[str, Any]:
    """One node; `soft` are those of `blockers` that only wait ahead in the queue."""
    nodes = picture.forest.nodes
    deadlock = node.cycle if picture.forest.is_deadlock(node.cycle) else ()
    root, lock = picture.forest.root_of(node.key), node.wait.lock if node.wait else None
    return {
        "name": _name(node),
        "parent": None if node.parent is None else _name(nodes[node.parent]),
        "root": None if root is None else _name(nodes[root]),
        "waits": node.is_waiting,
        "since": written(node.since),
        "since_is_exact": node.is_since_exact,
        "locktype": lock.locktype if lock else None,
        "mode": lock.mode if lock else None,
        "target": lock.target if lock else None,
        "blockers": [_name(nodes[key]) for key in node.blockers],
        "soft": [_name(nodes[key]) for key in node.blockers if key in node.queued_blockers],
        "deadlock": [_name(nodes[key]) for key in deadlock],
        "deadlock_is_certain": picture.forest.is_surely_deadlocked(deadlock),
        "blocks_directly": node.direct_waiters,
        "blocks": node.total_waiters,
        "session": session_record(node.backend, picture) if node.backend else None,
        "prepared": _prepared_record(node),
    }


def _prepared_record(node: Node) -> dict[str, Any] | None:
    if node.prepared is None:
        return None
    return {**record(node.prepared), "rollback": rollback(node)}


def _holder_record(holder: XminHolder) -> dict[str, Any]:
    pid = holder.backend.pid if holder.backend else None
    return {
        "kind": holder.kind, "name": holder.name, "pid": pid, "age": holder.age, "database": holder.database,
        "catalog": holder.catalog, "is_certain": holder.is_certain, "inherited_from": holder.cause,
    }  # fmt: skip
