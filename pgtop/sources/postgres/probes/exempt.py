"""Processes with snapshots that hold back no vacuum."""

from collections.abc import Sequence

from pgtop.sources.postgres.features import NO_PIDS, PROGRESS, SLOTS, Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.shapes import PID, Row, Shape

_PID_SHAPE = Shape(PID.or_null)
_VACUUMS = "SELECT pid FROM pg_catalog.pg_stat_get_progress_info('VACUUM')"
_DECODERS = """
    SELECT active_pid FROM pg_catalog.pg_get_replication_slots()
     WHERE slot_type = 'logical' AND NOT temporary
       AND active_pid IN ({walsenders})
"""
"""Processes with snapshots that hold back no vacuum; every role may see them.

A vacuum is in that view until it begins to analyze; its text is no guide, as one statement can do
both. The slot of a decoding walsender holds back vacuum in place of the walsender; a temporary slot
stays with its walsender, whatever that does next.
https://www.postgresql.org/docs/current/progress-reporting.html#VACUUM-PROGRESS-REPORTING
"""


def exempt(features: Features) -> Statement:
    """Build the statement for the pids of processes with snapshots that hold back no vacuum
    (`LockState.exempt`).
    """
    vacuums = _VACUUMS if features.allows(PROGRESS) else "SELECT NULL::int4"
    decoders = _DECODERS if features.allows(SLOTS) else NO_PIDS
    return Statement(
        f"{vacuums} UNION ALL {decoders.format(walsenders=features.walsenders)}",
        shape=_PID_SHAPE,
    )


def read_exempt(rows: Sequence[Row]) -> frozenset[int] | None:
    """Read the answer to `exempt`: None if this role may not read which vacuums are in that
    phase.
    """
    pids = frozenset([pid for (pid,) in rows])
    return None if None in pids else pids
