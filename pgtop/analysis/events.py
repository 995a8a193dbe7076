"""Events of a timeline: what a user goes to from sample to sample.

A wait or a root that is seen in one sample alone is no event: on a busy server, locks are waited
for all the time, for milliseconds.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.restarts import interruption
from pgtop.analysis.sample_summary import SampleSummary
from pgtop.analysis.timeline import EventKind, TimelineEvent
from pgtop.model.audit import SentSignal
from pgtop.model.timestamp import Instant

LONG_WAIT = 1.0
"""Seconds for which a session has waited that make one sample enough."""
MOST_ROOTS = 10
"""Roots of a sample that are followed: the worst ones."""
_RECOVERED_BELOW = 2.0
"""Percent below the warning: a use that changes by one slot is one event, not many."""


class NumberEvents:
    """Events that follow from the numbers of successive samples: alarm and budget."""

    def __init__(self, warn: float = 80.0) -> None:
        """Watch for a use above `warn` percent of the ordinary slots."""
        self._warn = warn
        self._is_alarm = False
        self._is_warning = False
        self._before: SampleSummary | None = None

    def add(self, summary: SampleSummary) -> Iterator[TimelineEvent]:
        """Yield the events that one more sample shows."""
        yield from self._alarm(summary)
        yield from self._budget(summary)
        self._before = summary

    def _alarm(self, summary: SampleSummary) -> Iterator[TimelineEvent]:
        if self._is_alarm and not summary.waiting:
            self._is_alarm = False
            yield TimelineEvent(summary.at, EventKind.ALARM_ENDED, "none waiting")
        if self._is_alarm or not summary.waiting:
            return
        first = self._before if self._before and self._before.waiting else summary
        if first is not summary or (summary.longest_wait or 0.0) >= LONG_WAIT:
            self._is_alarm = True
            words = f"{summary.waiting} waiting"
            yield TimelineEvent(first.at, EventKind.ALARM_BEGAN, words)

    def _budget(self, summary: SampleSummary) -> Iterator[TimelineEvent]:
        margin = _RECOVERED_BELOW if self._is_warning else 0.0
        level = (self._warn - margin) * summary.usable
        is_warning = summary.used * 100 >= level
        if is_warning is self._is_warning:
            return
        self._is_warning = is_warning
        kind = EventKind.BUDGET_WARNS if is_warning else EventKind.BUDGET_RECOVERED
        words = f"{summary.used} of {summary.usable} slots in use"
        yield TimelineEvent(summary.at, kind, words)


class _Root(NamedTuple):
    """A root that is followed."""

    first_at: Instant
    name: str
    node: Node
    waiters: int
    """The most sessions that waited for it."""
    is_event: bool
    """True if its beginning is an event."""


class RootEvents:
    """Events of the roots in successive samples: one appears, or ends."""

    def __init__(self) -> None:
        self._roots: dict[object, _Root] = {}

    def add(self, derived: DerivedSnapshot) -> Iterator[TimelineEvent]:
        """Yield the events that one more sample shows."""
        roots = [root for root in derived.forest.roots if root.total_waiters]
        if not roots and not self._roots:
            return
        present = {root.identity: root for root in roots}
        for identity in self._roots.keys() - present.keys():
            root = self._roots.pop(identity)
            if root.is_event:
                yield _end(root, derived)
        for identity, node in present.items():
            yield from self._follow(identity, node, derived)

    def _follow(
        self, identity: object, node: Node, derived: DerivedSnapshot
    ) -> Iterator[TimelineEvent]:
        before = self._roots.get(identity)
        if before is None and len(self._roots) >= MOST_ROOTS:
            return
        is_event = before is not None or _is_long(node, derived)
        waiters = node.total_waiters
        first_at = derived.now if before is None else before.first_at
        most = waiters if before is None else max(waiters, before.waiters)
        root = _Root(first_at, _name(node), node, most, is_event)
        self._roots[identity] = root
        if is_event and not (before and before.is_event):
            words = f"{root.name} blocks {waiters}"
            yield TimelineEvent(first_at, EventKind.ROOT_APPEARED, words)


class Events:
    """All events of successive samples of one server, except signals."""

    def __init__(self, warn: float = 80.0) -> None:
        """Watch for a use above `warn` percent of the ordinary slots."""
        self._numbers = NumberEvents(warn)
        self._roots = RootEvents()
        self._before: DerivedSnapshot | None = None

    def add(
        self, derived: DerivedSnapshot, summary: SampleSummary
    ) -> list[TimelineEvent]:
        """Return the events that one more sample shows, in their order."""
        events = [
            *self._restart(derived),
            *self._numbers.add(summary),
            *self._roots.add(derived),
        ]
        self._before = derived
        return sorted(events, key=lambda event: event.at)

    def _restart(self, derived: DerivedSnapshot) -> Iterator[TimelineEvent]:
        if self._before is None:
            return
        event = interruption(self._before.snapshot, derived.snapshot)
        if event is not None:
            yield TimelineEvent(derived.now, EventKind.RESTARTED, event.cause.value)


def numbers_only(summaries: Iterable[SampleSummary]) -> list[TimelineEvent]:
    """Return the events that follow from the numbers of samples: those of alarm and budget."""
    numbers = NumberEvents()
    return [event for summary in summaries for event in numbers.add(summary)]


def signal_events(trail: Iterable[SentSignal]) -> list[TimelineEvent]:
    """Return an event for each signal."""
    return [
        TimelineEvent(sent.at, EventKind.SIGNAL, _signal_words(sent)) for sent in trail
    ]


def _signal_words(sent: SentSignal) -> str:
    outcome = "outcome unknown" if sent.effect is None else sent.effect.value
    person = f" by {sent.person}" if sent.person else ""
    return f"{sent.signal.value} {sent.target.pid}{person}: {outcome}"


def _name(root: Node) -> str:
    if root.backend is not None:
        return str(root.pid)
    gid = f" {root.prepared.gid}" if root.prepared is not None else ""
    return f"prepared transaction{gid}"


def _is_long(root: Node, derived: DerivedSnapshot) -> bool:
    """Return whether a session has waited for the root for so long that one sample is enough."""
    first = derived.forest.longest_wait(root.key)
    since = None if first is None else first.since
    return since is not None and derived.now - since >= LONG_WAIT * 1_000_000


def _end(root: _Root, derived: DerivedSnapshot) -> TimelineEvent:
    backend = root.node.backend
    is_gone = backend is not None and derived.find(backend) is None
    word = "gone" if is_gone else "released"
    words = f"{root.name} {word}, blocked {root.waiters} at most"
    return TimelineEvent(derived.now, EventKind.ROOT_ENDED, words)
