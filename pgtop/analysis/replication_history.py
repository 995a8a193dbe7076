"""Facts that only successive readings of replication show: the bounds of a lag, the time for
which a slot is idle, and the queries that a replay has cancelled since pgtop first read it.

The server's own lags are NULL while it is idle, and keep their last value when a standby falls
silent. Its positions never lie: WAL that was there at a time, and is not replayed now, has been
waiting since that time at least.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model.replication import (
    Replay,
    ReplicationReading,
    ReplicationSlot,
    WalSender,
    position_of,
)
from pgtop.model.timestamp import Instant

_MOST = 240
"""Positions that are kept: twenty minutes of readings, and longer ago ever fewer."""


class Mark(NamedTuple):
    """A position in the WAL, and the first and the last time at which it was the end."""

    position: int
    first_at: Instant
    last_at: Instant


class Positions(NamedTuple):
    """The ends of the WAL at some times, from the oldest to the newest."""

    marks: tuple[Mark, ...] = ()

    def after(self, position: int | None, at: Instant) -> "Positions":
        """Add the end of the WAL at a time; the older half loses every second mark in time."""
        if position is None:
            return self
        marks = self.marks
        last = marks[-1].position if marks else -1
        if position < last:  # another server, or another timeline
            return Positions((Mark(position, at, at),))
        if position == last:
            return Positions((*marks[:-1], marks[-1]._replace(last_at=at)))
        if len(marks) >= _MOST:
            half = _MOST // 2
            marks = (*marks[:half:2], *marks[half:])
        return Positions((*marks, Mark(position, at, at)))

    def first_beyond(self, position: int) -> Instant | None:
        """Return the first time at which there was WAL beyond a position, as far as is known."""
        times = [mark.first_at for mark in self.marks if mark.position > position]
        return times[0] if times else None

    def last_within(self, position: int) -> Instant | None:
        """Return the last time at which there was no WAL beyond a position."""
        times = [mark.last_at for mark in self.marks if mark.position <= position]
        return times[-1] if times else None


def reach_of(sender: WalSender) -> int | None:
    """Return how far a standby is: what it has replayed or, if it replays nothing, what it has
    flushed or written, as pg_receivewal does.
    """
    reports = (sender.replay_lsn, sender.flush_lsn, sender.write_lsn)
    positions = [position_of(each) for each in reports]
    return next((each for each in positions if each is not None), None)


def sender_followed(
    sender: WalSender,
    before: ReplicationReading,
    positions: Positions,
    now: Instant,
) -> WalSender:
    """Return a walsender with the times since which it is behind, and silent."""
    reach = reach_of(sender)
    last = next((each for each in before.senders if each.pid == sender.pid), None)
    is_silent = (
        last is not None
        and sender.reply_time is not None
        and last.reply_time == sender.reply_time
    )
    silent_since = last.silent_since if last is not None and is_silent else now
    known = sender._replace(silent_since=silent_since)
    if reach is None:
        return known
    return known._replace(
        behind_since=positions.first_beyond(reach),
        complete_at=positions.last_within(reach),
    )


def slot_followed(
    slot: ReplicationSlot, before: ReplicationReading, now: Instant
) -> ReplicationSlot:
    """Return a slot with the time at which pgtop first saw it inactive."""
    if slot.active is not False:
        return slot
    names = {each.slot_name: each for each in before.slots}
    last = names.get(slot.slot_name)
    since = None if last is None else last.seen_inactive_since
    return slot._replace(seen_inactive_since=now if since is None else since)


def replay_followed(
    replay: Replay,
    before: Replay | None,
    positions: Positions,
    now: Instant,
    *,
    waits: bool,
) -> Replay:
    """Return a replay with what is known of its lag, of its wait, and of the queries it has
    cancelled since pgtop first read it. `waits`: the replay was seen to wait for a session.
    """
    replayed = position_of(replay.replay_lsn)
    known = replay._replace(
        waits_since=now if waits else None,
        conflicts_before=replay.conflicts,
        watched_since=now,
    )
    if replayed is not None:
        known = known._replace(
            behind_since=positions.first_beyond(replayed),
            complete_at=positions.last_within(replayed),
        )
    if before is None:
        return known
    if waits and before.waits_since and before.replay_lsn == replay.replay_lsn:
        known = known._replace(waits_since=before.waits_since)
    if _went_back(before.conflicts, replay.conflicts):
        return known
    return known._replace(
        conflicts_before=before.conflicts_before, watched_since=before.watched_since
    )


def _went_back(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Return whether a counter is lower than before, as after a reset of the statistics."""
    return any(now.get(name, 0) < count for name, count in before.items())
