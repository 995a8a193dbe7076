"""A table as a file: all rows that its filter selects, as text, CSV or JSON.

Sessions have the names and values that `pgtop show` prints; any other table has the texts that its
columns show. All texts are cleaned, and are as short as they are on the screen.
"""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import written
from pgtop.table.arrange import Arranged
from pgtop.table.layout import Layout, header
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, clean_lines
from pgtop.text.units import counted
from pgtop.text.wrap import plain_text
from pgtop.view.csv_report import as_csv, records_as_csv
from pgtop.view.json_report import sessions_report, snapshot_record

_GROUP = "group"
"""The name of the heading above a row."""
_PAGE = 200
"""Cells for all columns but the last, which gets all that its longest text needs."""
_WIDEST = 10_000
_NARROW = 100
"""Cells of a table without texts at its end, such as one of bars."""


class ExportFormat(StrEnum):
    """The formats, by the ends of the names of their files."""

    TEXT = "txt"
    CSV = "csv"
    JSON = "json"

    @property
    def words(self) -> str:
        """The name of the format."""
        return "text" if self is ExportFormat.TEXT else self.name


class Export:
    """One arranged table, to be written in a format."""

    def __init__(
        self,
        noun: str,
        spec: TableSpec[Any, Any],
        arranged: Arranged[Any, Any],
        snapshot: Snapshot,
    ) -> None:
        """Create an export; `noun` is the name of the rows."""
        self.noun = noun
        self._spec = spec
        self._rows = arranged.rows
        self._context = arranged.context
        self._options = arranged.options
        self._snapshot = snapshot

    @property
    def count(self) -> int:
        """The number of rows."""
        identity = self._spec.identity
        return sum([identity(row) is not None for row in self._rows])

    @property
    def count_words(self) -> str:
        """The number of rows with their noun: `1 session`."""
        return counted(self.count, self.noun.removesuffix("s"))

    def text(self, export_format: ExportFormat) -> str:
        """Return the whole table in a format."""
        match export_format:
            case ExportFormat.TEXT:
                return "".join([f"{row}\n" for row in self._lines()])
            case ExportFormat.CSV:
                return self.csv()
            case ExportFormat.JSON:
                return json.dumps(self.record()) + "\n"

    def csv(self) -> str:
        """Return the rows in CSV, in which no text is a formula."""
        records = list(self._records())
        names = [column.name for column in self._columns]
        if records:
            names = [*records[0]]
        return records_as_csv(names, [record.values() for record in records])

    def record(self) -> dict[str, Any]:
        """Return the rows, and what they are from, as JSON."""
        return {
            **snapshot_record(self._snapshot),
            "understood": self._options.filter.understood or None,
            "rows": list(self._records()),
        }

    @property
    def _columns(self) -> list[Any]:
        return [column for column in self._spec.columns.columns if column.meaning]

    def _lines(self) -> Iterator[str]:
        """Yield the lines for people: the server, the filter, and the table as it is shown."""
        server = self._snapshot.server
        yield clean(
            f"{server.host}:{server.port} at {written(self._snapshot.taken_at)}"
        )
        if understood := self._options.filter.understood:
            yield clean(f"{self.noun} {understood}")
        yield ""
        layout = self._layout()
        if self._spec.has_header:
            yield plain_text(header(layout, self._options.sort)).rstrip()
        for row in self._rows:
            title = self._spec.heading(row)
            line = header(layout, self._options.sort, title) if title else None
            spans = line or self._spec.line(layout, row, self._context)
            yield plain_text(spans).rstrip()

    def _layout(self) -> Layout:
        last = self._spec.columns.last
        texts = [last.text(row, self._context) for row in self._rows]
        longest = max([cells(clean(text)) for text in texts], default=0)
        width = min(_PAGE + longest, _WIDEST) if longest else _NARROW
        return self._spec.whole_layout(
            width,
            self._rows,
            self._context,
            self._options,
        )

    def _records(self) -> Iterator[Mapping[str, str]]:
        """Yield each row that has an identity, by the names of the columns, below its heading."""
        columns = self._columns
        group = ""
        for row in self._rows:
            group = self._spec.heading(row).strip() or group
            if self._spec.identity(row) is None:
                continue
            record = {_GROUP: clean(group)} if group else {}
            for column in columns:
                record[column.name] = clean_lines(
                    column.text(row, self._context)
                ).strip()
            yield record


class SessionExport(Export):
    """The sessions, as `pgtop show` prints them."""

    def __init__(
        self,
        spec: TableSpec[Any, Any],
        arranged: Arranged[Backend, DerivedSnapshot],
    ) -> None:
        super().__init__("sessions", spec, arranged, arranged.context.snapshot)
        self._arranged = arranged

    def csv(self) -> str:
        return as_csv(self._arranged.context, self._arranged.rows, clean_lines)

    def record(self) -> dict[str, Any]:
        arranged = self._arranged
        narrowed = arranged.options.filter
        return sessions_report(arranged.context, arranged.rows, narrowed)
