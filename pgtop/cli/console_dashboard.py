"""The dashboard on a pooler's own console: the view of its pools, with no session and no signal."""

import asyncio
from typing import TYPE_CHECKING

from pgtop import startup
from pgtop.config.guards import Guards
from pgtop.config.settings import Settings
from pgtop.model.failure import Failure
from pgtop.sources.pgbouncer.source import ConsoleSource
from pgtop.sources.pgbouncer.tables import CONSOLE
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.failures import pooler_console
from pgtop.view_registry import VIEWS

if TYPE_CHECKING:
    from pgtop.tui.splash import NoSplash, Splash

_NO_SIGNALS = "a pooler's console has no sessions"
_VIEW = "pools"


def is_console(failure: Failure, connection: ServerConnection) -> bool:
    """Return whether the console of PgBouncer has answered in place of a server."""
    is_pgbouncer = connection.console_options.get("dbname") == CONSOLE
    return is_pgbouncer and failure == pooler_console()


async def run_on_console(
    connection: ServerConnection,
    settings: Settings,
    guards: Guards,
    splash: "Splash | NoSplash",
    is_shown: asyncio.Event,
    loading: asyncio.Task[None],
) -> int:
    """Show the pools until the user quits; `connection` has led to the console."""
    settings = settings._replace(view=_VIEW, views={})
    source = ConsoleSource(connection.console_options)
    try:
        first = await source.sample()
        splash.show(first)
        is_shown.set()
        await loading
        startup.resume_garbage_collection()
        from pgtop.cli.compose import executor_for
        from pgtop.monitor.monitor import Monitor
        from pgtop.tui.run import run_dashboard

        executor = executor_for(connection, guards._replace(read_only=_NO_SIGNALS))
        monitor = Monitor(source, executor, first, settings, executor.clock)
        views = [view for view in VIEWS if view.id == _VIEW]
        return await run_dashboard([monitor], settings, splash.tty, views)
    finally:
        await source.close()
