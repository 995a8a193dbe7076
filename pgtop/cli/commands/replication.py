"""`pgtop replication`: standbys, slots and subscriptions, printed once.

The names in JSON are stable, like those of `pgtop show`, and those of columns are the server's own.
"""

import json

from pgtop.analysis.replication import replication_of
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.args.records import ReplicationCommand
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import sample_of
from pgtop.cli.recorded import recorded_sample
from pgtop.model.section import REPLICATION, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.probes.replication import ReplicationProbe
from pgtop.table.options import TableOptions
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view import replication as view
from pgtop.view.banner import server_line
from pgtop.view.json_report import snapshot_record
from pgtop.view.replication_rows import layout

_TOPICS = frozenset({SESSIONS, REPLICATION})


def run(command: ReplicationCommand) -> int:
    """Print replication; return the exit code. Raises PgtopError and SourceError."""
    check_past(command.past, command.connection)
    snapshot = interrupts.run(_sample(command, redacts(command.redact)))
    if command.json:
        output.write_data(as_json(snapshot))
    else:
        lines = page(snapshot, output.page_width())
        output.write(output.page(lines, command.color))
    return Exit.DONE


async def _sample(command: ReplicationCommand, redact: bool) -> Snapshot:
    past = command.past
    if past.file is not None:
        return await recorded_sample(past.file, past.at, redact)
    source = compose.source_for(
        compose.connection_for(command.connection),
        redact,
        probes=(ReplicationProbe(searches=False),),
    )
    return await sample_of(source, _TOPICS, command.connection.wait)


def as_json(snapshot: Snapshot) -> str:
    """Return one object on one line, in ASCII."""
    replication = replication_of(snapshot)
    whole = {
        **snapshot_record(snapshot),
        "sections": {},
        "reason": view.unread_words(replication) or None,
        "lacks": view.lacks_words(replication) or None,
        **view.replication_record(replication),
    }
    return json.dumps(whole) + "\n"


def page(snapshot: Snapshot, width: int) -> list[Line]:
    """Return the server, the rows, and what must be known of them, for people."""
    top = [server_line(snapshot, min(width, output.WIDEST_BANNER))]
    arranged = view.arrange_replication(snapshot, TableOptions())
    replication = arranged.context
    if reason := view.unread_words(replication) or view.reason_words(replication):
        return [*top, *wrapped(line(reason, Tone.NOTICE), width)]
    columns = layout(min(width, output.WIDEST_BANNER))
    rows = [view.REPLICATION.line(columns, row, replication) for row in arranged.rows]
    notes: list[Line] = []
    for note in view.note_lines(replication):
        notes += wrapped(note, width)
    return [*top, *rows, (), *notes]
