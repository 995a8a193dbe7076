"""`pgtop progress`: how far vacuums, index builds, copies and base backups are, printed once.

The names in JSON are stable, like those of `pgtop show`.
"""

import asyncio
import json

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.args.records import ProgressCommand
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.recorded import recorded_sample
from pgtop.model.progress import SECTION, operations_of
from pgtop.model.section import PROGRESS, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.table.fitting import layout
from pgtop.table.layout import header
from pgtop.table.layout import line as row_line
from pgtop.table.options import Sort
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.banner import server_line
from pgtop.view.json_report import snapshot_record
from pgtop.view.progress import HIDDEN
from pgtop.view.progress_record import progress_record
from pgtop.view.progress_rows import COLUMNS, contents, in_order

_TOPICS = frozenset({SESSIONS, PROGRESS})


def run(command: ProgressCommand) -> int:
    """Print what is under way; return the exit code. Raises PgtopError and SourceError."""
    check_past(command.past, command.connection)
    snapshot = interrupts.run(_sample(command, redacts(command.redact)))
    derived = DerivedSnapshot.of(snapshot)
    if command.json:
        output.write_data(as_json(derived))
    else:
        lines = page(derived, output.page_width())
        output.write(output.page(lines, command.color))
    return Exit.DONE


async def _sample(command: ProgressCommand, redact: bool) -> Snapshot:
    past = command.past
    if past.file is not None:
        return await recorded_sample(past.file, past.at, redact)
    source = compose.source_for(
        compose.connection_for(command.connection),
        redact,
        resolves_names=command.resolve_names,
    )
    try:
        await first_sample(source, command.connection.wait)
        # the first sample has shown which commands run
        snapshot = await source.sample(_TOPICS)
        if command.seconds and operations_of(snapshot):
            await asyncio.sleep(command.seconds)
            snapshot = await source.sample(_TOPICS)
        return snapshot
    finally:
        await source.close()


def as_json(derived: DerivedSnapshot) -> str:
    """Return one object on one line, in ASCII."""
    snapshot = derived.snapshot
    operations = in_order(derived)
    whole = {
        **snapshot_record(snapshot),
        "note": note(snapshot),
        "progress": [progress_record(each, derived) for each in operations],
    }
    return json.dumps(whole) + "\n"


def note(snapshot: Snapshot) -> str:
    """Return why not all is known; empty if all is."""
    section = snapshot.sections.get(SECTION)
    if section is not None and section.reason:
        return f"progress could not be read: {section.reason}"
    hidden = [each for each in operations_of(snapshot) if each.is_hidden]
    return f"some commands are {HIDDEN}" if hidden else ""


def page(derived: DerivedSnapshot, width: int) -> list[Line]:
    """Return the server, and a row for each command, for people."""
    snapshot = derived.snapshot
    lines = [server_line(snapshot, min(width, output.WIDEST_BANNER))]
    if words := note(snapshot):
        lines += wrapped(line(clean(words), Tone.WARN), width)
    rows = in_order(derived)
    if not rows:
        words = "No vacuum, index build, copy or base backup is under way."
        return [*lines, *wrapped(line(words), width)]
    columns = layout(COLUMNS, width, contents=contents(rows, derived))
    table = [row_line(columns, row, derived) for row in rows]
    return [*lines, header(columns, Sort()), *table]
