"""`pgtop demo`: the dashboard on a PostgreSQL of our own, which leaves no trace unless it is told
to stay.
"""

import os
import sys
import threading

from pgtop import startup
from pgtop.cli import output
from pgtop.cli.args.connection import ConnectionOptions, Password
from pgtop.cli.args.options import DemoCommand
from pgtop.cli.commands.dashboard import require_terminal
from pgtop.demo.process import World, start_world
from pgtop.demo.server import ClusterError
from pgtop.errors import DemoError


def run(command: DemoCommand) -> int:
    """Open the dashboard on a new world, and end that whatever happens. Raises PgtopError and
    SourceError.
    """
    require_terminal(os.environ, sys.stdin, sys.stderr)
    threading.Thread(target=_load).start()
    with _start() as world:
        from pgtop.cli import compose

        code = compose.open_dashboard(
            ConnectionOptions(world.dsn, password=Password.NEVER), command.settings, command.safety
        )
        if command.keep_running:
            output.write(f"{world.keep()}\n")
    return code


def _start() -> World:
    try:
        return start_world(lambda step: output.report(f"{step} …"))
    except ClusterError as error:
        raise DemoError(str(error)) from error


def _load() -> None:
    """Load driver and screen while another process makes the server."""
    from pgtop.cli import compose  # noqa: F401

    startup.load_screen()
