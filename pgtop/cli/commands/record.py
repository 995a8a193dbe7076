"""`pgtop record`: samples of a server into a file, without a screen, until a signal ends it."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from pgtop import __version__, startup
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.recording_options import RecordCommand
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.errors import UsageError
from pgtop.model.section import LOCKS, PROGRESS, SESSIONS
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.feed import Feed
from pgtop.monitor.poller import Poller, Sampled
from pgtop.monitor.recorder import Recorder
from pgtop.ports import Source
from pgtop.sources.postgres.sampler import WHOLE
from pgtop.sources.recording.file_format import SUFFIX, BlockHeader
from pgtop.sources.recording.writer import RecordingWriter, Retention
from pgtop.text.clean import clean

_TOPICS = frozenset({SESSIONS, LOCKS, PROGRESS})
_ENDING = frozenset({Exit.HANGUP, Exit.INTERRUPT, Exit.TERMINATE})
_UNSAFE = re.compile(r"[/\\:\s]")
"""Characters of a host that a file name cannot have, or that would look like something else."""


def run(command: RecordCommand) -> int:
    """Record until a signal comes, which is the usual end. Raises PgtopError and SourceError."""
    try:
        interrupts.run(_record(command))
    except SystemExit as error:
        if error.code not in _ENDING:
            raise
    return Exit.DONE


async def _record(command: RecordCommand) -> None:
    connection = compose.connection_for(command.connection)
    source = compose.source_for(connection, command.texts == "redacted", WHOLE)
    if command.texts == "none":
        from pgtop.sources.textless import TextlessSource

        source = TextlessSource(source)
    try:
        first = await first_sample(source, command.connection.wait)
        startup.resume_garbage_collection()
        path = recording_path(command.path, first.server)
        usual = Retention()
        kept = Retention(command.keep or usual.seconds, command.max_size or usual.size)
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
    """Sample and write without end."""
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


def recording_path(text: str, server: Server) -> Path:
    """Return the file to write: the one that is named, or the server's in the folder that is.
    Raises UsageError.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        name = _UNSAFE.sub("-", clean(server.endpoint)).strip("-.")
        return path / f"{name or 'server'}{SUFFIX}"
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Create it first.")
    return path


def header_for(interval: float, texts: str) -> Callable[[Snapshot], BlockHeader]:
    """Return what makes the header of a sample."""

    def header(snapshot: Snapshot) -> BlockHeader:
        server = snapshot.server
        return BlockHeader(
            pgtop=__version__,
            server=server.endpoint,
            version=server.version,
            cluster=server.cluster,
            role=server.user,
            database=server.database,
            superuser=server.rights.superuser,
            reads_all=server.rights.reads_all,
            interval=interval,
            texts=texts,
        )

    return header
