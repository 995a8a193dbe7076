"""`pgtop waits`: what sessions wait for, sampled for some seconds or recorded, and printed once.

The names in JSON are stable, like those of `pgtop show`.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from pgtop import startup
from pgtop.analysis.wait_profile import (
    Profile,
    SliceBy,
    StatementWaits,
    WaitSlice,
    profile,
    tally,
)
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.args.waits_options import RATE, WaitsCommand
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.recorded import opened, time_in
from pgtop.errors import UsageError
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, seconds_between
from pgtop.model.waits import COUNTED_TYPES, WaitSample
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.wait_sampling import wait_samples
from pgtop.ports import Source
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.recording.source import sample_at, wait_sample
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.text.clean import clean
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line, wrapped
from pgtop.view.banner import server_line
from pgtop.view.waits import (
    arrange_waits,
    layout,
    load_words,
    query_name,
    unseen_words,
    wait_line,
)


class _Measured:
    """The samples so far, which outlive the end by a signal."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.samples: list[WaitSample] = []
        self.seconds = 0.0
        self.events: Mapping[str, str] = {}
        """The server's own words for events."""


def run(command: WaitsCommand) -> int:
    """Print the profile; Ctrl-C ends the sampling earlier. Raises PgtopError and SourceError."""
    check_past(command.past, command.connection)
    measurement = _Measured()
    try:
        if command.past.file is None:
            interrupts.run(_measure(command, measurement))
        else:
            _read(command, command.past.file, measurement)
    except SystemExit as error:
        if error.code != Exit.INTERRUPT or not measurement.samples:
            raise
    report = _report(command, measurement)
    note = report.unseen
    if command.json:
        output.write_data(as_json(report.profile))
        if note:
            output.report(note)
    else:
        width = output.page_width()
        output.write(output.page(page(report, width), command.color))
    sees_nothing = bool(note) and not report.profile.slices
    return Exit.WAITS_UNKNOWN if sees_nothing else Exit.DONE


async def _measure(command: WaitsCommand, measurement: _Measured) -> None:
    connection = compose.connection_for(command.connection)
    source = PostgresSource(connection)
    try:
        measurement.snapshot = await first_sample(source, command.connection.wait)
        if command.pid is not None:
            _check_session(measurement.snapshot, command.pid)
        startup.resume_garbage_collection()
        if not command.json:
            measurement.events = await source.wait_events()
        await _sample(source, command, measurement)
    finally:
        await source.close()


def _read(command: WaitsCommand, file: str, measurement: _Measured) -> None:
    """Take the samples of a recording from the seconds before a time. Raises UsageError and
    RecordingError.
    """
    if command.rate != RATE:
        raise UsageError("--rate: a recording has its own.", "Leave --rate out.")
    recording = opened(file)
    try:
        end = time_in(recording, command.past.at)
        begin = end - round(command.seconds * MICROSECONDS)
        for snapshot in recording.between(begin, end):
            measurement.samples.append(wait_sample(snapshot, command.pid))
            if command.pid is None or snapshot.at(command.pid) is not None:
                measurement.snapshot = snapshot
        last = sample_at(recording, end)
    finally:
        recording.close()
    samples = measurement.samples
    if not samples:
        words = f"The recording has no sample in the {command.seconds:g} s before that time."
        raise UsageError(words, "Try another --at, or more --seconds.")
    if measurement.snapshot is None:
        measurement.snapshot = last
    if command.pid is not None:
        _check_session(measurement.snapshot, command.pid)
    measurement.seconds = seconds_between(samples[0].taken_at, samples[-1].taken_at)


def _check_session(snapshot: Snapshot, pid: int) -> None:
    """Raise UsageError unless the session is there and can have a profile."""
    backend = snapshot.at(pid)
    if backend is None:
        raise UsageError(f"There is no session {pid}.")
    if pid == snapshot.server.pid:
        raise UsageError(f"{pid} is pgtop's own session.")
    if not backend.hidden and backend.backend_type not in COUNTED_TYPES:
        raise UsageError(f"{pid} is no session of a client: {backend.backend_type}.")


async def _sample(
    source: Source,
    command: WaitsCommand,
    measurement: _Measured,
) -> None:
    clock = MonotonicClock()
    start = clock.now()
    count = max(1, round(command.seconds * command.rate))
    sampling = wait_samples(
        source,
        clock,
        SliceBy(command.by),
        command.pid,
        command.rate,
        count,
    )
    async for sample in sampling:
        measurement.samples.append(sample)
        measurement.seconds = clock.now() - start
    # the last sample stands for the rest of its part
    measurement.seconds = max(measurement.seconds, count / command.rate)


class WaitReport(NamedTuple):
    """The contents of a page, or of a JSON object."""

    snapshot: Snapshot
    profile: Profile
    session: Backend | None
    """The session that the profile is of; None if it is of all."""
    events: Mapping[str, str]
    """The server's own words for events."""
    unseen: str
    """What this role cannot see, and the order that would change it."""


def _report(command: WaitsCommand, measurement: _Measured) -> WaitReport:
    snapshot = measurement.snapshot
    if snapshot is None:
        raise AssertionError("there are samples, so there was a first one")
    hidden = max([each.hidden for each in measurement.samples])
    return WaitReport(
        snapshot,
        _profile(command, measurement),
        None if command.pid is None else snapshot.at(command.pid),
        measurement.events,
        unseen_words(hidden, snapshot.server),
    )


def _profile(command: WaitsCommand, measurement: _Measured) -> Profile:
    by = SliceBy(command.by)
    if command.pid is not None:
        statement = StatementWaits(command.pid, by, query_name)
        for each in measurement.samples:
            statement.add(each)
        is_live = command.past.file is None
        return statement.profile(1 / command.rate if is_live else 0.0)
    tallies = [
        tally(each.taken_at, each.backends, by, query_name=query_name)
        for each in measurement.samples
    ]
    return profile(tallies, by, measurement.seconds)


def page(report: WaitReport, width: int) -> list[Line]:
    """Return the server, a summary and the slices, for people."""
    whole = report.profile
    lines = [server_line(report.snapshot, min(width, output.WIDEST_BANNER))]
    if report.session is not None:
        lines.append(_session_line(report.session))
    lines += wrapped(_summary(whole), width)
    if report.unseen:
        lines += wrapped((Span(report.unseen, Tone.NOTICE),), width)
    if not whole.slices:
        return lines
    columns = layout(width, whole.by, is_live=False)
    table = arrange_waits(whole, TableOptions(), report.events)
    rows = [wait_line(columns, row, whole) for row in table.rows]
    return [*lines, (), header(columns, Sort()), *rows]


def _session_line(backend: Backend) -> Line:
    name = clean(name_of_session(backend) or "")
    return (
        Span(f"Session {backend.pid} ", Tone.STRONG),
        Span(f"{name}: its newest statement", Tone.PLAIN),
    )


def _summary(whole: Profile) -> Line:
    time = f"{whole.seconds:.1f} s, {counted(whole.samples, 'sample')}: "
    return (Span(time, Tone.QUIET), Span(load_words(whole), Tone.STRONG))


def as_json(whole: Profile) -> str:
    """Return one object on one line, in ASCII."""
    slices = [_slice_record(each) for each in whole.slices]
    record = {
        "seconds": round(whole.seconds, 3),
        "samples": whole.samples,
        "by": whole.by.value,
        "aas": _rounded(whole.aas),
        "slices": slices,
    }
    return json.dumps(record) + "\n"


def _slice_record(part: WaitSlice) -> dict[str, object]:
    return {
        "name": part.name,
        "class": part.wait_class.value,
        "aas": _rounded(part.aas),
        "error": _rounded(part.error),
        "share": _rounded(part.share),
    }


def _rounded(number: float) -> float:
    return round(number, 4)
