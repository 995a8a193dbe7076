"""The replication view: its table, the sentences around it, and its records for programs."""

from collections.abc import Iterator
from typing import Any

from pgtop.analysis.replication import (
    Endangered,
    ReplayLag,
    Replication,
    SlotUse,
    StandbyLag,
    replication_of,
)
from pgtop.model.replication import SubscriptionWorker, WalReceiver
from pgtop.model.serialise import record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import to_datetime
from pgtop.table.arrange import Arranged, arrange
from pgtop.table.layout import Layout, line, width_of
from pgtop.table.options import TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import rough_bytes
from pgtop.text.wrap import Line
from pgtop.text.wrap import line as words_line
from pgtop.view.replication_rows import (
    COLUMNS,
    HEADINGS,
    ReplicationGroup,
    ReplicationRow,
    layout,
    place_of,
    rows_of,
)
from pgtop.view.replication_words import (
    conflict_words,
    limit_words,
)

_SENDER_OF_BACKEND = (
    "usesysid",
    "usename",
    "application_name",
    "client_addr",
    "client_hostname",
    "client_port",
    "backend_start",
    "backend_xmin",
)
"""Columns of pg_stat_replication that are those of the session."""
_SEEN = ("behind_since", "complete_at", "silent_since", "seen_inactive_since")
"""What pgtop adds for itself."""


def row_line(layout: Layout, row: ReplicationRow, replication: Replication) -> Line:
    """Return a row, or the titles of its group over the same columns."""
    if not row.is_heading:
        return line(layout, row, replication)
    titles = HEADINGS[row.group]
    cells = [
        fit(titles[place_of(placed)], placed.width, placed.column.right)
        for placed in layout
    ]
    text = fit(" ".join(cells), width_of(layout))
    return (Span(text, Tone.HEADING),)


REPLICATION = TableSpec(
    COLUMNS,
    identity=lambda row: row.identity,
    line=row_line,
    place_columns=layout,
    has_header=False,
    stays_on_top=False,
)


def arrange_replication(
    snapshot: Snapshot, options: TableOptions
) -> Arranged[ReplicationRow, Replication]:
    """Return the rows that a filter selects, each group in order under its heading. Raises
    FilterError.
    """
    replication = replication_of(snapshot)
    arranged = arrange(
        rows_of(replication),
        COLUMNS,
        options,
        replication,
    )
    rows: list[ReplicationRow] = []
    for group in ReplicationGroup:
        members = [row for row in arranged.rows if row.group is group]
        rows += [ReplicationRow(group), *members] if members else []
    return Arranged(
        tuple(rows),
        arranged.total,
        replication,
        options,
    )


# Around the table.


def unread_words(replication: Replication) -> str:
    """Return why nothing is known; "" if it is."""
    if replication.reason:
        return f"Not known: {clean(replication.reason)}."
    return "" if replication.is_sampled else "Replication was not sampled."


def reason_words(replication: Replication) -> str:
    """Return why there is no row; "" if there are some."""
    if replication.reason:
        return unread_words(replication)
    if not replication.is_sampled:
        return "The first figures come with the next sample."
    if replication.is_empty:
        return (
            "No standby, replication slot or subscription. A standby that connects with "
            "primary_conninfo appears here, and a slot as soon as it is created."
        )
    return ""


def note_lines(replication: Replication) -> Iterator[Line]:
    """Yield what a reader must know of the figures."""
    if replication.is_empty:
        return
    yield words_line(use_words(replication), Tone.QUIET)
    if lacks := lacks_words(replication):
        yield words_line(lacks, Tone.NOTICE)
    if replication.replay is not None:
        yield from _replay_lines(replication, replication.replay)


def use_words(replication: Replication) -> str:
    """Return the use of walsenders and slots, and the WAL that all slots keep."""
    reading = replication.reading
    senders = f"{len(reading.senders)} of {reading.max_wal_senders} walsenders"
    slots = f"{len(reading.slots)} of {reading.max_replication_slots} slots"
    held = max([use.held_bytes or 0 for use in replication.slots], default=0)
    kept = f" The WAL disk keeps {rough_bytes(held)} for slots." if held else ""
    return f"{senders}, {slots}.{kept}"


def lacks_words(replication: Replication) -> str:
    """Return what this role may not see, and the grant that shows it; "" if it sees all."""
    receiver = replication.reading.receiver
    is_receiver_hidden = receiver is not None and receiver.status is None
    has_hidden = any(each.is_hidden for each in replication.standbys)
    if not has_hidden and not is_receiver_hidden:
        return ""
    what = "standbys" if has_hidden else "the receiver"
    return (
        f"Only pids of {what} are shown to this role: pg_monitor shows states and lags."
    )


def _replay_lines(replication: Replication, replay: ReplayLag) -> Iterator[Line]:
    if replay.is_cut_off:
        words = "Nothing arrives from the primary: how far this standby is behind is not known."
        yield words_line(words, Tone.WARN)
    if replay.lag_bytes and replay.replay.complete_at is None:
        words = "BEHIND is the age of the last replayed transaction: the lag is at most that."
        yield words_line(words, Tone.QUIET)
    delay = replay.replay.recovery_min_apply_delay
    if delay:
        yield words_line(
            f"recovery_min_apply_delay: replay is {delay:g} s behind on purpose.",
            Tone.QUIET,
        )
    if replication.endangered or replay.waited_seconds is not None:
        yield words_line(limit_words(replay), Tone.NOTICE)
    since = replay.replay.watched_since
    cancelled = conflict_words(replication) or "no query cancelled by the replay"
    if since is not None:
        at = to_datetime(since)
        tone = Tone.WARN if replication.conflicts else Tone.QUIET
        yield words_line(f"Since {at:%H:%M:%S} UTC: {cancelled}.", tone)


# Records for programs.


def replication_record(replication: Replication) -> dict[str, Any]:
    """Return replication under the server's own column names, with the lags."""
    reading = replication.reading
    role = "standby" if reading.in_recovery else "primary"
    senders = [_sender_record(each) for each in replication.standbys]
    slots = [_slot_record(each) for each in replication.slots]
    workers = [_worker_record(each) for each in reading.subscriptions]
    return {
        "role": role if replication.is_known else None,
        "position": reading.position,
        "max_wal_senders": reading.max_wal_senders or None,
        "max_replication_slots": reading.max_replication_slots or None,
        "max_slot_wal_keep_size": reading.max_slot_wal_keep_size,
        "senders": senders,
        "receiver": _receiver_record(replication),
        "slots": slots,
        "subscriptions": workers,
    }


def _sender_record(lag: StandbyLag) -> dict[str, Any]:
    backend = lag.backend
    session: dict[str, Any] = dict.fromkeys(_SENDER_OF_BACKEND)
    if backend is not None:
        session = record(backend, _SENDER_OF_BACKEND)
    sender = _without_seen(record(lag.sender))
    return {
        "pid": sender.pop("pid"),
        **session,
        **sender,
        "lag_bytes": lag.lag_bytes,
        "lag_seconds": lag.lag_seconds,
    }


def _slot_record(use: SlotUse) -> dict[str, Any]:
    slot = _without_seen(record(use.slot))
    return {
        **slot,
        "database": use.database or None,
        "lag_bytes": use.held_bytes,
        "lag_seconds": None,
        "idle_seconds": use.idle_seconds,
        "idle_is_exact": use.is_idle_exact,
    }


def _receiver_record(replication: Replication) -> dict[str, Any] | None:
    """Return the receiver and the replay of a standby; None on a primary."""
    lag = replication.replay
    if lag is None:
        return None
    replay = _without_seen(record(lag.replay))
    for name in ("conflicts_before", "waits_since"):
        del replay[name]
    receiver: dict[str, Any] = dict.fromkeys(WalReceiver._fields)
    if lag.receiver is not None:
        receiver = record(lag.receiver)
    return {
        **receiver,
        **replay,
        "conflicts_since": replication.conflicts,
        "waited_seconds": lag.waited_seconds,
        "snapshots": [_snapshot_record(each) for each in replication.endangered],
        "lag_bytes": lag.lag_bytes,
        "lag_seconds": lag.lag_seconds,
    }


def _snapshot_record(endangered: Endangered) -> dict[str, Any]:
    backend = endangered.backend
    return {
        **record(backend, ("pid", "backend_start", "xmin_age")),
        "seconds_left": endangered.seconds_left,
    }


def _worker_record(worker: SubscriptionWorker) -> dict[str, Any]:
    return {**record(worker), "lag_bytes": None, "lag_seconds": None}


def _without_seen(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _SEEN}
