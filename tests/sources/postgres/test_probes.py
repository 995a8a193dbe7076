"""A probe that is handed to the source yields a section, and its failure yields a reason."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from pgtop.model.section import SESSIONS, Section, Topic
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.probes.sections import RETRY_AFTER
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.shapes import INT8, TEXT, Rows, Shape
from tests.sources.postgres.conftest import Wire
from tests.sources.postgres.sampler_helpers import reader_of

SIZES = Topic("sizes")
WANTED = frozenset({SESSIONS, SIZES})
_SQL = "SELECT datname, pg_database_size(oid) FROM pg_catalog.pg_database WHERE datallowconn"


class DatabaseSize(NamedTuple):
    name: str
    size: int


class SizeProbe:
    """Reads the size of each database, by a statement that a test may replace."""

    name = "sizes"
    topic = SIZES

    def __init__(self, statement: Statement, interval: int = 0) -> None:
        self.statement = statement
        self.interval = interval
        self.polls = 0

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        section = context.section
        if section is not None and context.now - section.taken_at < self.interval:
            return ()
        self.polls += 1
        return (self.statement,)

    def read(
        self, answers: Sequence[Rows], context: ProbeContext
    ) -> tuple[DatabaseSize, ...]:
        assert context.server is not None
        return tuple(
            [DatabaseSize(decode_name(name), size) for name, size in answers[0]]
        )


def probe(sql: str = _SQL, interval: int = 0) -> SizeProbe:
    return SizeProbe(Statement(sql, shape=Shape(TEXT, INT8)), interval)


async def test_a_section_has_data_and_a_time(session: ServerConnection) -> None:
    """The section belongs to the same instant as the sessions, from the first sample on."""
    snapshot = await PostgresSource(session, (probe(),)).sample(WANTED)
    section = snapshot.sections["sizes"]
    assert (section.taken_at, section.reason) == (snapshot.taken_at, "")
    assert section.data is not None
    assert "postgres" in {size.name for size in section.data}
    assert all(size.size > 1 << 20 for size in section.data)


async def test_a_section_costs_no_round_trip(
    wired: ServerConnection, wire: Wire
) -> None:
    source = PostgresSource(wired, (probe(),))
    await source.sample(WANTED)
    wire.forget()
    assert (await source.sample(WANTED)).sections["sizes"].data
    assert wire.trips == 1


async def test_a_topic_that_is_not_wanted_is_not_read(
    session: ServerConnection,
) -> None:
    sizes = probe()
    source = PostgresSource(session, (sizes,))
    assert (await source.sample()).sections == {}
    assert sizes.polls == 0
    assert (await source.sample(WANTED)).sections["sizes"].data
    assert (await source.sample()).sections == {}


async def test_a_section_that_is_not_due_keeps_its_time(
    session: ServerConnection,
) -> None:
    sizes = probe(interval=3600 * 1_000_000)
    source = PostgresSource(session, (sizes,))
    first, second = [await source.sample(WANTED) for _ in range(2)]
    assert sizes.polls == 1
    assert second.taken_at > first.taken_at
    assert second.sections["sizes"] is first.sections["sizes"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 'a'::text, 1::int8 / 0", "division by zero"),
        ("SELECT 1::int8, 'a'::text", "another type in column 1"),
    ],
)
async def test_a_failure_becomes_the_reason(
    session: ServerConnection, sql: str, reason: str
) -> None:
    """The rest of the snapshot stands if the server refuses the statement or answers wrongly; the
    probe is polled again only after a while.
    """
    bad, good = probe(sql), probe()
    good.name = "good"
    source = PostgresSource(session, (bad, good))
    snapshot = await source.sample(WANTED)
    section = snapshot.sections["sizes"]
    assert section == Section(snapshot.taken_at, None, section.reason)
    assert reason in section.reason
    assert snapshot.sections["good"].data
    assert snapshot.server.pid in {backend.pid for backend in snapshot.backends}

    assert (await source.sample(WANTED)).sections["sizes"] is section
    assert (bad.polls, good.polls) == (1, 2)

    long_ago = section._replace(taken_at=section.taken_at - RETRY_AFTER)
    last = reader_of(source).last
    assert last is not None
    last.sections["sizes"] = long_ago  # type: ignore[index]
    await source.sample(WANTED)
    assert bad.polls == 2
