"""`pgtop record`: samples of a server into a file, without a screen, until a signal ends it."""

import asyncio
import os
import sys

from pgtop import startup
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.recording_options import RecordCommand
from pgtop.cli.commands.dashboard import require_terminal
from pgtop.cli.configuration import host_figures
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.config.settings import RecordingPlan, Safety, Settings
from pgtop.model.section import (
    HOST,
    HOST_SESSIONS,
    LOCKS,
    PROGRESS,
    REPLICATION,
    SESSIONS,
)
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.feed import Feed
from pgtop.monitor.poller import Poller, Sampled
from pgtop.monitor.recorder import Recorder, header_for
from pgtop.ports import Source
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.sources.recording.file_names import recording_path
from pgtop.sources.recording.writer import RecordingWriter, Retention

_TOPICS = frozenset({SESSIONS, LOCKS, PROGRESS, REPLICATION, HOST, HOST_SESSIONS})
_ENDING = frozenset({Exit.HANGUP, Exit.INTERRUPT, Exit.TERMINATE})


def run(command: RecordCommand) -> int:
    """Record until a signal comes, which is the usual end, or beside the dashboard until the user
    quits. Raises PgtopError and SourceError.
    """
    if command.and_watch:
        return _watch(command)
    try:
        interrupts.run(_record(command))
    except SystemExit as error:
        if error.code not in _ENDING:
            raise
    return Exit.DONE


def _watch(command: RecordCommand) -> int:
    """Show the dashboard, which records."""
    require_terminal(os.environ, sys.stdin, sys.stderr)
    plan = RecordingPlan(
        path=command.path,
        keep=command.keep,
        max_size=command.max_size,
        texts=command.texts,
        begins_at_once=True,
    )
    settings = Settings(
        interval=command.interval,
        chosen=frozenset({"interval"}),
        recording=plan,
    )
    if command.host_figures:
        settings = settings._replace(
            host_figures=command.host_figures,
            chosen=settings.chosen | {"host_figures"},
        )
    return compose.open_dashboard(command.connection, settings, Safety())


async def _record(command: RecordCommand) -> None:
    connection = compose.connection_for(command.connection)
    host = host_figures(command.host_figures, command.connection.server)
    source = compose.source_for(
        connection,
        command.texts == "redacted",
        WHOLE,
        enrichers=compose.enrichers_for(command.connection, host),
    )
    if command.texts == "none":
        from pgtop.sources.textless import TextlessSource

        source = TextlessSource(source)
    try:
        first = await first_sample(source, command.connection.wait)
        startup.resume_garbage_collection()
        path = recording_path(command.path, first.server)
        kept = Retention.of(command.keep, command.max_size)
        writer = await asyncio.to_thread(RecordingWriter, path, kept)
        output.report(
            f"Recording {first.server.endpoint} into {path}, every {command.interval:g} s;"
            f" queries: {command.texts}.",
            "Ctrl-C or SIGTERM ends it.",
        )
        await _follow(source, first, writer, command)
    finally:
        await source.close()


async def _follow(
    source: Source,
    first: Snapshot,
    writer: RecordingWriter,
    command: RecordCommand,
) -> None:
    """Sample and write until cancelled."""
    feed = Feed()
    events = feed.subscribe(_TOPICS, every=True)
    poller = Poller(
        source, command.interval, MonotonicClock(), topics=feed.topics, fresh=True
    )
    recorder = Recorder(
        writer, header_for(command.interval, command.texts), output.report
    )
    feed.publish(Sampled(first, 0.0, command.interval))
    writing = asyncio.create_task(recorder.run(events))
    try:
        async for event in poller.events():
            feed.publish(event)
            if writing.done():
                break
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    writing.result()
