"""A toy capability from the test's own files: a probe, a section, a view, and a recorder."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgtop.model.section import SESSIONS, Section, Topic
from pgtop.monitor.feed import Subscription
from pgtop.monitor.poller import Event
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.shapes import INT8, TEXT, Rows, Shape
from pgtop.table.columns import Column, ColumnSet
from pgtop.table.spec import TableSpec
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.view_registry import View

SIZES = Topic("sizes")
TOPICS = frozenset({SESSIONS, SIZES})
_SQL = "SELECT datname, pg_catalog.pg_database_size(oid) FROM pg_catalog.pg_database"


class DatabaseSize(NamedTuple):
    name: str
    size: int


Sizes = tuple[DatabaseSize, ...]


class SizeProbe:
    name, topic = "sizes", SIZES

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        return (Statement(_SQL, shape=Shape(TEXT, INT8)),)

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> Sizes:
        [rows] = answers
        return tuple(DatabaseSize(decode_name(name), size) for name, size in rows)


def _name(row: DatabaseSize, _: Section[Sizes]) -> str:
    return row.name


def _size(row: DatabaseSize, _: Section[Sizes]) -> int:
    return row.size


def _size_text(row: DatabaseSize, _: Section[Sizes]) -> str:
    return str(row.size)


COLUMNS = ColumnSet(
    Column("database", "DATABASE", "its name", 20, 0, _name, _name),
    Column("bytes", "BYTES", "bytes on disk", 14, 1, _size, _size_text, right=True),
)


class SizesScreen(TableScreen[DatabaseSize, Section[Sizes]]):
    SPEC = TableSpec(COLUMNS, identity=lambda row: row.name)
    NOUN = "databases"

    def rows(self) -> Iterable[DatabaseSize]:
        return self.context().data or ()

    def context(self) -> Section[Sizes]:
        snapshot = self.state.derived.snapshot
        return snapshot.sections.get("sizes", Section(snapshot.taken_at))


_SCREEN = f"{__name__}:SizesScreen"
VIEW = View("sizes", "9", "sizes", "sizes of databases", _SCREEN, TOPICS)


async def record(events: Subscription, recording: list[Event]) -> None:
    while True:
        recording.append(await anext(events))
