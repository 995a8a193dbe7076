"""A recording as a source: the samples as they were, at one time or in their order."""

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail, is_cut
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.model.waits import WaitSample
from pgtop.sources.recording.file_format import RecordingError
from pgtop.sources.recording.reader import Recording

LOCKS_NOT_RECORDED = "the locks of a session are not recorded, only those waited for"


class RecordedSource:
    """`ports.Source` of one instant of a recording."""

    def __init__(self, recording: Recording, at: Instant) -> None:
        self._recording = recording
        self.at = at

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return the newest sample that is not younger than this time. Raises RecordingError."""
        return sample_at(self._recording, self.at)

    def renew(self) -> None:
        """See `ports.Source`."""

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return what the sample has of one backend."""
        snapshot = await self.sample()
        backend = snapshot.at(backend_id.pid)
        if backend is None or backend.backend_start != backend_id.backend_start:
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

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        """Return what the sample has of the sessions that count."""
        snapshot = await self.sample()
        own_pid = snapshot.server.pid
        counted = [each for each in snapshot.busy if each.pid != own_pid]
        if pid is not None:
            counted = [each for each in counted if pid in (each.pid, each.leader_pid)]
        return WaitSample(snapshot.taken_at, tuple(counted))

    async def close(self) -> None:
        """Close the file."""
        self._recording.close()


def sample_at(recording: Recording, at: Instant) -> Snapshot:
    """Return the newest sample that is not younger than this time, or else the first one. Raises
    RecordingError.
    """
    snapshot = recording.at(at) or recording.at(recording.first_at)
    if snapshot is not None:
        return snapshot
    reasons = {damage.reason for damage in recording.damages}
    raise RecordingError(
        f"{recording.path} is damaged at this time: {', '.join(reasons)}."
    )
