"""Words for lags, slots and replays, and the statement that drops a slot."""

from pgtop.analysis.replication import ReplayLag, Replication, SlotUse, StandbyLag
from pgtop.model.replication import EXTENDED, LOST, UNRESERVED
from pgtop.text.clean import clean
from pgtop.text.units import quiet_age, rough_bytes, span

_CLOSE_SECONDS = 1.0
_CLOSE_BYTES = 1_000_000
"""A lag that is not mentioned: under steady writes it would be drawn all the time."""
FAR_SECONDS = 60.0
"""The lag in seconds from which a standby is far behind."""
_CAUSES = {
    "confl_tablespace": "dropped tablespace",
    "confl_lock": "lock",
    "confl_snapshot": "old snapshot",
    "confl_bufferpin": "pinned buffer",
    "confl_deadlock": "deadlock",
    "confl_active_logicalslot": "logical slot",
}


def is_close(lag: StandbyLag | ReplayLag) -> bool:
    """Return whether a standby is nearly up to date."""
    seconds = lag.lag_seconds or 0
    return (lag.lag_bytes or 0) < _CLOSE_BYTES and seconds < _CLOSE_SECONDS


def held_words(use: SlotUse) -> str:
    """Return the WAL that a slot keeps, and what is odd about it."""
    if use.is_lost:
        return "is lost"
    held = "nothing" if use.held_bytes is None else rough_bytes(use.held_bytes)
    return f"holds {held}{oddity(use)}"


def oddity(use: SlotUse) -> str:
    """Return in parentheses what is odd about a slot; "" if nothing is."""
    status = use.slot.wal_status
    if status in (EXTENDED, UNRESERVED):
        return f" ({status})"
    return " (idle)" if use.slot.active is False else ""


def status_words(use: SlotUse) -> str:
    """Return the state of a slot's WAL in one word."""
    slot = use.slot
    if use.is_lost:
        return LOST
    return slot.wal_status or ("unused" if slot.restart_lsn is None else "")


def idle_words(use: SlotUse) -> str:
    """Return how long a slot has been idle; `over` where only pgtop has watched it."""
    if use.idle_seconds is None:
        return "idle" if use.slot.active is False else ""
    over = "" if use.is_idle_exact else "over "
    return f"idle {over}{quiet_age(use.idle_seconds)}"


def left_words(use: SlotUse, replication: Replication) -> str:
    """Return how much WAL may be written until the slot is lost; "" for one that keeps none: the
    server counts its negative safe_wal_size from the beginning of the WAL.
    """
    if use.is_lost or use.held_bytes is None:
        return ""
    left = use.slot.safe_wal_size
    if left is not None:
        return rough_bytes(max(0, left))
    most = replication.reading.max_slot_wal_keep_size
    return "no limit" if most is None or most < 0 else ""


def pause_words(replay: ReplayLag) -> str:
    """Return whether the replay runs."""
    if replay.is_paused:
        return clean(replay.replay.pause_state)
    if replay.waited_seconds is not None:
        return "waits"
    return "replays"


def conflict_words(replication: Replication) -> str:
    """Return the queries that the replay has cancelled since pgtop first read it, by cause."""
    counts = replication.conflicts
    if not counts:
        return ""
    causes = [
        f"{_CAUSES.get(name, clean(name))} {count}" for name, count in counts.items()
    ]
    total = sum(counts.values())
    queries = "1 query" if total == 1 else f"{total} queries"
    return f"{queries} cancelled: {', '.join(causes)}"


def limit_words(replay: ReplayLag) -> str:
    """Return when the replay ends a session that is in its way."""
    delay = replay.delay
    if delay is None:
        return ""
    if delay < 0:
        return "The replay waits without limit for sessions in its way."
    waits = replay.waited_seconds
    if waits is not None:
        left = max(0.0, delay - waits)
        return f"The replay waits for a session, which it ends within {span(left)}."
    if delay == 0:
        return "A session in the way of the replay is ended at once."
    return f"A session in the way of the replay is ended {span(delay)} after that WAL arrived."


def drop_statement(use: SlotUse) -> str:
    """Return the statement that drops a slot, and its warning; pgtop never runs it."""
    # a server allows only letters, digits and underscores
    name = clean(use.slot.slot_name)
    literal = name.replace("'", "''")
    warning = (
        f"-- Drops the replication slot {name}: its consumer loses its place for good,\n"
        "-- and must start again from a copy. The server refuses it while the slot is active.\n"
    )
    return f"{warning}SELECT pg_drop_replication_slot('{literal}');\n"
