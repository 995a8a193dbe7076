"""`pgtop report`: an incident in a recording, as one page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pgtop import files
from pgtop.analysis.incident import incident
from pgtop.cli import output
from pgtop.cli.args.recording_options import ReportCommand
from pgtop.cli.configuration import redacts
from pgtop.cli.exit_codes import Exit
from pgtop.cli.recorded import opened, time_in
from pgtop.errors import OutputError, UsageError, reason_of
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, from_datetime, parsed
from pgtop.ports import AuditError
from pgtop.signalling import audit_reader
from pgtop.signalling.audit_log import default_path
from pgtop.sources.recording.file_format import RecordingError
from pgtop.sources.recording.reader import Recording
from pgtop.sources.redacting import masked
from pgtop.view.report.contents import Evidence, report
from pgtop.view.report.html import html
from pgtop.view.report.markdown import markdown

_SPARSE_ABOVE = 2 * 3600.0
"""Seconds; of a longer time only one sample a minute is read in full."""


def run(command: ReportCommand) -> int:
    """Print or write the report. Raises PgtopError."""
    recording = opened(command.file)
    try:
        evidence = _evidence(recording, command)
    finally:
        recording.close()
    contents = report(evidence)
    page = html(contents) if command.html else markdown(contents)
    if command.output is None:
        output.write_data(page)
    else:
        _write_new(Path(command.output).expanduser(), page)
    return Exit.DONE


def _evidence(recording: Recording, command: ReportCommand) -> Evidence:
    first = recording.first_at
    if command.since is not None:
        first = time_in(recording, command.since, "--since")
    last = time_in(recording, command.until, "--until")
    if first > last:
        raise UsageError("--since is later than --until.", "Exchange them.")
    summaries = list(recording.summaries(first, last))
    header = recording.header(summaries[0].at if summaries else first)
    if not summaries or header is None:
        raise RecordingError(f"{recording.path} has no readable sample of this time.")
    is_sparse = last - first > _SPARSE_ABOVE * MICROSECONDS
    redact = redacts(command.redact)
    snapshots = recording.between(first, last, first_of_blocks=is_sparse)
    return Evidence(
        header=header,
        incident=incident(summaries, _masked(snapshots, redact)),
        gaps=[gap for gap in recording.gaps() if gap.overlaps(first, last)],
        damages=len(recording.damages),
        signals=_signals(first, last, header.server, redact),
        is_sparse=is_sparse,
    )


def _masked(snapshots: Iterator[Snapshot], redact: bool) -> Iterator[Snapshot]:
    for snapshot in snapshots:
        yield masked(snapshot) if redact else snapshot


def _signals(
    first: Instant, last: Instant, server: str, redact: bool
) -> Sequence[Mapping[str, Any]]:
    """Return the signals of this user's audit log to this server in this time."""
    try:
        records = audit_reader.read(default_path()).records
    except AuditError as error:
        output.report(str(error))
        return ()
    signals = []
    for entry in records:
        signal = with_times(entry.as_dict())
        at = signal["at_instant"]
        is_here = signal.get("server") == server
        if is_here and first - MICROSECONDS <= at <= last + MICROSECONDS:
            signals.append({**signal, "query": None} if redact else signal)
    return signals


def with_times(signal: dict[str, Any]) -> dict[str, Any]:
    """Add the times of a record as instants, and the time of day."""
    at = datetime.fromisoformat(signal["at"]).astimezone(UTC)
    return {
        **signal,
        "at_instant": from_datetime(at),
        "clock": f"{at:%H:%M:%S}",
        "backend_start_instant": _instant(signal.get("backend_start")),
    }


def _instant(text: object) -> Instant | None:
    """Return the time of a record, None for one that is none."""
    try:
        return parsed(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def _write_new(path: Path, page: str) -> None:
    """Write a file that does not exist yet, for its owner alone. Raises OutputError."""
    try:
        files.write_new(path, page.encode())
    except FileExistsError:
        raise OutputError(
            f"{path} exists.", "Name a new file: no report is overwritten."
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {reason_of(error)}."
        ) from error
