"""The shop's statements: a fast one that runs all day, a slow one, and one that is stuck."""

from dataclasses import replace
from typing import Any

from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import (
    SECTION,
    USUAL_SECTION,
    StatementActivity,
    StatementCounters,
    StatementsReading,
    UsualReading,
    UsualTime,
)
from tests.scenes.base import NOW, active, ago, snapshot
from tests.scenes.sessions import own

STUCK = active(
    41_207, "web@shop", "web", "UPDATE cart SET n = 2 WHERE id = 7", seconds=840.5
)
"""A session with a statement that usually takes 40 ms."""
FAST_ID = -4711
DATABASE = STUCK.datid or 0
QUERY_ID = STUCK.query_id or 0

USUAL = UsualTime(
    DATABASE,
    STUCK.usesysid or 0,
    QUERY_ID,
    calls=18_204,
    mean_seconds=0.04,
    stddev_seconds=0.01,
    max_seconds=2.1,
)
FAST = StatementActivity(
    DATABASE,
    FAST_ID,
    StatementCounters(4_120, 824_000, 4_120, 9_000, 12, 0, 0),
    StatementCounters(900_000, 90_000_000, 900_000),
    "select price from products where id = $1",
)
SLOW = StatementActivity(
    DATABASE,
    815,
    StatementCounters(2, 1_648_000, 40, 100, 5_000, 16_384, 2_000_000),
    StatementCounters(12, 9_000_000, 300),
    "select sum(length(note)) from notes where token = 'secret'",
)
READING = StatementsReading(
    seconds=10.0,
    statements=(SLOW, FAST),
    did=SLOW.did.plus(FAST.did),
    active=2,
    departed=3,
    evictions=1,
    reset_at=ago(86_400),
)


def counted(reading: StatementsReading = READING, usual: UsualTime = USUAL) -> Snapshot:
    """Return the shop with its statements, one of which is stuck."""
    sections: dict[str, Section[Any]] = {
        SECTION: Section(NOW, reading),
        USUAL_SECTION: Section(NOW, UsualReading((usual,), 2, ago(86_400))),
    }
    return replace(snapshot([STUCK, *own()]), sections=sections)


def uncounted(reason: str) -> Snapshot:
    """Return the shop on a server that counts no statements."""
    sections = {
        SECTION: Section(NOW, reason=reason),
        USUAL_SECTION: Section(NOW, reason=reason),
    }
    return replace(snapshot([STUCK, *own()]), sections=sections)
