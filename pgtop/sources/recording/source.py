"""A recording as a source: the samples as they were, at one time or in their order."""

from pgtop.analysis.recorded_detail import detail_in
from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.model.waits import WaitSample
from pgtop.sources.recording.file_format import RecordingError
from pgtop.sources.recording.reader import Recording


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
        return detail_in(await self.sample(), backend_id)

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        """Return what the sample has of the sessions that count."""
        return wait_sample(await self.sample(), pid)

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


def wait_sample(snapshot: Snapshot, pid: int | None = None) -> WaitSample:
    """Return what a sample has of the sessions that count: all, or one and its workers."""
    own_pid = snapshot.server.pid
    counted = [each for each in snapshot.busy if each.pid != own_pid]
    if pid is not None:
        counted = [each for each in counted if pid in (each.pid, each.leader_pid)]
    hidden = [each for each in counted if each.hidden and each.datid is not None]
    return WaitSample(snapshot.taken_at, tuple(counted), len(hidden))
