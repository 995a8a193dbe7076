"""The probe that reads standbys, slots and subscriptions, and the receiver and replay of a standby.

A server that has none of them is searched once a minute, for a few bytes, and read as soon as a
snapshot has a walsender; the module that reads it is loaded then.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from pgtop.model.backend import WALSENDER, Backend
from pgtop.model.running import RunningPids
from pgtop.model.section import REPLICATION, REPLICATION_NOW, Topic
from pgtop.sources.postgres.features import SLOTS, SUBSCRIPTIONS, Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext, Remembered, rest_after
from pgtop.sources.postgres.shapes import BOOL, Rows, Shape, one_row

if TYPE_CHECKING:
    from pgtop.analysis.replication_history import Positions

EVERY = 5.0
"""Seconds between readings while there is a standby, a slot or a subscription."""
SEARCH_EVERY = 60.0
"""Seconds between searches while there is none."""

_SEARCHED: Mapping[str, LiteralString] = {
    SLOTS: "pg_get_replication_slots()",
    SUBSCRIPTIONS: "pg_stat_subscription",
}
_ANY: LiteralString = "EXISTS (SELECT FROM pg_catalog.{rows})"
_SEARCH: LiteralString = "SELECT {conditions}"
_SEARCH_SHAPE = Shape(BOOL)


class _ReplicationMemory(NamedTuple):
    """The result of the last search or reading over this connection."""

    has_any: bool = False
    """True if there is something to read."""
    positions: "Positions | None" = None


class ReplicationProbe:
    """Reads replication, of which every role sees at least the pids and the slots."""

    name = "replication"
    topic: Topic = REPLICATION

    def __init__(
        self,
        every: float = EVERY,
        search_every: float = SEARCH_EVERY,
        *,
        searches: bool = True,
    ) -> None:
        """Create a probe that reads every so many seconds; if it `searches`, only a server that
        has something to read.
        """
        self._every = every
        self._search_every = search_every
        self._searches = searches

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statement if a reading or a search is due."""
        is_whole = not self._searches or _shows_any(context)
        if not self._is_due(context, is_whole):
            return ()
        if not is_whole:
            return (_search(context.features),)
        from pgtop.sources.postgres.probes.replication_rows import statement_for

        return (statement_for(context.features),)

    def _is_due(self, context: ProbeContext, is_whole: bool) -> bool:
        section = context.section
        if section is None:
            return True
        if not is_whole:
            return context.is_due(section.taken_at, self._search_every)
        if section.data is None:
            return True
        rest = rest_after(section.data.cost_seconds) if self._every else 0.0
        return context.is_due(section.taken_at, max(self._every, rest))

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> Remembered:
        """Return the reading, or None if the search has found nothing yet to read."""
        [rows] = answers
        if len(rows) == 1:  # a reading has at least two
            return Remembered(None, _ReplicationMemory(has_any=one_row(rows)[0]))
        from pgtop.sources.postgres.probes.replication_rows import reading_in

        memory = context.memory
        positions = memory.positions if isinstance(memory, _ReplicationMemory) else None
        reading, now = reading_in(rows, positions, context)
        return Remembered(reading, _ReplicationMemory(not reading.is_empty, now))


class EachReplicationProbe(ReplicationProbe):
    """Reads with each sample, while the view is open."""

    topic: Topic = REPLICATION_NOW

    def __init__(self) -> None:
        """Create a probe."""
        super().__init__(every=0, search_every=EVERY)


def _shows_any(context: ProbeContext) -> bool:
    """Return whether there is something to read, as far as is known."""
    memory = context.memory
    if isinstance(memory, _ReplicationMemory) and memory.has_any:
        return True
    if context.server is not None and context.server.in_recovery:
        return True
    snapshot = context.snapshot
    return snapshot is not None and bool(_walsenders.of(snapshot.ungrouped))


def _is_walsender(backend: Backend) -> bool:
    return backend.backend_type == WALSENDER


_walsenders = RunningPids(_is_walsender)


@cache
def _search_of(sources: tuple[LiteralString, ...]) -> Statement:
    conditions = [_ANY.format(rows=each) for each in sources]
    sql = _SEARCH.format(conditions=" OR ".join(["pg_is_in_recovery()", *conditions]))
    return Statement(sql, shape=_SEARCH_SHAPE)


def _search(features: Features) -> Statement:
    """Return the search in what this role may call."""
    sources = [rows for name, rows in _SEARCHED.items() if features.allows(name)]
    return _search_of(tuple(sources))
