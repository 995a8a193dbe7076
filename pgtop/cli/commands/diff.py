"""`pgtop diff`: two times of a recording, compared."""

import json
from typing import Any

from pgtop.analysis.budget import Budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.difference import ChangedSession, Difference, Root, difference
from pgtop.cli import output
from pgtop.cli.args.recording_options import DiffCommand
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.recorded import derived_at, opened, time_in
from pgtop.errors import UsageError
from pgtop.model.serialise import record
from pgtop.model.timestamp import written
from pgtop.view.difference import lines
from pgtop.view.json_report import session_record, snapshot_record


def run(command: DiffCommand) -> int:
    """Print the difference; return the exit code, which shows whether there is one. Raises
    PgtopError.
    """
    result = _difference(command)
    if command.json:
        output.write_data(as_json(result))
    else:
        page = lines(result, output.page_width())
        output.write(output.page(page, command.color))
    return Exit.DONE if result.is_empty else Exit.DIFFERS


def _difference(command: DiffCommand) -> Difference:
    if len(command.at) not in (1, 2):
        raise UsageError("diff compares two times.", "Give --at once or twice.")
    redact = redacts(command.redact)
    recording = opened(command.file)
    try:
        times = [time_in(recording, text) for text in command.at]
        instants = sorted([*times, recording.last_at][:2])
        before, after = [derived_at(recording, at, redact) for at in instants]
    finally:
        recording.close()
    return difference(before, after)


def as_json(result: Difference) -> str:
    """Return one object on one line, in ASCII."""
    before, after = result.before, result.after
    came = [session_record(backend, after) for backend in result.came]
    went = [session_record(backend, before) for backend in result.went]
    changed = [_changed(session, result) for session in result.changed]
    groups = [record(group) for group in result.groups]
    roots_before = [_root(root, before) for root in result.roots_before]
    roots_after = [_root(root, after) for root in result.roots_after]
    slots = {
        "from": _slots(result.budget_before),
        "to": _slots(result.budget_after),
    }
    whole = {
        **snapshot_record(after.snapshot),
        "from": written(before.now),
        "to": written(after.now),
        "differs": not result.is_empty,
        "restarted": result.is_restarted,
        "came": came,
        "went": went,
        "changed": changed,
        "unchanged": result.unchanged,
        "groups": groups,
        "roots": {"from": roots_before, "to": roots_after},
        "budget": slots,
    }
    return json.dumps(whole) + "\n"


def _changed(session: ChangedSession, result: Difference) -> dict[str, Any]:
    return {
        "fields": session.fields,
        "from": session_record(session.before, result.before),
        "to": session_record(session.after, result.after),
    }


def _root(root: Root, derived: DerivedSnapshot) -> dict[str, Any]:
    node = derived.forest.nodes[root.key]
    gid = node.prepared.gid if node.prepared else None
    return {"pid": node.pid, "prepared": gid, "blocks": root.waiters}


def _slots(slots: Budget) -> dict[str, Any]:
    return record(slots, ("used", "free", "max_connections", "ordinary"))
