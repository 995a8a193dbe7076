"""`pgtop replay`: the dashboard on a recording, without a server."""

import os
import sys

from pgtop import startup
from pgtop.analysis.timeline import Timeline
from pgtop.cli import bug_report, compose, configuration, interrupts
from pgtop.cli.args.records import ReplayCommand
from pgtop.cli.commands.dashboard import require_terminal
from pgtop.cli.recorded import opened, time_in
from pgtop.config.settings import Settings
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.past import Replayed
from pgtop.monitor.replay import ReplayMonitor
from pgtop.sources.masked_timeline import MaskedTimeline
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.source import RecordedSource, sample_at
from pgtop.sources.redacting import masked


def run(command: ReplayCommand) -> int:
    """Show the recording until the user quits. Raises PgtopError."""
    recording = opened(command.file)
    try:
        require_terminal(os.environ, sys.stdin, sys.stderr)
        start = configuration.dashboard_for(command.settings, command.safety)
        settings = compose.settings_for(start.settings, start.guards, os.environ)
        monitor = monitor_of(recording, command, settings, start.guards.redact)
        return interrupts.run(_run_dashboard(monitor, settings))
    finally:
        recording.close()


def monitor_of(
    recording: Recording,
    command: ReplayCommand,
    settings: Settings,
    redact: bool = False,
) -> ReplayMonitor:
    """Return the monitor of a recording, which opens at the time that the command names. Raises
    PgtopError.
    """
    at = recording.first_at
    if command.at is not None:
        at = time_in(recording, command.at)
    first = sample_at(recording, at)
    header = recording.header(first.taken_at)
    if header is not None:
        settings = settings._replace(interval=header.interval)
    timeline: Timeline = recording
    if redact:
        timeline = MaskedTimeline(recording)
        first = masked(first)
    return ReplayMonitor(
        timeline,
        RecordedSource(recording, at),
        first,
        settings,
        MonotonicClock(),
        Replayed(
            reads_all=header is None or header.superuser or header.reads_all,
            opens_at=at,
            speed=command.speed,
        ),
    )


async def _run_dashboard(monitor: ReplayMonitor, settings: Settings) -> int:
    from pgtop.tui.run import run_dashboard

    startup.resume_garbage_collection()
    version = monitor.state.derived.snapshot.server.version_num
    with bug_report.context(f"replay of server {version}"):
        return await run_dashboard([monitor], settings)
