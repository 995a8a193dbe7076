"""Rates are differences of counters, and only of counters with the same origin."""

import json

import pytest

from pgtop.model.rates import (
    NOT_COMPARABLE,
    SECTION,
    DatabaseCounters,
    Rates,
    RatesReading,
    rates_of,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from tests import scenes
from tests.snapshot_json import from_json, to_json

BEFORE = DatabaseCounters(0, 1, 100, 10, 50, 950, 1000, 100, 0, 0)
AFTER = BEFORE._replace(
    counted_at=5 * MICROSECONDS,
    commits=150,
    rollbacks=15,
    blocks_read=60,
    blocks_hit=980,
    rows_read=6000,
    rows_written=200,
    temp_bytes=5 << 20,
    deadlocks=1,
)


def with_rates(reading: RatesReading) -> Snapshot:
    snapshot = scenes.busy()
    section = Section(snapshot.taken_at, reading)
    return Snapshot(snapshot.taken_at, snapshot.server, (), sections={SECTION: section})


def test_rates_are_events_a_second() -> None:
    assert RatesReading(AFTER).since(BEFORE).rates == Rates(
        seconds=5,
        transactions=11,
        rollbacks=1,
        rows_read=1000,
        rows_written=20,
        temp_bytes=1 << 20,
        cache_hits=0.75,
        deadlocks=0.2,
    )


@pytest.mark.parametrize(
    "before",
    [
        BEFORE._replace(origin=2),
        BEFORE._replace(commits=151),
        BEFORE._replace(temp_bytes=6 << 20),
    ],
)
def test_a_reset_gives_no_rates_and_a_reason(before: DatabaseCounters) -> None:
    reading = RatesReading(AFTER).since(before)
    assert (reading.rates, reading.note) == (None, NOT_COMPARABLE)


def test_no_time_gives_no_rates() -> None:
    """The statistics file of an old server may be the same one twice."""
    assert RatesReading(BEFORE).since(BEFORE) == RatesReading(BEFORE)


def test_cache_hits_are_unknown_without_a_block() -> None:
    reading = RatesReading(BEFORE._replace(counted_at=MICROSECONDS)).since(BEFORE)
    assert reading.rates is not None
    assert (reading.rates.transactions, reading.rates.cache_hits) == (0, None)


def test_unknown_rates_are_none() -> None:
    reading = RatesReading(AFTER)
    assert rates_of(scenes.busy()) is None
    assert rates_of(with_rates(reading)) is None
    assert rates_of(with_rates(reading.since(BEFORE))) == reading.since(BEFORE).rates


def test_the_section_round_trips_as_json() -> None:
    snapshot = with_rates(RatesReading(AFTER).since(BEFORE))
    data = json.loads(json.dumps(to_json(snapshot)))
    assert data["sections"][SECTION]["data"]["rates"]["transactions"] == 11
    copy = from_json(data, {SECTION: RatesReading})
    assert rates_of(copy) == rates_of(snapshot)
