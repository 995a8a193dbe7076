"""The one place that knows both the driver and the screen, and puts them together.

Errors before the first frame are printed in the shell, and the prompt for a password appears there:
the terminal is given back for both.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pgtop import startup
from pgtop.cli import bug_report, configuration, interrupts, output
from pgtop.cli.args.connection import ConnectionOptions, Password
from pgtop.cli.command_words import target_of
from pgtop.cli.connection_string import parameters_of, pooler_parameters
from pgtop.cli.first_sample import first_sample
from pgtop.cli.password_prompt import PasswordPrompt, has_terminal
from pgtop.config.display import display_of
from pgtop.config.guards import Guards
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.ports import Enricher, Planner, Signaller, Source, SourceError
from pgtop.signalling.observe import RefusingSignaller
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.conninfo import environment
from pgtop.sources.postgres.probes import PROBES, Probe
from pgtop.sources.postgres.sampler import TEXT_BYTES, WHOLE, PostgresSource
from pgtop.view.server_words import pooled_words

if TYPE_CHECKING:
    from pgtop.signalling.execute import SignalExecutor
    from pgtop.sources.host.late import LateHostEnricher
    from pgtop.sources.pgbouncer.enricher import PoolersEnricher

_REPORTED_SETTINGS = ("color", "ascii", "plain_driver", "read_only")


def connection_for(
    options: ConnectionOptions, prompt: PasswordPrompt | None = None
) -> ServerConnection:
    """Return a connection, not open yet, that prompts for the password as the user wishes. Raises
    UsageError.
    """
    prompt = prompt or PasswordPrompt()
    parameters = parameters_of(options)
    if options.password is Password.NEVER:
        return ServerConnection(parameters)
    can_prompt = has_terminal()
    if options.password is Password.FIRST:
        if not can_prompt:
            raise UsageError(
                "There is no terminal to prompt for the password on.",
                "Leave -W out and use a password file or PGPASSWORD.",
            )
        parameters["password"] = prompt("Password: ")
    return ServerConnection(parameters, prompt=prompt if can_prompt else None)


def source_for(
    connection: ServerConnection,
    redact: bool,
    text_bytes: int = TEXT_BYTES,
    *,
    resolves_names: bool = False,
    probes: Sequence[Probe] = PROBES,
    enrichers: Sequence[Enricher] = (),
) -> Source:
    """Return the source of snapshots, to which `enrichers` add. Each query is cut to `text_bytes`,
    and its literals are masked if `redact` is set.
    """
    source: Source = PostgresSource(
        connection,
        probes,
        text_bytes=text_bytes,
        resolves_names=resolves_names,
    )
    if enrichers:
        from pgtop.sources.enriching import EnrichedSource

        source = EnrichedSource(source, enrichers)
    if not redact:
        return source
    from pgtop.sources.redacting import RedactingSource

    return RedactingSource(source, text_bytes)


def enrichers_for(
    options: ConnectionOptions, host_figures: str = "off"
) -> Sequence[Enricher]:
    """Return what adds to the snapshots of a server from beside it. Raises UsageError."""
    enrichers = (poolers_for(options), host_enricher(host_figures))
    return [each for each in enrichers if each is not None]


def poolers_for(options: ConnectionOptions) -> "PoolersEnricher | None":
    """Return what reads the poolers of the command line, or else those of the named server; None
    without any. Raises UsageError.
    """
    server = options.server
    uris = options.poolers or (server.pooler.split() if server else ())
    uris = tuple(dict.fromkeys(uris))
    if not uris:
        return None
    consoles = [pooler_parameters(uri) for uri in uris]
    from pgtop.sources.pgbouncer.enricher import PoolersEnricher

    return PoolersEnricher(consoles)


def host_enricher(host_figures: str) -> "LateHostEnricher | None":
    """Return what reads the machine, as `auto` or `on` has it; None for `off`."""
    if host_figures == "off":
        return None
    from pgtop.sources.host.late import LateHostEnricher

    return LateHostEnricher(is_required=host_figures == "on")


def console_for(options: ConnectionOptions) -> "PoolersEnricher | None":
    """Return what reads the console that the options lead to, as if it were a database; None if
    they lead elsewhere. Raises UsageError.
    """
    from pgtop.sources.pgbouncer.enricher import PoolersEnricher
    from pgtop.sources.pgbouncer.tables import CONSOLE

    parameters = {**environment(), **parameters_of(options)}
    if parameters.get("dbname") != CONSOLE:
        return None
    return PoolersEnricher([{"port": "5432", **parameters}])


def executor_for(
    connection: ServerConnection, guards: Guards, audit_path: Path | None = None
) -> "SignalExecutor":
    """Return the executor of plans, which writes the audit log. In read-only mode its signaller
    refuses.
    """
    from pgtop.signalling.audit_log import audit_log_for, person_of
    from pgtop.signalling.execute import SignalExecutor
    from pgtop.signalling.trail import SignalTrail

    return SignalExecutor(
        _signaller(connection, guards.read_only),
        MonotonicClock(),
        audit_log_for(os.environ, audit_path),
        guards.require_audit,
        SignalTrail(person_of(os.environ)["os_user"]),
    )


def _signaller(connection: ServerConnection, read_only: str) -> Signaller:
    if read_only:
        return RefusingSignaller(read_only)
    from pgtop.sources.postgres.signals import PostgresSignaller

    return PostgresSignaller(connection)


def settings_for(
    options: Settings, guards: Guards, environ: Mapping[str, str]
) -> Settings:
    """Combine the user's options with the guards and the environment (https://no-color.org)."""
    recording = options.recording
    if guards.redact and recording.texts == "all":
        recording = recording._replace(texts="redacted")
    return options._replace(
        recording=recording,
        read_only=bool(guards.read_only),
        read_only_reason=guards.read_only,
        protect=guards.protect,
        require_audit=guards.require_audit,
        keeps_filters=not guards.redact,
        color=options.color and not environ.get("NO_COLOR"),
        ascii=options.ascii or not output.locale_is_utf8(environ, sys.flags.utf8_mode),
        display=display_of(environ),
    )


def open_dashboard(
    options: ConnectionOptions,
    chosen: Settings,
    safety: Safety,
    audit_path: Path | None = None,
) -> int:
    """Connect, and show the dashboard until the user quits. Raises UsageError and SourceError.

    The audit log is the user's own, or the file at `audit_path`.
    """
    prompt = PasswordPrompt()
    start = configuration.dashboard_for(chosen, safety, options.server)
    guards = start.guards
    connection = connection_for(options, prompt)
    settings = settings_for(start.settings, guards, os.environ)
    if audit_path is not None:  # a trial, which leaves nothing of its own behind
        settings = settings._replace(keeps_filters=False)
    dashboard = _run_dashboard(
        connection, prompt, options, settings, guards, audit_path
    )
    return interrupts.run(dashboard)


async def _run_dashboard(
    connection: ServerConnection,
    prompt: PasswordPrompt,
    options: ConnectionOptions,
    settings: Settings,
    guards: Guards,
    audit_path: Path | None,
) -> int:
    from pgtop.tui.splash import NoSplash, Splash

    profile = settings.server
    label = profile.label_span if profile else None
    target = target_of(options, os.environ, label)
    splash: Splash | NoSplash = NoSplash()
    if not settings.plain_driver:
        splash = Splash(settings, os.environ, target, connection.steps)
    waiting = splash if isinstance(splash, Splash) else None
    prompt.clear = splash.step_aside
    reads_queries = any(each.reads_queries for each in guards.protect)
    source = source_for(
        connection,
        guards.redact,
        WHOLE if reads_queries else TEXT_BYTES,
        resolves_names=settings.resolve_names,
        enrichers=enrichers_for(options, settings.host_figures),
    )
    is_shown = asyncio.Event()
    loading = asyncio.create_task(startup.load_screen_while_waiting(is_shown))
    try:
        try:
            first = await first_sample(source, options.wait, waiting)
        except SourceError as error:
            from pgtop.cli.console_dashboard import is_console, run_on_console

            if not is_console(error.failure, connection):
                raise
            prompt.close()
            return await run_on_console(
                connection, settings, guards, splash, is_shown, loading
            )
        prompt.close()
        settings = _with_direct_way(settings, first.server)
        splash.show(first)
        is_shown.set()
        await loading
        startup.resume_garbage_collection()
        from pgtop.monitor.monitor import Monitor
        from pgtop.tui.run import run_dashboard

        executor = executor_for(connection, guards, audit_path)
        monitor = Monitor(
            source,
            executor,
            first,
            settings,
            executor.clock,
            target.place,
            partial(_planner, connection, settings.explain_as),
        )
        with bug_report.context(_features(first, settings)):
            return await run_dashboard([monitor], settings, splash.tty)
    except asyncio.CancelledError:
        if splash.left is None:
            raise
        return splash.left
    finally:
        splash.withdraw()
        await source.close()


def _with_direct_way(settings: Settings, server: Server) -> Settings:
    """Return the settings with the remark that a pooler stands between, unless there is a
    complaint.
    """
    if not server.is_pooled or settings.complaint:
        return settings
    return settings._replace(complaint=pooled_words(server)[0])


def _planner(connection: ServerConnection, explain_as: str) -> Planner:
    """Return what plans queries over connections of its own."""
    from pgtop.sources.postgres.plans import PlanVisits

    return PlanVisits(connection, explain_as)


def _features(first: Snapshot, settings: Settings) -> str:
    """Describe server and screen for a bug report: numbers and choices, no names."""
    server = first.server
    kind = "standby" if server.in_recovery else "primary"
    processes = len(first.backends)
    choices = [name for name in _REPORTED_SETTINGS if getattr(settings, name)]
    screen = ", ".join([settings.theme, *choices])
    return (
        f"server {server.version_num}, {kind}, {processes} processes; screen: {screen}"
    )
