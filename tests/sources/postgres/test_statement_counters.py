"""Two readings of the counters: what is counted, what is not, and which statements are shown."""

from pgtop.model.section import Section
from pgtop.model.statements import (
    SECTION,
    StatementCounters,
    StatementKey,
    StatementsReading,
)
from pgtop.sources.postgres.probes.statements import _compared, _sums, _without
from pgtop.sources.sections import SECTION_TYPES
from tests.scenes.statements import counted
from tests.snapshot_json import from_json, to_json

SHOP, WAREHOUSE = 5, 6


def compared(
    before: dict[int, StatementCounters],
    now: dict[int, StatementCounters],
    own: frozenset[StatementKey] = frozenset(),
) -> StatementsReading:
    return _compared(
        StatementsReading(),
        {StatementKey(SHOP, query_id): each for query_id, each in before.items()},
        {StatementKey(SHOP, query_id): each for query_id, each in now.items()},
        10.0,
        own,
    )


def test_only_what_changed_is_shown() -> None:
    before = {1: StatementCounters(7, 70), 2: StatementCounters(1, 500)}
    now = {1: StatementCounters(9, 100), 2: StatementCounters(1, 500)}
    reading = compared(before, now)
    [activity] = reading.statements
    assert activity.did == StatementCounters(2, 30)
    assert activity.total == StatementCounters(9, 100)
    assert (reading.active, reading.departed) == (1, 0)


def test_a_statement_that_is_new_counts_from_its_first_call() -> None:
    assert compared({}, {1: StatementCounters(3, 30)}).did == StatementCounters(3, 30)


def test_a_statement_that_was_dropped_is_counted_as_such() -> None:
    """One is gone, and one came back with fewer calls: what either did meanwhile is unknown."""
    before = {1: StatementCounters(7, 70), 2: StatementCounters(40, 500)}
    reading = compared(before, {2: StatementCounters(3, 20)})
    assert reading.departed == 2
    assert reading.did == StatementCounters(3, 20)


def test_the_busiest_by_each_counter_are_shown() -> None:
    """A statement with little time and much WAL is not lost behind thirty with more time."""
    now = {n: StatementCounters(1, 1_000 + n) for n in range(30)}
    now[99] = StatementCounters(1, 1, wal_bytes=1_000_000)
    shown = [each.query_id for each in compared({}, now).statements]
    assert shown[0] == 29
    assert 99 in shown
    assert 0 not in shown[:25]


def test_the_rows_of_several_roles_are_one_statement() -> None:
    rows = [(SHOP, 1, *[1] * 7), (SHOP, 1, *[2] * 7), (WAREHOUSE, 1, *[4] * 7)]
    assert _sums(rows) == {
        StatementKey(SHOP, 1): StatementCounters(*[3] * 7),
        StatementKey(WAREHOUSE, 1): StatementCounters(*[4] * 7),
    }


def test_a_recording_has_the_figures() -> None:
    scene = counted()
    again = from_json(to_json(scene), SECTION_TYPES)
    assert again.sections == scene.sections
    section: Section[StatementsReading] = again.sections[SECTION]
    assert isinstance(section.data, StatementsReading)


def test_statements_of_pgtop_are_left_out_and_counted() -> None:
    """The time of all statements has that of pgtop: a share is one of all that the server did."""
    before = {1: StatementCounters(7, 70), 2: StatementCounters(1, 500)}
    now = {1: StatementCounters(9, 100), 2: StatementCounters(2, 600)}
    own = frozenset({StatementKey(SHOP, 2)})
    whole = compared(before, now)
    known = compared(before, now, own)
    assert [each.query_id for each in known.statements] == [1]
    assert (known.own, known.own_did) == (1, StatementCounters(1, 100))
    assert (known.active, known.did) == (2, StatementCounters(3, 130))
    assert _without(own, whole) == known
