"""The sessions that were read over one connection, as the next poll needs them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat

from pgtop.model.backend import CLIENT_READ, Backend
from pgtop.model.server import Database, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.probes.activity import BLOCKERS
from pgtop.sources.postgres.shapes import Row, Rows

_NAMES_KEPT = 20_000
"""Some applications put the number of a request into their name; above this count all names are
dropped and learned again.
"""

_ENDED_KEPT = 1000
"""Ended sessions that are still remembered: dropping them one by one would cost more than keeping
them.
"""

_NO_PAIRS: Iterable[tuple[Row, None]] = repeat(((), None))


class SessionMemory:
    """Remembers what need not be sent or read again."""

    def __init__(self, text_bytes: int) -> None:
        self._text_bytes = text_bytes
        self._names = activity.NameCache()
        self._known: dict[tuple[int, Instant | None], Backend] = {}
        self._rows: Rows = []
        """The rows of the previous snapshot."""
        self._backends: Sequence[Backend] = ()
        """The backends of these rows."""
        self._names_of: tuple[Mapping[int, Role], Mapping[int, Database]] = ({}, {})
        """The names of roles and databases that these backends have."""
        self._named = b""
        self._named_idle: tuple[Backend, ...] = ()

    def read(self, rows: Rows, server: Server) -> list[Backend]:
        """Return the backends in the rows: the same object as before for a row that is as before,
        as most sessions do the same for longer than an interval.

        The server has the sessions in the same order each time, so rows are compared by their
        places: looking them up would touch four times as much memory that is not in the cache.
        """
        has_same_names = (server.roles, server.databases) == self._names_of
        rows_before = self._rows if has_same_names else []
        pairs = chain(zip(rows_before, self._backends, strict=False), _NO_PAIRS)
        backends = []
        for row, (row_before, before) in zip(rows, pairs, strict=False):
            if (
                before is None
                or row != row_before
                or before.blocked_by
                or row[BLOCKERS]
            ):
                before = self._read(row, server, row_before)
            backends.append(before)
        return backends

    def _read(self, row: Row, server: Server, row_before: Row) -> Backend:
        """Return the backend in a row, the known one if it is equal to that."""
        known = self._known.get(row[:2])
        if known is not None and activity.is_same(row, row_before):
            return activity.with_blockers(known, row)
        backend = activity.read_backend(
            row,
            server,
            self._names,
            self._text_bytes,
            known,
        )
        return known if known == backend else backend

    def remember(self, rows: Rows, snapshot: Snapshot) -> None:
        """Remember the rows and their backends, the first ones of the snapshot; forget ended ones
        if there are too many.
        """
        before = chain(self._backends, repeat(None))
        server = snapshot.server
        self._rows = rows
        self._backends = snapshot.ungrouped[: len(rows)]
        self._names_of = (server.roles, server.databases)
        pairs = zip(self._backends, before, strict=False)
        changed = [backend for backend, known in pairs if backend is not known]
        self._known.update([(backend[:2], backend) for backend in changed])
        if len(self._known) > _ENDED_KEPT + len(snapshot.backends):
            self._known = {backend[:2]: backend for backend in snapshot.backends}
        if len(self._names) > _NAMES_KEPT:
            self._names.clear()

    def named(self, named: bytes) -> tuple[Backend, ...] | None:
        """Return the sessions that the server only names; None if one of them was not idle
        when it was last read.
        """
        remembered = [
            self._known.get(session) for session in activity.read_sessions(named)
        ]
        idle = [
            b
            for b in remembered
            if b is not None and b.wait_event == CLIENT_READ and b.backend_xmin is None
        ]
        return tuple(idle) if len(idle) == len(remembered) else None

    def named_idle(self, named: bytes) -> tuple[Backend, ...] | None:
        """Return the idle sessions that are not in the group; see `named`.

        Sessions that the previous reply named, too, are as they were: a session that has changed
        has a row, and is not named.
        """
        if named != self._named:
            idle = self.named(named)
            if idle is None:
                return None
            self._named = named
            self._named_idle = idle
        return self._named_idle
