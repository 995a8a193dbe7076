"""A source that masks the literals in queries: nothing downstream, be it screen, filter or audit
log, ever sees one.

Texts of the server itself stay as they are: the text of an autovacuum worker decides whether it is
protected.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import HIDDEN_QUERY, Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, HasTexts, Section, Topic
from pgtop.model.snapshot import NO_IDLE_GROUP, Snapshot
from pgtop.model.waits import QUERY_BYTES, WaitSample
from pgtop.ports import Source
from pgtop.text.redact import redaction

_WRITTEN_BY_THE_SERVER = frozenset({"autovacuum worker", "autovacuum launcher"})


class _Masked(NamedTuple):
    """A backend as it was read, and as it is shown."""

    original: Backend
    shown: Backend


class RedactingSource:
    """`ports.Source` around another. A text is masked once, and reused in the next snapshot while
    it stays the same.
    """

    def __init__(self, source: Source, text_bytes: int = 1 << 20) -> None:
        """Wrap `source`, which cuts queries to `text_bytes`."""
        self._source = source
        self._text_bytes = text_bytes
        self._before: dict[int, _Masked] = {}
        self._sections: dict[str, tuple[Section[Any], Section[Any]]] = {}
        """The sections as they were read, and as they are shown."""

    def renew(self) -> None:
        """See `ports.Source`."""
        self._source.renew()

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return one instant of the server, its queries without literals. Raises SourceError."""
        snapshot = await self._source.sample(topics)
        size = min(self._text_bytes, snapshot.server.track_activity_query_size)
        masked = [self._mask(backend, size) for backend in snapshot.backends]
        self._before = {each.original.pid: each for each in masked}
        shown = tuple([each.shown for each in masked])
        return replace(
            snapshot,
            ungrouped=shown,
            idle_group=NO_IDLE_GROUP,
            are_queries_masked=True,
            sections=self._masked_sections(snapshot, shown),
        )

    def _masked_sections(
        self, snapshot: Snapshot, shown: Iterable[Backend]
    ) -> Mapping[str, Section[Any]]:
        """Return the sections without literals; a section that is read rarely is masked once."""
        before = self._sections
        query_ids = _query_ids(shown)
        self._sections = {}
        for name, section in snapshot.sections.items():
            original, masked_section = before.get(name, (None, section))
            if original is not section:
                masked_section = _without_texts(section, query_ids)
            self._sections[name] = section, masked_section
        return {name: masked for name, (_, masked) in self._sections.items()}

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return one backend in full, its query without literals. Raises SourceError."""
        detail = await self._source.detail(backend_id)
        if detail is None:
            return None
        backend = await _masked_aside(detail.backend)
        if detail.query_is_cut:
            backend = backend._replace(query_id=None)
        settings = detail.settings
        if settings is not None:
            settings = tuple([each._replace(value=_MASK) for each in settings])
        return detail._replace(backend=backend, settings=settings)

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        """Return what the sessions wait for, their queries without literals. Raises SourceError."""
        sample = await self._source.waits(by, pid)
        masked = [without_literals(each, QUERY_BYTES) for each in sample.backends]
        return sample._replace(backends=tuple(masked))

    async def close(self) -> None:
        """See `ports.Source`."""
        await self._source.close()

    def _mask(self, backend: Backend, size: int) -> _Masked:
        before = self._before.get(backend.pid)
        if before is not None and before.original is backend:
            return before
        if before is None or _text_of(before.original) != _text_of(backend):
            return _Masked(backend, without_literals(backend, size))
        return _Masked(
            backend,
            backend._replace(query=before.shown.query, query_id=before.shown.query_id),
        )


def masked(snapshot: Snapshot) -> Snapshot:
    """Return one instant with its queries without literals."""
    size = min(snapshot.text_bytes, snapshot.server.track_activity_query_size)
    shown = tuple([without_literals(each, size) for each in snapshot.backends])
    query_ids = _query_ids(shown)
    sections = {
        name: _without_texts(section, query_ids)
        for name, section in snapshot.sections.items()
    }
    return replace(
        snapshot,
        ungrouped=shown,
        idle_group=NO_IDLE_GROUP,
        are_queries_masked=True,
        sections=sections,
    )


def _query_ids(backends: Iterable[Backend]) -> frozenset[int]:
    ids = [each.query_id for each in backends if each.query_id is not None]
    return frozenset(ids)


def _without_texts(section: Section[Any], query_ids: frozenset[int]) -> Section[Any]:
    """Mask the data of a section that has texts or query ids; `query_ids` are those that may be
    shown.
    """
    if not isinstance(section.data, HasTexts):
        return section
    return section._replace(data=section.data.masked(redaction, query_ids))


async def _masked_aside(backend: Backend) -> Backend:
    """Mask a long query in a thread: a megabyte takes a second, and the keyboard must answer."""
    if len(backend.query or "") < _LONG:
        return without_literals(backend)
    return await asyncio.to_thread(without_literals, backend)


def _text_of(backend: Backend) -> tuple[str | None, int | None, str | None]:
    """Return the values from which a masked text and its query_id are derived."""
    return backend.query, backend.query_id, backend.backend_type


_MASK = "?"
_LONG = 50_000
"""Characters."""
_LONGEST_CHARACTER = 4
"""Bytes; a text that was cut may be so much shorter."""


def without_literals(backend: Backend, size: int = 1 << 20) -> Backend:
    """Return the backend with its query masked, unless the server itself has written the query.

    The query_id is dropped if literals could be guessed from it: the server computes that of a
    utility statement from the whole text. The rest of a query that was cut to `size` bytes is
    unknown.
    """
    if backend.backend_type in _WRITTEN_BY_THE_SERVER:
        return backend
    if not backend.query or backend.query == HIDDEN_QUERY:
        return backend._replace(query_id=None)
    masked = redaction(backend.query)
    is_cut = len(backend.query.encode(errors="replace")) > size - _LONGEST_CHARACTER
    is_safe = masked.is_normalized and not is_cut
    return backend._replace(
        query=masked.text, query_id=backend.query_id if is_safe else None
    )
