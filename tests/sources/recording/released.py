"""Keep a small recording of this version of the format.

`python -m tests.sources.recording.released` writes `released/VERSION.pgtop`, and as JSON what later
versions must read from it. Run it once for each version, before the next one changes the format.
"""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgtop.model.gap import Gap
from pgtop.model.locks import Prepared, Slot
from pgtop.model.rates import SECTION, DatabaseCounters, RatesReading
from pgtop.model.section import Section
from pgtop.model.serialise import record
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.recording.file_format import MAJOR, MINOR, BlockHeader
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.writer import RecordingWriter
from pgtop.sources.sections import SECTION_TYPES
from tests import scenes
from tests.snapshot_json import to_json

FOLDER = Path(__file__).parent / "released"
HEADER = BlockHeader(
    pgtop="0.1.0",
    server="db1:5432",
    version="17.2",
    cluster="7312345678901234567",
    role="admin",
    database="shop",
    superuser=False,
    reads_all=True,
    interval=1.0,
    texts="all",
)

_COUNTERS = DatabaseCounters(826_000_000_000_000, 7, 1, 2, 3, 4, 5, 6, 7, 8)


def samples() -> list[Snapshot]:
    """Return samples with something of everything: a queue, an idle group, locks and a section."""
    busy = scenes.busy()
    at = busy.taken_at
    chain = [row for row in busy.ungrouped if row.blocked_by]
    others = [row for row in busy.ungrouped if not row.blocked_by]
    idle = IdleGroup(tuple(others[4:9]))
    first = replace(busy, ungrouped=(*others[:4], *chain), idle_group=idle)
    locks = busy.locks._replace(
        prepared=(Prepared(77, "transfer-1", at, "app", "shop", age=9),),
        slots=(Slot("standby", 12, active=True),),
    )
    second = replace(first, taken_at=at + MICROSECONDS, locks=locks)
    changed = first.ungrouped[0]._replace(query="select 'é' /* \x1b[31m */")
    rates = Section(at + MICROSECONDS, RatesReading(_COUNTERS))
    third = replace(
        second,
        taken_at=at + 90 * MICROSECONDS,
        ungrouped=(changed, *first.ungrouped[2:]),
        idle_group=IdleGroup(idle.backends[1:]),
        sections={SECTION: rates},
    )
    return [first, second, third]


def content(recording: Recording) -> dict[str, Any]:
    """Return all that a recording holds as JSON."""
    first, last = recording.first_at, recording.last_at
    header = recording.header(first)
    return {
        "header": None if header is None else record(header),
        "samples": list(map(to_json, recording.between(first, last))),
        "summaries": list(map(record, recording.summaries(first, last))),
        "gaps": list(map(record, recording.gaps())),
    }


def main() -> None:
    """Write both files."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{MAJOR}.{MINOR}.pgtop"
    path.unlink(missing_ok=True)
    writer = RecordingWriter(path)
    for sample in samples():
        writer.add(sample, HEADER)
    last_at = samples()[-1].taken_at
    writer.add_gap(Gap(last_at - 89 * MICROSECONDS, last_at, "paused"))
    writer.close()
    path.with_name(f"{path.name}-lock").unlink()
    with sqlite3.connect(path) as database:
        database.execute("VACUUM")
    recording = Recording(path, SECTION_TYPES)
    text = json.dumps(content(recording), indent=1, sort_keys=True)
    path.with_suffix(".json").write_text(text + "\n")
    recording.close()


if __name__ == "__main__":
    main()
