"""Probes: everything that is read from the server beside the sessions and their locks.

A probe serves one topic. In each poll in which a consumer wants that topic, the sampler sends the
probe's statements along with those for the sessions: the same round trip, but a transaction of
their own, so that an error in it spoils nothing else. The result becomes the data of a section of
the snapshot; an error becomes the reason why there are none.

A new probe is one module here, and one line in PROBES. Sessions and locks are no probes: they
belong to one instant, each decides what is read of the other, and every snapshot has them (see
`sessions` and `locks`).
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pgtop.model.section import (
    BACKEND_IO,
    PROGRESS,
    REPLICATION,
    REPLICATION_NOW,
    STATEMENTS,
    USUAL,
    Section,
    Topic,
)
from pgtop.model.server import Server
from pgtop.model.snapshot import ReadingT, Snapshot
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes.lock_target import NO_NAMES, Names
from pgtop.sources.postgres.shapes import Rows

_SLACK = 1.1
"""Seconds that the last snapshot may be younger than the next: the choice is made by its time."""
_REST_PER_COST = 200
"""Seconds of rest for each second that a reading took: half a percent of the server's time."""
LONGEST_REST = 300.0


def rest_after(cost_seconds: float) -> float:
    """Return the seconds that the server is spared after a reading that took it so long."""
    return min(LONGEST_REST, _REST_PER_COST * cost_seconds)


class ProbeContext(NamedTuple):
    """The knowledge of a probe when it chooses its statements, and when it reads the answers."""

    features: Features
    server: Server | None
    """None before the first snapshot of a connection."""
    section: Section[Any] | None
    """The last section of this probe on this connection."""
    now: Instant
    """The server's time: of the previous snapshot for `statements` (0 if there is none), of the
    answers for `read`.
    """
    snapshot: Snapshot | None = None
    """The previous snapshot of this connection."""
    names: Names = NO_NAMES
    memory: object = None
    """What the probe has remembered on this connection; None after an error."""

    def last(self, kind: type[ReadingT]) -> ReadingT | None:
        """Return the data of the last section, which are of this kind; None without any."""
        data = None if self.section is None else self.section.data
        return data if isinstance(data, kind) else None

    def is_due(self, read_at: Instant, every: float) -> bool:
        """Return whether the next snapshot is so many seconds younger than a reading, or more."""
        return seconds_between(read_at, self.now) >= every - _SLACK


class Remembered(NamedTuple):
    """The data of a section, and what its probe needs again for the next one, which no snapshot
    has to carry.
    """

    data: object
    memory: object


class Probe(Protocol):
    """Reads one section of a snapshot. Probes are shared by all connections: they keep no state of
    their own, and find what they have read before in `context.section` and `context.memory`.
    """

    @property
    def name(self) -> str:
        """Name of the section."""
        ...

    @property
    def topic(self) -> Topic: ...

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statements of this poll; none, and the last section stays as it is, with the
        time at which it was read.
        """
        ...

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> object:
        """Return the data in the rows of each statement, or `Remembered`. Raises AnswerError, which
        becomes the section's reason.
        """
        ...


@runtime_checkable
class RecoveringProbe(Probe, Protocol):
    """A probe that can go on without the answer to some of its statements."""

    def recovered(self, reason: str, context: ProbeContext) -> Remembered | None:
        """Return what stays known although the server refused the statements; None if nothing
        does, and the reason becomes the section's.
        """
        ...


def recovered(probe: Probe, reason: str, context: ProbeContext) -> Remembered | None:
    """Return what a probe still knows after an error; None if it needs the answer."""
    inner = _loaded(probe.path) if isinstance(probe, LateProbe) else probe
    if not isinstance(inner, RecoveringProbe):
        return None
    return inner.recovered(reason, context)


class LateProbe(NamedTuple):
    """A probe with a module that is loaded when its topic is first wanted."""

    name: str
    topic: Topic
    path: str
    """The module and the class, with a colon between them."""
    needs_snapshot: bool = False
    """True if nothing is read with the first snapshot of a connection."""

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """See `Probe`."""
        if self.needs_snapshot and context.snapshot is None:
            return ()
        return _loaded(self.path).statements(context)

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> object:
        """See `Probe`."""
        return _loaded(self.path).read(answers, context)


@cache
def _loaded(path: str) -> Probe:
    module, _, name = path.partition(":")
    probe: Probe = getattr(import_module(module), name)()
    return probe


from pgtop.sources.postgres.probes.rates import RatesProbe  # noqa: E402  # needs the types above

PROBES: tuple[Probe, ...] = (
    RatesProbe(),
    LateProbe(
        "progress",
        PROGRESS,
        "pgtop.sources.postgres.probes.progress:ProgressProbe",
        needs_snapshot=True,
    ),
    LateProbe(
        "replication",
        REPLICATION,
        "pgtop.sources.postgres.probes.replication:ReplicationProbe",
        needs_snapshot=True,
    ),
    LateProbe(
        "backend_io",
        BACKEND_IO,
        "pgtop.sources.postgres.probes.backend_io:BackendIoProbe",
        needs_snapshot=True,
    ),
    LateProbe(
        "replication",
        REPLICATION_NOW,
        "pgtop.sources.postgres.probes.replication:EachReplicationProbe",
        needs_snapshot=True,
    ),
    LateProbe("usual", USUAL, "pgtop.sources.postgres.probes.usual:UsualProbe"),
    LateProbe(
        "statements",
        STATEMENTS,
        "pgtop.sources.postgres.probes.statements:StatementsProbe",
    ),
)
