"""`pgtop export`: one sample as metrics, for Prometheus."""

from pathlib import Path

from pgtop import files
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.export_options import ExportCommand
from pgtop.cli.commands.show import report_silent
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.errors import OutputError, UsageError, reason_of
from pgtop.model.pools import pools_of
from pgtop.model.section import LOCKS, REPLICATION, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.sources.postgres.probes.replication import ReplicationProbe
from pgtop.view.prometheus import metrics_text, no_metrics_text

_TOPICS = frozenset({SESSIONS, LOCKS, REPLICATION})
"""Slots and prepared transactions hold back vacuum, too."""
_STDOUT = "-"


def run(command: ExportCommand) -> int:
    """Write the metrics; return the exit code. Raises UsageError, OutputError and SourceError."""
    if not command.prometheus:
        raise UsageError(
            "Name the format and the file.", "For example: --prometheus pgtop.prom."
        )
    try:
        snapshot = interrupts.run(_sample(command))
    except SourceError:
        _write(command.prometheus, no_metrics_text())
        raise
    _write(command.prometheus, metrics_text(DerivedSnapshot.of(snapshot)))
    return Exit.DONE


async def _sample(command: ExportCommand) -> Snapshot:
    connection = compose.connection_for(command.connection)
    poolers = compose.poolers_for(command.connection)
    source = compose.source_for(
        connection,
        redact=True,
        probes=(ReplicationProbe(searches=False),),
        enrichers=() if poolers is None else (poolers,),
    )
    try:
        await first_sample(source, command.connection.wait)
        if poolers is not None:
            await poolers.read()
        snapshot = await source.sample(_TOPICS)
        report_silent(pools_of(snapshot))
        return snapshot
    finally:
        await source.close()


def _write(file: str, text: str) -> None:
    """Print the metrics, or replace the file with them. Raises OutputError."""
    if file == _STDOUT:
        output.write_data(text)
        return
    path = Path(file).expanduser()
    try:
        files.replace_readable(path, text.encode(errors="replace"))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason_of(error)}.") from error
