"""An incident in a recording: roots and their ends, the queries that were seen most, gaps, numbers.

All of it comes from samples: what was there for less than the time between two of them may be
missing, and a time is right to that accuracy.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.sample_summary import SampleSummary
from pgtop.model.backend import ACTIVE, HIDDEN_QUERY, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

MOST_QUERIES = 10
MOST_ROOTS = 50
_LONGEST_STEP = 10.0
"""Seconds; two samples further apart are no cadence."""


class Episode(NamedTuple):
    """The time in which a session or a prepared transaction was a root."""

    name: str
    """Its pid, or the identifier of a prepared transaction."""
    backend: Backend | None
    """The session as it was seen first as a root."""
    first_at: Instant
    last_at: Instant
    most_waiters: int
    longest_wait: float | None
    """Seconds for which one of its waiters has waited, at most."""
    victims: tuple[int, ...]
    """pids of the sessions that waited for it."""
    end: str
    """What was seen when it was no root any more: `gone`, `released`, or `lasts`."""


class SeenQuery(NamedTuple):
    """A text that active sessions ran."""

    text: str
    seconds: float
    """Its time in all sessions together, as far as samples show."""
    sessions: int
    """Sessions that ran it."""
    at_once: int
    """The most sessions that ran it in one sample."""
    longest: float
    """Seconds of the longest single run that was seen."""


class Incident(NamedTuple):
    """The contents of a recording between two times."""

    summaries: Sequence[SampleSummary]
    episodes: Sequence[Episode]
    queries: Sequence[SeenQuery]
    step: float
    """Seconds between the samples that were read in full, typically."""

    @property
    def first_at(self) -> Instant:
        return self.summaries[0].at

    @property
    def last_at(self) -> Instant:
        return self.summaries[-1].at


def incident(
    summaries: Sequence[SampleSummary], snapshots: Iterable[Snapshot]
) -> Incident:
    """Return what the samples of a time show; `summaries` must not be empty."""
    roots = _Roots()
    queries: dict[str, _Running] = {}
    before: DerivedSnapshot | None = None
    steps: list[float] = []
    for snapshot in snapshots:
        derived = DerivedSnapshot.of(snapshot, before)
        step = 0.0
        if before is not None:
            step = seconds_between(before.now, derived.now)
            steps.append(step)
        roots.add(derived)
        _count_queries(derived, min(step, _LONGEST_STEP), queries)
        before = derived
    seen = [running.seen(text) for text, running in queries.items()]
    return Incident(
        summaries=summaries,
        episodes=roots.episodes()[:MOST_ROOTS],
        queries=sorted(seen, key=lambda query: -query.seconds)[:MOST_QUERIES],
        step=sorted(steps)[len(steps) // 2] if steps else 0.0,
    )


class _Roots:
    """The roots of successive samples, as episodes."""

    def __init__(self) -> None:
        self._open: dict[object, Episode] = {}
        self._closed: list[Episode] = []

    def add(self, derived: DerivedSnapshot) -> None:
        current = {root.identity: root for root in derived.forest.roots}
        for identity in self._open.keys() - current.keys():
            self._closed.append(_closed(self._open.pop(identity), derived))
        for identity, root in current.items():
            self._open[identity] = _extended(self._open.get(identity), root, derived)

    def episodes(self) -> list[Episode]:
        """Return all, in the order of their starts."""
        episodes = [*self._closed, *self._open.values()]
        return sorted(episodes, key=lambda episode: episode.first_at)


def _extended(episode: Episode | None, root: Node, derived: DerivedSnapshot) -> Episode:
    """Return the episode with one sample more."""
    first = derived.forest.longest_wait(root.key)
    since = None if first is None else first.since
    wait = None if since is None else seconds_between(since, derived.now)
    waiters = derived.forest.waiters_of(root.key)
    victims = [derived.forest.nodes[key].pid for key in waiters]
    if episode is None:
        name = str(root.pid) if root.prepared is None else root.prepared.gid
        episode = Episode(
            name=name,
            backend=root.backend,
            first_at=derived.now,
            last_at=derived.now,
            most_waiters=0,
            longest_wait=None,
            victims=(),
            end="lasts",
        )
    known = dict.fromkeys((*episode.victims, *sorted(filter(None, victims))))
    return episode._replace(
        last_at=derived.now,
        most_waiters=max(episode.most_waiters, root.total_waiters),
        longest_wait=max(filter(None, (episode.longest_wait, wait)), default=None),
        victims=tuple(known),
    )


def _closed(episode: Episode, derived: DerivedSnapshot) -> Episode:
    """Return the episode at its end: whether its session is still there."""
    backend = episode.backend
    if backend is None:
        return episode._replace(end="released")
    lives = derived.find(backend) is not None
    return episode._replace(end="released" if lives else "gone")


class _Running:
    """The runs of one text, as far as samples show them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sessions: set[object] = set()
        self.at_once = 0
        self.longest = 0.0

    def seen(self, text: str) -> SeenQuery:
        return SeenQuery(
            text, self.seconds, len(self.sessions), self.at_once, self.longest
        )


def _count_queries(
    derived: DerivedSnapshot, step: float, queries: dict[str, _Running]
) -> None:
    """Add the active sessions of a sample; each stands for the time since the sample before."""
    own = derived.snapshot.server.pid
    at_once: dict[str, int] = {}
    for backend in derived.snapshot.busy:
        text = _text_of(backend)
        if not text or backend.pid == own:
            continue
        at_once[text] = at_once.get(text, 0) + 1
        running = queries.setdefault(text, _Running())
        running.seconds += step
        running.sessions.add(backend.identity)
        if backend.query_start is not None:
            run = seconds_between(backend.query_start, derived.now)
            running.longest = max(running.longest, run)
    for text, count in at_once.items():
        queries[text].at_once = max(queries[text].at_once, count)


def _text_of(backend: Backend) -> str:
    """Return what a client runs now; "" if it runs nothing, or that is hidden."""
    is_running = backend.is_client and backend.state == ACTIVE
    if not is_running or backend.query == HIDDEN_QUERY:
        return ""
    return backend.query or ""
