"""The rows of the replication view: standbys, slots, subscriptions, and on a standby its receiver
and the sessions in its way; each group with headings of its own over the same columns.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from pgtop.analysis.replication import (
    Endangered,
    ReplayLag,
    Replication,
    SlotUse,
    StandbyLag,
)
from pgtop.model.backend import BackendId
from pgtop.model.replication import (
    EXTENDED,
    STREAMING,
    UNRESERVED,
    SubscriptionWorker,
    WalReceiver,
)
from pgtop.model.timestamp import seconds_between
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.lag_words import NOT_KNOWN
from pgtop.table.layout import Layout, PlacedColumn, fill
from pgtop.text.clean import cells, fit
from pgtop.text.identity import user_at_database
from pgtop.text.tone import Tone
from pgtop.text.units import age, quiet_age, rough_bytes, span
from pgtop.view.replication_words import (
    FAR_SECONDS,
    idle_words,
    left_words,
    pause_words,
    status_words,
)


class ReplicationGroup(StrEnum):
    """The kinds of rows, in their order."""

    RECEIVER = "receiver"
    SNAPSHOT = "snapshot"
    STANDBY = "standby"
    SLOT = "slot"
    SUBSCRIPTION = "subscription"


HEADINGS: dict[ReplicationGroup, tuple[str, ...]] = {
    ReplicationGroup.RECEIVER: ("FROM", "STATE", "", "TO REPLAY", "BEHIND", "REPLAY", "RECEIVED"),
    ReplicationGroup.SNAPSHOT: ("SNAPSHOT", "STATE", "", "XMIN AGE", "AGE", "ENDS", "USER@DB"),
    ReplicationGroup.STANDBY: (
        "STANDBY", "STATE", "TO SEND", "TO REPLAY", "BEHIND", "SYNC", "CLIENT",
    ),
    ReplicationGroup.SLOT: ("SLOT", "KIND", "ACTIVE", "HOLDS", "LEFT", "STATUS", "NOTE"),
    ReplicationGroup.SUBSCRIPTION: ("SUBSCRIPTION", "WORKER", "", "", "SILENT", "PID", "RECEIVED"),
}  # fmt: skip
"""The titles of the columns over each group."""

Identity: TypeAlias = tuple[str, str]
Subject: TypeAlias = (
    StandbyLag | SlotUse | ReplayLag | Endangered | SubscriptionWorker | None
)


class Figure(NamedTuple):
    """A cell of a row."""

    text: str = ""
    """Raw."""
    value: Any = None
    """The number to order by; None for nothing to compare."""
    tone: Tone = Tone.PLAIN


_NONE = Figure()


class ReplicationRow(NamedTuple):
    """One row; without figures the heading of its group."""

    group: ReplicationGroup
    figures: tuple[Figure, ...] = ()
    subject: Subject = None

    @property
    def is_heading(self) -> bool:
        return not self.figures

    def figure(self, place: int) -> Figure:
        """Return the cell of a column; an empty one of a heading."""
        return self.figures[place] if self.figures else _NONE

    @property
    def identity(self) -> Identity | BackendId | None:
        """A value that stays the same from one sample to the next; None for a heading."""
        if self.is_heading:
            return None
        name = self.figures[0].text
        if isinstance(self.subject, SubscriptionWorker):  # one may have several workers
            name = f"{name} {self.subject.pid}"
        return backend_of(self) or (self.group.value, name)


def backend_of(row: ReplicationRow) -> BackendId | None:
    """Return the session of a standby or a snapshot."""
    subject = row.subject
    if isinstance(subject, StandbyLag | Endangered) and subject.backend is not None:
        return subject.backend.identity
    return None


def rows_of(replication: Replication) -> Iterator[ReplicationRow]:
    """Yield all rows, without headings."""
    replay = replication.replay
    if replay is not None:
        yield _receiver(replay)
    yield from map(_snapshot, replication.endangered)
    yield from map(_standby, replication.standbys)
    for use in replication.slots:
        yield _slot(use, replication)
    for worker in replication.reading.subscriptions:
        yield _subscription(worker, replication)


def _size(value: int | None, tone: Tone = Tone.PLAIN) -> Figure:
    return _NONE if value is None else Figure(rough_bytes(value), value, tone)


def _lag(seconds: float | None, is_behind: bool, tone: Tone = Tone.PLAIN) -> Figure:
    if seconds is None:
        return Figure(NOT_KNOWN) if is_behind else _NONE
    return Figure(span(seconds) if seconds else "0 s", seconds, tone)


def _word(text: str | None, tone: Tone = Tone.PLAIN) -> Figure:
    return Figure(text or "", text or None, tone)


def _standby(lag: StandbyLag) -> ReplicationRow:
    sender = lag.sender
    figures = (
        _word(lag.name, Tone.STRONG),
        _word(sender.state or "hidden", _state_tone(sender.state)),
        _size(lag.unsent_bytes),
        _size(lag.lag_bytes),
        _lag(lag.lag_seconds, bool(lag.lag_bytes), _lag_tone(lag.lag_seconds)),
        _word(sender.sync_state),
        _client(lag),
    )
    return ReplicationRow(ReplicationGroup.STANDBY, figures, lag)


def _state_tone(state: str | None) -> Tone:
    return Tone.PLAIN if state in (None, STREAMING) else Tone.NOTICE


def _client(lag: StandbyLag) -> Figure:
    """Return the address, and how long no reply has come, if that is unusual."""
    if lag.backend is None or lag.is_hidden:
        return _NONE
    client = lag.backend.client_addr or "local"
    if lag.is_logical:
        client = f"{client} logical"
    silent = lag.silent_seconds or 0.0
    if silent <= _SILENT:
        return _word(client)
    return _word(f"silent {quiet_age(silent)} {client}", Tone.WARN)


_SILENT = 35.0
"""Seconds without a reply of a standby: it replies every 10 s, unless it is configured otherwise,
and to each request of the primary, which comes after 30 s.
"""


def _lag_tone(seconds: float | None) -> Tone:
    return Tone.WARN if (seconds or 0) >= FAR_SECONDS else Tone.PLAIN


def _slot(use: SlotUse, replication: Replication) -> ReplicationRow:
    slot = use.slot
    is_idle = slot.active is False
    status = status_words(use)
    tone = Tone.ALARM if use.is_lost else Tone.STRONG
    active = "no" if is_idle else "yes"
    left = left_words(use, replication)
    figures = (
        _word(slot.slot_name, tone),
        _word(slot.slot_type),
        Figure(active, is_idle, _warned(is_idle)),
        _size(use.held_bytes, _warned(status in (EXTENDED, UNRESERVED))),
        Figure(left, slot.safe_wal_size),
        _word(status, _status_tone(status, use)),
        _word(_note(use)),
    )
    return ReplicationRow(ReplicationGroup.SLOT, figures, use)


def _warned(is_wrong: bool) -> Tone:
    return Tone.WARN if is_wrong else Tone.PLAIN


def _status_tone(status: str, use: SlotUse) -> Tone:
    if use.is_lost or status == UNRESERVED:
        return Tone.ALARM
    return Tone.WARN if status == EXTENDED else Tone.PLAIN


def _note(use: SlotUse) -> str:
    slot = use.slot
    reader = f"read by {slot.active_pid}" if slot.active_pid else ""
    reason = slot.invalidation_reason or ""
    parts = (reason, idle_words(use), use.database, reader)
    return ", ".join(filter(None, parts))


def _receiver(replay: ReplayLag) -> ReplicationRow:
    receiver = replay.receiver
    is_unknown = replay.is_cut_off or bool(replay.lag_bytes)
    figures = (
        _word(_upstream(receiver), Tone.STRONG),
        _receiver_state(receiver),
        _NONE,
        _size(replay.lag_bytes),
        _lag(replay.lag_seconds, is_unknown, _lag_tone(replay.lag_seconds)),
        _word(pause_words(replay), _warned(replay.is_paused)),
        _received(replay),
    )
    return ReplicationRow(ReplicationGroup.RECEIVER, figures, replay)


def _upstream(receiver: WalReceiver | None) -> str:
    """Return the server that a standby follows, as far as it is known."""
    if receiver is None or not receiver.sender_host:
        return "primary"
    host = receiver.sender_host
    return host if host.startswith("/") else f"{host}:{receiver.sender_port}"


def _receiver_state(receiver: WalReceiver | None) -> Figure:
    if receiver is None:
        return _word("stopped", Tone.WARN)
    return _word(receiver.status or "hidden")


def _received(replay: ReplayLag) -> Figure:
    if replay.silent_seconds is not None:
        return _word(f"silent {quiet_age(replay.silent_seconds)}", Tone.WARN)
    return _word(replay.replay.receive_lsn)


def _snapshot(endangered: Endangered) -> ReplicationRow:
    backend = endangered.backend
    left = endangered.seconds_left
    ends = "" if left is None else f"in {span(left)}"
    figures = (
        Figure(str(backend.pid), backend.pid, Tone.STRONG),
        _word(backend.state),
        _NONE,
        Figure(f"{backend.xmin_age:,}", backend.xmin_age),
        Figure(age(endangered.age_seconds), endangered.age_seconds),
        Figure(ends, left, Tone.WARN),
        _word(user_at_database(backend.usename, backend.datname)),
    )
    return ReplicationRow(ReplicationGroup.SNAPSHOT, figures, endangered)


def _subscription(
    worker: SubscriptionWorker, replication: Replication
) -> ReplicationRow:
    kind = worker.worker_type or ("table sync" if worker.relid else "apply")
    is_running = worker.pid is not None
    silent = None
    if worker.last_msg_receipt_time is not None:
        silent = seconds_between(worker.last_msg_receipt_time, replication.read_at)
    figures = (
        _word(worker.subname or str(worker.subid), Tone.STRONG),
        _word(kind if is_running else "none", _warned(not is_running)),
        _NONE,
        _NONE,
        Figure(quiet_age(silent), silent),
        Figure(str(worker.pid or ""), worker.pid),
        _word(worker.received_lsn),
    )
    return ReplicationRow(ReplicationGroup.SUBSCRIPTION, figures, worker)


# Columns.

Column: TypeAlias = columns.Column[ReplicationRow, Replication]


def _column(
    place: int,
    name: str,
    title: str,
    meaning: str,
    width: int,
    *,
    right: bool = False,
) -> Column:
    """Return the column at a place of the figures: numbers are aligned to the right, and all
    others ordered by their words.
    """

    def key(row: ReplicationRow, _replication: Replication) -> Any:
        figure = row.figure(place)
        return figure.value if right else figure.text or None

    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=width,
        rank=place,
        key=key,
        text=lambda row, _: row.figure(place).text,
        tone=lambda row, _: row.figure(place).tone,
        right=right,
    )


_KIND = Column(
    name="kind",
    title="",
    meaning="standby, slot, receiver, snapshot or subscription",
    width=12,
    rank=9,
    key=lambda row, _: row.group.value,
    text=lambda row, _: "" if row.is_heading else row.group.value,
    on_request=True,
)


def _name_in(row: ReplicationRow, _replication: Replication, width: int) -> str:
    """Return the name; the host of a primary is cut rather than its port."""
    name = row.figure(0).text
    host, colon, port = name.rpartition(":")
    is_address = row.group is ReplicationGroup.RECEIVER and colon
    if not is_address or cells(name) <= width:
        return name
    return fit(host, max(1, width - cells(port) - 1)) + colon + port


NAME = replace(
    _column(
        0,
        "name",
        "NAME",
        "a standby by its application_name, a slot, a pid",
        16,
    ),
    text_in=_name_in,
)
STATE = _column(1, "state", "STATE", "what it does; of a slot its kind", 10)
SEND = _column(
    2,
    "send",
    "TO SEND",
    "WAL that is not sent; whether a slot is in use",
    7,
    right=True,
)
SIZE = _column(
    3,
    "size",
    "TO REPLAY",
    "WAL that a standby has not replayed, or that is kept for a slot",
    9,
    right=True,
)
BEHIND = _column(
    4,
    "behind",
    "BEHIND",
    "age of the oldest WAL that is not replayed; what may be written until a slot is lost",
    8,
    right=True,
)
STATUS = _column(5, "status", "STATUS", "sync or async; the WAL status of a slot", 10)
NOTE = _column(6, "note", "NOTE", "address of a standby; how long a slot is idle", 12)

COLUMNS = ColumnSet(NAME, STATE, SEND, SIZE, BEHIND, STATUS, NOTE, _KIND)
_PLACES = (NAME, STATE, SEND, SIZE, BEHIND, STATUS, NOTE)
_NARROW = (NAME, SIZE, BEHIND, STATUS)
_ALL_FROM = 72
"""Cells of screen from which there is room for all columns."""
_USUAL = 78
"""Cells of screen from which names have their usual width."""


@lru_cache(maxsize=4)
def layout(width: int) -> Layout:
    """Return the columns at `width` cells, which they fill exactly."""
    if width < _ALL_FROM:
        first, *middle, last = _NARROW
        name_width = min(14, max(8, width - 27))
    else:
        first, *middle, last = _PLACES
        name_width = NAME.width if width >= _USUAL else NAME.width - 2
        name_width = min(30, name_width + max(0, width - _USUAL) // 4)
    return fill(
        width, (first, name_width), [(each, each.width) for each in middle], last
    )


def place_of(placed: PlacedColumn) -> int:
    """Return the place of a column among the figures of a row."""
    return _PLACES.index(placed.column)
