"""The line about replication below the bar, and what is wrong with it for the headline."""

from collections.abc import Iterator
from typing import NamedTuple

from pgtop.analysis.replication import (
    ReplayLag,
    Replication,
    SlotUse,
    replication_of,
)
from pgtop.model.replication import EXTENDED, UNRESERVED
from pgtop.monitor.state import State
from pgtop.table.lag_words import lag_words
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted, rough_bytes
from pgtop.text.wrap import Line, line
from pgtop.view.alarm import SIGN
from pgtop.view.beside import Beside
from pgtop.view.headline import Lead, Trouble
from pgtop.view.replication_words import (
    FAR_SECONDS,
    held_words,
    is_close,
    left_words,
)

_FAR_BYTES = 10_000_000_000
"""The lag in bytes from which it is far behind, if its seconds are not known."""
_MUCH = 1_000_000_000
"""Bytes held by an idle slot that are worth a warning where the server has no status for them,
before version 13: its default of max_wal_size.
"""
_LEAD = Lead("show_replication", "replication", "opens", view="replication")
_SEVERITY = {UNRESERVED: 1, EXTENDED: 2}


def beside(state: State) -> Beside | None:
    """Return the line about standbys and slots; None if there are none."""
    replication = replication_of(state.derived.snapshot)
    if replication.is_empty:
        return None
    parts = [
        *_replay_parts(replication.replay),
        *_standby_parts(replication),
        *_slot_parts(replication),
        *_subscription_parts(replication),
    ]
    if not parts:  # a backup alone
        return None
    is_wrong = next(troubles(state), None) is not None
    tone = Tone.WARN if is_wrong else Tone.PLAIN
    texts = ["; ".join(each) for each in zip(*parts, strict=True)]
    texts.append(parts[0].short)
    if use := _slot_use(replication):
        texts.insert(0, f"{texts[0]}; {use}")
    return Beside([line(text, tone) for text in texts], is_wrong)


def _slot_use(replication: Replication) -> str:
    """Return how many slots are in use, of how many; "" without any."""
    used = len(replication.slots)
    return (
        f"{used} of {replication.reading.max_replication_slots} slots" if used else ""
    )


class _ReplicationPart(NamedTuple):
    """One part of the line in three lengths."""

    long: str
    middle: str
    short: str


def _standby_parts(replication: Replication) -> Iterator[_ReplicationPart]:
    """Yield the number of standbys and the worst lag, the longest form first."""
    standbys = _followers(replication)
    if not standbys:
        return
    worst = replication.worst
    if worst is None:
        unknown = f"{standbys}, lag not known"
        yield _ReplicationPart(unknown, unknown, standbys)
    elif is_close(worst):
        within = f"{standbys} within 1 s"
        yield _ReplicationPart(within, within, within)
    else:
        lag = lag_words(worst.lag_seconds, worst.lag_bytes)
        yield _ReplicationPart(
            f"{standbys}, worst replay {lag}",
            f"{standbys}, worst {lag}",
            f"{standbys} {lag}",
        )


def _followers(replication: Replication) -> str:
    """Return how many standbys and subscribers there are; a backup is neither."""
    followers = [each for each in replication.standbys if not each.is_backup]
    logical = [each.is_logical for each in followers].count(True)
    physical = len(followers) - logical
    parts = [counted(physical, "standby")] if physical else []
    parts += [counted(logical, "subscriber")] if logical else []
    return ", ".join(parts)


def _slot_parts(replication: Replication) -> Iterator[_ReplicationPart]:
    """Yield the worst slot, the longest form first."""
    use = worst_slot(replication)
    if use is None:
        return
    name = clean(use.slot.slot_name)
    words = f"slot {name} {held_words(use)}"
    held = "" if use.held_bytes is None else f" {rough_bytes(use.held_bytes)}"
    yield _ReplicationPart(words, words, f"slot {name}{held}")


def _subscription_parts(replication: Replication) -> Iterator[_ReplicationPart]:
    """Yield the number of subscriptions, where there is nothing else."""
    reading = replication.reading
    names = {each.subid for each in reading.subscriptions}
    if names and not (reading.in_recovery or reading.senders or reading.slots):
        words = counted(len(names), "subscription")
        yield _ReplicationPart(words, words, words)


def _replay_parts(replay: ReplayLag | None) -> Iterator[_ReplicationPart]:
    """Yield the replay of a standby, the longest form first."""
    if replay is None:
        return
    words = _replay_words(replay)
    if replay.is_paused:
        paused = f"replay {clean(replay.replay.pause_state)}"
        yield _ReplicationPart(f"{paused}, {words}", paused, paused)
    else:
        yield _ReplicationPart(words, words, words)


def _replay_words(replay: ReplayLag) -> str:
    if replay.is_cut_off and not replay.lag_bytes:
        return "nothing arrives from the primary"
    if is_close(replay):
        return "replay within 1 s"
    lag = lag_words(replay.lag_seconds, replay.lag_bytes or 0)
    return f"replay {lag} behind"


def worst_slot(replication: Replication) -> SlotUse | None:
    """Return the slot that needs attention most."""
    return min(replication.slots, key=_slot_rank, default=None)


def _slot_rank(use: SlotUse) -> tuple[int, bool, int]:
    severity = 0 if use.is_lost else _SEVERITY.get(use.slot.wal_status or "", 3)
    return severity, use.slot.active is not False, -(use.held_bytes or 0)


def troubles(state: State) -> Iterator[Trouble]:
    """Yield what is wrong with replication, the worst first."""
    replication = replication_of(state.derived.snapshot)
    for use in sorted(replication.slots, key=_slot_rank):
        yield from _slot_troubles(use, replication)
    yield from _lag_troubles(replication)
    if words := _all_slots(replication):
        yield Trouble([_warning(f"! {words}, so none can be created")], _LEAD)
    replay = replication.replay
    if replay is not None and replay.is_paused:
        paused = f"! replay {clean(replay.replay.pause_state)}"
        held = rough_bytes(replay.lag_bytes or 0)
        waits = f"{paused}: {held} received and not replayed"
        yield Trouble([_warning(waits), _warning(paused)], _LEAD)


def _all_slots(replication: Replication) -> str:
    """Return that all slots are in use; "" if they are not."""
    most = replication.reading.max_replication_slots
    is_full = most and len(replication.slots) >= most
    return f"all {most} replication slots are in use" if is_full else ""


def _slot_troubles(use: SlotUse, replication: Replication) -> Iterator[Trouble]:
    slot = use.slot
    name = clean(slot.slot_name)
    held = rough_bytes(use.held_bytes or 0)
    if use.is_lost:
        words = f" {name}: its WAL is gone, its consumer must start again"
        yield _alarm(f"{SIGN}slot lost", [words, f" {name}"])
    elif slot.wal_status == UNRESERVED:
        words = f" {name}: its WAL may be removed at the next checkpoint"
        yield _alarm(f"{SIGN}slot nearly lost", [words, f" {name}"])
    elif slot.wal_status == EXTENDED:
        left = left_words(use, replication)
        limit = f", {left} left" if slot.safe_wal_size is not None else f", {left}"
        yield _slot_warning(name, held, limit)
    elif slot.wal_status is None and _holds_much(use):
        yield _slot_warning(name, held, "")


def _holds_much(use: SlotUse) -> bool:
    return use.slot.active is False and (use.held_bytes or 0) >= _MUCH


def _slot_warning(name: str, held: str, limit: str) -> Trouble:
    texts = [f"! slot {name} holds {held} of WAL{limit}", f"! slot {name} {held}"]
    return Trouble([_warning(text) for text in texts], _LEAD)


def _lag_troubles(replication: Replication) -> Iterator[Trouble]:
    """Yield the standby that is furthest behind, if that is far."""
    worst = replication.worst
    if worst is None or not worst.lag_bytes:
        return
    if (worst.lag_seconds or 0) < FAR_SECONDS and worst.lag_bytes < _FAR_BYTES:
        return
    name = clean(worst.name)
    lag = lag_words(worst.lag_seconds, worst.lag_bytes)
    texts = [f"! replication to {name} is {lag} behind", f"! {name} {lag} behind"]
    yield Trouble([_warning(text) for text in texts], _LEAD)


def _warning(text: str) -> Line:
    return line(text, Tone.WARN)


def _alarm(plate: str, texts: list[str]) -> Trouble:
    head = Span(plate, Tone.ALARM_PLATE)
    forms: list[Line] = [(head, Span(text, Tone.ALARM)) for text in texts]
    return Trouble([*forms, (head,)], _LEAD)
