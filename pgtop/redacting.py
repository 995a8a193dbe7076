"""A source whose queries have lost their literals: nothing downstream, be it screen, filter or audit, ever sees one.

What the server writes itself stays as it is: on the text of an autovacuum worker rests whether it is protected.
"""

from dataclasses import replace
from typing import NamedTuple

from pgtop.model.backend import HIDDEN_QUERY, Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.snapshot import NOBODY, Snapshot
from pgtop.ports import Source
from pgtop.view.redaction import redacted

_WRITTEN_BY_THE_SERVER = frozenset({"autovacuum worker", "autovacuum launcher"})


class _Masked(NamedTuple):
    """A backend as it came, and as it is shown."""

    came: Backend
    shown: Backend


class RedactingSource:
    """`ports.Source` around another. A text is masked once, and lent to the next picture while it stays the same."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._before: dict[int, _Masked] = {}

    def renew(self) -> None:
        """See `ports.Source`."""
        self._source.renew()

    def watch_blocking(self, watched: bool) -> None:
        """See `ports.Source`."""
        self._source.watch_blocking(watched)

    async def sample(self) -> Snapshot:
        """One instant of the server, its queries without literals. Raises SourceError."""
        snapshot = await self._source.sample()
        masked = [self._mask(backend) for backend in snapshot.backends]
        self._before = {each.came.pid: each for each in masked}
        return replace(snapshot, backends=tuple(each.shown for each in masked), settled=NOBODY)

    async def detail(self, who: BackendId) -> Detail | None:
        """One backend whole, its query without literals. Raises SourceError."""
        detail = await self._source.detail(who)
        return detail and detail._replace(backend=without_literals(detail.backend))

    async def close(self) -> None:
        """See `ports.Source`."""
        await self._source.close()

    def _mask(self, backend: Backend) -> _Masked:
        before = self._before.get(backend.pid)
        if before is None or before.came.query != backend.query or before.came.backend_type != backend.backend_type:
            return _Masked(backend, without_literals(backend))
        if before.came is backend:
            return before
        return _Masked(backend, backend._replace(query=before.shown.query))


def without_literals(backend: Backend) -> Backend:
    """The backend with its query masked, unless the server has written that itself."""
    if not backend.query or backend.query == HIDDEN_QUERY or backend.backend_type in _WRITTEN_BY_THE_SERVER:
        return backend
    return backend._replace(query=redacted(backend.query))
