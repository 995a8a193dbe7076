"""Samples from a recording, for the commands that can read one."""

from collections.abc import Sequence
from pathlib import Path

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.errors import UsageError
from pgtop.model.audit import SentSignal
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.ports import AuditError, Source
from pgtop.sources.recording.file_format import BlockHeader
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.source import RecordedSource, sample_at
from pgtop.sources.redacting import RedactingSource, masked
from pgtop.sources.sections import SECTION_TYPES
from pgtop.text.when import parse_when


def opened(file: str) -> Recording:
    """Open a recording. Raises RecordingError."""
    return Recording(Path(file).expanduser(), SECTION_TYPES, _trail)


def _trail(header: BlockHeader) -> Sequence[SentSignal]:
    """Return the signals of this user's audit log to the server of a recording; none if the log
    cannot be read.
    """
    from pgtop.signalling.audit_log import default_path
    from pgtop.signalling.audit_reader import read
    from pgtop.signalling.trail_reader import sent_signals

    try:
        records = read(default_path()).records
    except AuditError:
        return ()
    return sent_signals(records, header.server)


def time_in(recording: Recording, text: str | None, option: str = "--at") -> Instant:
    """Return the time that an option names; the end without one. Raises UsageError."""
    if text is None:
        return recording.last_at
    try:
        return parse_when(text, recording.first_at, recording.last_at)
    except ValueError as error:
        raise UsageError(f"{option}: {error}.") from error


def recorded_source(file: str, at: str | None, redact: bool) -> Source:
    """Return a recording as the source of one instant, its literals masked if `redact` is set.
    Raises RecordingError and UsageError.
    """
    recording = opened(file)
    source = RecordedSource(recording, time_in(recording, at))
    return RedactingSource(source) if redact else source


async def recorded_sample(file: str, at: str | None, redact: bool) -> Snapshot:
    """Return one instant of a recorded server. Raises RecordingError, and UsageError also for the
    recording of a pooler's console.
    """
    snapshot = await recorded_source(file, at, redact).sample()
    if snapshot.server.is_console:
        raise UsageError(
            "The recording is of a pooler's console, which knows nothing of the server.",
            "Its pools: pgtop pools --from FILE.",
        )
    return snapshot


def derived_at(
    recording: Recording, at: Instant, redact: bool = False
) -> DerivedSnapshot:
    """Return the sample of a time with what follows from it, its literals masked if `redact` is
    set. Raises RecordingError.
    """
    snapshot = sample_at(recording, at)
    return DerivedSnapshot.of(masked(snapshot) if redact else snapshot)
