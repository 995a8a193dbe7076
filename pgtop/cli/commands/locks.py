"""`pgtop locks`: the lock tree, and what holds back vacuum, printed once.

The names in JSON are stable, like those of `pgtop show`. Nodes are a flat list, each
with its parent: a chain may be deeper than a reader of nested JSON can follow.
"""

import json
from collections.abc import Iterable
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.analysis.xmin import XminHolder, xmin_holders
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.filters import readable
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.args.records import LocksCommand
from pgtop.cli.commands.show import OPTION, filter_line, option_filter
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import sample_of
from pgtop.cli.recorded import recorded_sample
from pgtop.model.locks import Wait
from pgtop.model.section import LOCKS, SESSIONS
from pgtop.model.serialise import record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import written
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.alarm import summary
from pgtop.view.banner import server_line
from pgtop.view.json_report import session_record, snapshot_record
from pgtop.view.lock_lines import LOCKS as TABLE
from pgtop.view.lock_phrases import rollback
from pgtop.view.lock_rows import layout
from pgtop.view.locks import ArrangedLocks, arrange_locks

_TOPICS = frozenset({SESSIONS, LOCKS})


def run(command: LocksCommand) -> int:
    """Print the tree; return the exit code, which shows whether any session waits. Raises
    PgtopError and SourceError.
    """
    options = TableOptions(TABLE.filter(option_filter(command.filter).text))
    check_past(command.past, command.connection)
    derived = DerivedSnapshot.of(
        interrupts.run(_sample(command, redacts(command.redact)))
    )
    with readable((options.filter.text,), OPTION):  # a pattern may take too long
        arranged = arrange_locks(derived, options)
        if command.json:
            output.write_data(as_json(arranged))
        else:
            lines = page(arranged, output.page_width())
            output.write(output.page(lines, command.color))
        if derived.snapshot.locks.failure:
            return Exit.LOCKS_UNKNOWN
        return Exit.WAITING if arranged.matching else Exit.DONE


async def _sample(command: LocksCommand, redact: bool) -> Snapshot:
    past = command.past
    if past.file is not None:
        return await recorded_sample(past.file, past.at, redact)
    source = compose.source_for(compose.connection_for(command.connection), redact)
    return await sample_of(source, _TOPICS, command.connection.wait)


def page(arranged: ArrangedLocks, width: int) -> list[Line]:
    """Return the server, the filter, a summary, and the rows of the locks view, for people."""
    derived = arranged.context
    note = derived.snapshot.locks.note
    words = [*filter_line(arranged.options.filter), summary(derived)]
    words += [line(clean(note), Tone.WARN)] if note else []
    top = [server_line(derived.snapshot, min(width, output.WIDEST_BANNER))]
    for spans in filter(None, words):
        top += wrapped(spans, width)
    columns = layout(width)
    rows = [TABLE.line(columns, row, derived) for row in arranged.rows]
    return [*top, header(columns, Sort(), columns[0].column.title), *rows]


def as_json(arranged: ArrangedLocks) -> str:
    """Return one object on one line, in ASCII."""
    derived = arranged.context
    snapshot = derived.snapshot
    nodes = [row.node for row in arranged.rows if row.node is not None]
    node_records = [_node_record(node, derived) for node in nodes]
    holders = [_holder_record(holder) for holder in xmin_holders(snapshot)]
    whole = {
        **snapshot_record(snapshot),
        "understood": arranged.options.filter.understood or None,
        **_forest_record(derived),
        "note": snapshot.locks.note,
        "asked": snapshot.locks.is_current,
        "nodes": node_records,
        "xmin_holders": holders,
    }
    return json.dumps(whole) + "\n"


def _forest_record(derived: DerivedSnapshot) -> dict[str, Any]:
    """Return the figures of all trees, or the reason why they are not known."""
    forest = derived.forest
    first = forest.longest_wait()
    figures: dict[str, Any] = {
        "waiting": forest.waiting,
        "longest": forest.longest_wait_seconds(derived.now),
        "longest_is_exact": first is not None and first.is_since_exact,
        "roots": [_name(root) for root in forest.roots],
        "reason": None,
    }
    failure = derived.snapshot.locks.failure
    if failure:
        figures |= {"waiting": None, "longest": None, "roots": None, "reason": failure}
    return figures


def _name(node: Node) -> int | str:
    """Return a session's pid or a prepared transaction's gid; if the gid is not known, words."""
    if node.backend is not None:
        return node.backend.pid
    return node.prepared.gid if node.prepared else "a prepared transaction"


def _node_record(node: Node, derived: DerivedSnapshot) -> dict[str, Any]:
    """Return a node; `soft` are those of `blockers` that only wait ahead in the queue."""
    forest = derived.forest
    deadlock = node.cycle if forest.is_deadlock(node.cycle) else ()
    queued = [key for key in node.blockers if key in node.queued_blockers]
    session = None if node.backend is None else session_record(node.backend, derived)
    return {
        "name": _name(node),
        "parent": _name_of(node.parent, forest),
        "root": _name_of(forest.root_of(node.key), forest),
        "waits": node.is_waiting,
        "since": written(node.since),
        "since_is_exact": node.is_since_exact,
        **_lock_record(node.wait),
        "blockers": _names(node.blockers, forest),
        "soft": _names(queued, forest),
        "deadlock": _names(deadlock, forest),
        "deadlock_is_certain": forest.is_surely_deadlocked(deadlock),
        "blocks_directly": node.direct_waiters,
        "blocks": node.total_waiters,
        "session": session,
        "prepared": _prepared_record(node),
    }


def _name_of(key: Key | None, forest: LockForest) -> int | str | None:
    return None if key is None else _name(forest.nodes[key])


def _names(keys: Iterable[Key], forest: LockForest) -> list[int | str]:
    return [_name(forest.nodes[key]) for key in keys]


def _lock_record(wait: Wait | None) -> dict[str, str | None]:
    names = ("locktype", "mode", "target")
    return dict.fromkeys(names) if wait is None else record(wait.lock, names)


def _prepared_record(node: Node) -> dict[str, Any] | None:
    if node.prepared is None:
        return None
    return {**record(node.prepared), "rollback": rollback(node)}


def _holder_record(holder: XminHolder) -> dict[str, Any]:
    return {
        "kind": holder.kind,
        "name": holder.name,
        "pid": holder.backend.pid if holder.backend else None,
        "age": holder.age,
        "database": holder.database,
        "catalog": holder.catalog,
        "is_certain": holder.is_certain,
        "inherited_from": holder.cause,
    }
