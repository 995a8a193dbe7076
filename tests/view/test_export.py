"""A table leaves pgtop whole, and as inert as it is shown."""

import csv
import io
import json

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table.filter import Filter
from pgtop.table.options import TableOptions
from pgtop.table.sessions import SESSIONS, arrange_sessions
from pgtop.view.breakdown import BREAKDOWN, rows
from pgtop.view.export import Export, ExportFormat, SessionExport
from pgtop.view.lock_lines import LOCKS
from pgtop.view.locks import arrange_locks
from tests import scenes

ALL = TableOptions()
HOSTILE = '=HYPERLINK("x")\x1b[2J\r\n@SUM(1)'


def derived(*backends: Backend) -> DerivedSnapshot:
    return DerivedSnapshot.of(
        scenes.snapshot(list(backends)) if backends else scenes.busy()
    )


def sessions(now: DerivedSnapshot, options: TableOptions = ALL) -> SessionExport:
    return SessionExport(SESSIONS, arrange_sessions(now, options))


def tables() -> list[Export]:
    busy = scenes.busy()
    blocked = DerivedSnapshot.of(scenes.standstill())
    locks = arrange_locks(blocked)
    return [
        sessions(derived()),
        Export("groups", BREAKDOWN, rows(busy, ALL), busy),
        Export("sessions", LOCKS, locks, blocked.snapshot),
    ]


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("index", range(3), ids=["sessions", "connections", "locks"])
def test_every_format_has_every_row(index: int) -> None:
    export = tables()[index]
    assert export.count > 2
    assert export.count_words == f"{export.count} {export.noun}"
    whole = json.loads(export.text(ExportFormat.JSON))
    assert len(whole.get("sessions") or whole["rows"]) == export.count
    assert len(records(export.text(ExportFormat.CSV))) == export.count
    assert len(export.text(ExportFormat.TEXT).splitlines()) >= export.count


def test_only_the_rows_of_the_filter_are_exported() -> None:
    now = derived()
    chosen = Filter("state:idle")
    export = sessions(now, TableOptions(chosen))
    states = {row["state"] for row in records(export.text(ExportFormat.CSV))}
    assert states == {"idle"}
    report = json.loads(export.text(ExportFormat.JSON))
    assert report["understood"] == chosen.understood
    assert chosen.understood in export.text(ExportFormat.TEXT)


def test_the_text_has_each_query_in_full() -> None:
    query = "SELECT " + "x, " * 300 + "last_one"
    now = derived(scenes.busy().busy[0]._replace(query=query))
    text = sessions(now).text(ExportFormat.TEXT)
    assert "last_one" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_rows_have_the_heading_above_them() -> None:
    groups = {row["group"] for row in records(tables()[1].text(ExportFormat.CSV))}
    assert len(groups) > 2


@pytest.mark.parametrize("export_format", list(ExportFormat))
def test_a_hostile_text_is_inert(export_format: ExportFormat) -> None:
    now = derived(
        scenes.busy().busy[0]._replace(query=HOSTILE, application_name=HOSTILE)
    )
    whole = [
        sessions(now),
        Export("groups", BREAKDOWN, rows(now.snapshot, ALL), now.snapshot),
    ]
    for export in whole:
        text = export.text(export_format)
        assert "\x1b" not in text
        if export_format is ExportFormat.CSV:
            cells = [cell for row in records(text) for cell in row.values()]
            assert not [cell for cell in cells if cell.startswith(("=", "@"))]
            assert "\n@" not in text
