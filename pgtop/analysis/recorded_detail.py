"""The detail of a session of the past: what its sample has."""

from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail, is_cut
from pgtop.model.snapshot import Snapshot

LOCKS_NOT_RECORDED = "the locks of a session are not recorded, only those waited for"


def detail_in(snapshot: Snapshot, backend_id: BackendId) -> Detail | None:
    """Return what a sample of the past has of one backend, or None if it is not there."""
    backend = snapshot.at(backend_id.pid)
    if backend is None or backend.identity != backend_id:
        return None
    text = backend.query or ""
    length = len(text.encode(errors="replace"))
    size = min(snapshot.server.track_activity_query_size, snapshot.text_bytes)
    return Detail(
        taken_at=snapshot.taken_at,
        backend=backend,
        query_is_cut=is_cut(text, length, size),
        locks_failure=LOCKS_NOT_RECORDED,
    )
