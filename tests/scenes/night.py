"""The quarter of an hour before the incident: connections pile up, a gap, and then the queue."""

from dataclasses import replace
from functools import cache

from pgtop.analysis.timeline import EventKind, TimelineEvent
from pgtop.model.backend import IDLE
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from tests.scenes.incident import incident
from tests.timelines import ListTimeline

_INCIDENT = incident()
_EVERY = 5
_FIRST, _LAST_BEFORE_GAP, _FIRST_AFTER_GAP = -780, -340, -290
QUEUE_BEGAN = -182
ROOT, WAITER, IDLER = 13323, 13336, 13272
ENDED_AT = -60
"""The second before the incident at which the idle session was ended."""


def at(second: float) -> Instant:
    """Return a time before the incident, in seconds."""
    return _INCIDENT.taken_at + int(second * MICROSECONDS)


@cache
def night() -> ListTimeline:
    """Return the samples up to the incident, one every five seconds."""
    before = range(_FIRST, _LAST_BEFORE_GAP + 1, _EVERY)
    after = range(_FIRST_AFTER_GAP, 1, _EVERY)
    idler = next(b for b in _INCIDENT.backends if b.pid == IDLER)
    return ListTimeline(
        [_sample(second) for second in (*before, *after)],
        [Gap(at(_LAST_BEFORE_GAP), at(_FIRST_AFTER_GAP), "the server was away")],
        [
            TimelineEvent(at(-180), EventKind.ALARM_BEGAN, "9 waiting"),
            TimelineEvent(at(-180), EventKind.ROOT_APPEARED, f"{ROOT} blocks 9"),
        ],
        {idler.identity: "admin"},
    )


def _sample(second: int) -> Snapshot:
    """Return the sessions of this second: those in the queue only once it has begun."""
    now = at(second)
    pool = sum([backend.state == IDLE for backend in _INCIDENT.backends])
    missing = round(pool * 0.8 * second / _FIRST)
    kept = []
    for backend in _INCIDENT.backends:
        is_idle = backend.state == IDLE
        if is_idle and missing > 0 and backend.pid != IDLER:
            missing -= 1
            continue
        is_over = backend.pid == IDLER and second >= ENDED_AT
        is_later = not is_idle and (backend.state_change or 0) > now
        if not is_over and not is_later:
            kept.append(backend)
    return replace(_INCIDENT, ungrouped=tuple(kept), taken_at=now)
