"""A source without the texts of queries, for recordings that must not have any."""

from dataclasses import replace

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.waits import WaitSample
from pgtop.ports import Source


class TextlessSource:
    """`ports.Source` around another; every query is empty."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._groups: tuple[IdleGroup, IdleGroup] | None = None
        """The last idle group, and the one without texts."""

    def renew(self) -> None:
        """See `ports.Source`."""
        self._source.renew()

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return one instant of the server without texts. Raises SourceError."""
        snapshot = await self._source.sample(topics)
        return _with_group(snapshot, self._group(snapshot.idle_group))

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return one backend in full, without its text. Raises SourceError."""
        detail = await self._source.detail(backend_id)
        if detail is None:
            return None
        return detail._replace(backend=_without_text(detail.backend))

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        """Return what the sessions wait for, without queries. Raises SourceError."""
        sample = await self._source.waits(by, pid)
        textless = [each._replace(query=None) for each in sample.backends]
        return sample._replace(backends=tuple(textless))

    async def close(self) -> None:
        """See `ports.Source`."""
        await self._source.close()

    def _group(self, group: IdleGroup) -> IdleGroup:
        """Return the same group for the same one, as everything derived from it is cached."""
        if self._groups is None or self._groups[0] is not group:
            self._groups = (group, _textless(group))
        return self._groups[1]


def without_texts(snapshot: Snapshot) -> Snapshot:
    """Return a sample with empty queries."""
    return _with_group(snapshot, _textless(snapshot.idle_group))


def _with_group(snapshot: Snapshot, textless_group: IdleGroup) -> Snapshot:
    """Return a sample with empty queries, and with an idle group that has none already."""
    return replace(
        snapshot,
        ungrouped=tuple(map(_without_text, snapshot.ungrouped)),
        idle_group=textless_group,
        are_queries_masked=True,
    )


def _textless(group: IdleGroup) -> IdleGroup:
    return IdleGroup(tuple(map(_without_text, group.backends)))


def _without_text(backend: Backend) -> Backend:
    return backend._replace(query="") if backend.query else backend
