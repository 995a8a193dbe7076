"""Rates on real servers: a known load gives a known number, and a reset none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import LiteralString

import pytest

from pgtop.model.rates import SECTION, DatabaseCounters, RatesReading
from pgtop.model.section import RATES, SESSIONS, Section
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.probes import ProbeContext, rates
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.sampler_helpers import sample_until

WANTED = frozenset({SESSIONS, RATES})
ROWS = 20_000
COMMITS = 300
ROLLBACKS = 200
NOISE = 100
"""The most transactions of the server's own workers, and of pgtop, in a test."""
_SENDING_SECONDS = 0.5
"""Seconds after which a server sends its counters, at the latest, before version 15."""
_QUIET_READINGS = 3
FEATURES = Features(1, False, frozenset(), frozenset(), frozenset(), "UTF8")


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the counters with each sample."""
    for name in ("EVERY", "EVERY_WHOLE_FILE"):
        monkeypatch.setattr(rates, name, 0)
    monkeypatch.setattr(rates, "rest_after", lambda _cost: 0.0)


def reading(snapshot: Snapshot) -> RatesReading:
    section: Section[RatesReading] = snapshot.sections[SECTION]
    assert section.reason == ""
    assert section.data is not None
    return section.data


def has_commits(snapshot: Snapshot) -> bool:
    return reading(snapshot).counters.commits > 0


async def at_rest(source: PostgresSource) -> Snapshot:
    """Return a snapshot after which the counters move by little but our own reading.

    Sessions that have just ended send their last numbers late; each reading is a transaction, too.
    """
    last = await source.sample(WANTED)
    quiet = 0
    while quiet < _QUIET_READINGS:
        await asyncio.sleep(_SENDING_SECONDS)
        before, last = last, await source.sample(WANTED)
        is_quiet = _is_quiet(reading(before).counters, reading(last).counters)
        quiet = quiet + 1 if is_quiet else 0
    return last


def _is_quiet(before: DatabaseCounters, after: DatabaseCounters) -> bool:
    has_read = after.rows_read - before.rows_read > 20_000
    return after.rows_written == before.rows_written and not has_read


async def load(connect: Connect) -> None:
    """Write, read and sort rows, commit and roll back; the statistics are sent at the end."""
    session = await connect()
    await session.execute("SET work_mem = '64kB'")
    await session.execute("CREATE UNLOGGED TABLE numbers (number int)")
    await session.execute(f"INSERT INTO numbers SELECT generate_series(1, {ROWS})")
    await session.execute("SELECT number FROM numbers ORDER BY number % 7, number")
    await session.execute(
        f"DO 'BEGIN {'COMMIT;' * COMMITS} {'ROLLBACK;' * ROLLBACKS} END'"
    )
    await session.close()


async def test_a_known_load_gives_known_rates(
    source: PostgresSource, connect: Connect
) -> None:
    """The rates of all readings add up to what was done."""
    await (await connect()).close()  # before 15 the first session starts the statistics
    await sample_until(source, has_commits, WANTED)
    first = reading(await at_rest(source))
    readings: list[RatesReading] = []

    def is_counted(snapshot: Snapshot) -> bool:
        readings.append(reading(snapshot))
        counters = readings[-1].counters
        return counters.rows_written - first.counters.rows_written >= ROWS

    await load(connect)
    await sample_until(source, is_counted, WANTED)
    await (await connect()).execute("DROP TABLE numbers")
    known = [each.rates for each in readings if each.rates]
    assert {each.note for each in readings} == {""}

    def total(rate: str) -> float:
        parts: list[float] = [getattr(each, rate) * each.seconds for each in known]
        return sum(parts)

    assert ROWS <= round(total("rows_written")) < ROWS + 5000
    assert ROWS <= round(total("rows_read")) < ROWS + 200_000
    assert ROLLBACKS <= round(total("rollbacks")) < ROLLBACKS + NOISE
    ended = COMMITS + ROLLBACKS
    assert ended <= round(total("transactions")) < ended + NOISE
    assert 100_000 < total("temp_bytes") < 10_000_000
    shares = [each.cache_hits for each in known if each.cache_hits is not None]
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    "changes",
    [
        ("SELECT pg_stat_reset()",),
        ("CREATE DATABASE pgtop_brief", "DROP DATABASE pgtop_brief"),
    ],
)
async def test_other_counters_give_no_rates(
    source: PostgresSource, connect: Connect, changes: Sequence[LiteralString]
) -> None:
    """No rate is negative, and none counts the past of another database."""
    admin = await connect()
    await source.sample(WANTED)
    for statement in changes:
        await admin.execute(statement)
        noted = await sample_until(source, lambda now: bool(reading(now).note), WANTED)
        assert reading(noted).rates is None
    again = await sample_until(source, lambda now: bool(reading(now).rates), WANTED)
    known = [rate for rate in reading(again).rates or () if rate is not None]
    assert min(known) >= 0


async def test_every_role_reads_rates_in_the_same_round_trip(
    make_role: Callable[[str], Awaitable[dict[str, str]]],
    parameters: dict[str, str],
    wire: Wire,
) -> None:
    there = {"host": "127.0.0.1", "port": wire.port}
    connection = ServerConnection({**parameters, **await make_role(""), **there})
    source = PostgresSource(connection)
    await source.sample(WANTED)
    wire.forget()
    assert reading(await source.sample(WANTED)).counters.origin
    assert wire.trips == 1
    await connection.close()


class TestPace:
    """The time until the next reading."""

    COUNTERS = DatabaseCounters(0, 1, 0, 0, 0, 0, 0, 0, 0, 0)

    @pytest.fixture(autouse=True)
    def _rest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()

    def is_due(self, reading: RatesReading, age: float) -> bool:
        section = Section(0, reading)
        context = ProbeContext(FEATURES, None, section, int(age * MICROSECONDS))
        return bool(rates.RatesProbe().statements(context))

    @pytest.mark.parametrize(
        ("is_whole_file", "cost", "age", "is_due"),
        [
            (False, 0.0, 3.0, False),
            (False, 0.0, 4.0, True),  # by the sample that follows in a second
            (True, 0.0, 8.0, False),
            (True, 0.0, 9.0, True),
            (False, 0.1, 18.0, False),
            (False, 0.1, 19.0, True),
            (False, 60.0, 300.0, True),
        ],
    )
    def test_an_expensive_reading_is_rare(
        self, is_whole_file: bool, cost: float, age: float, is_due: bool
    ) -> None:
        reading = RatesReading(
            self.COUNTERS, is_whole_file=is_whole_file, cost_seconds=cost
        )
        assert self.is_due(reading, age) is is_due
