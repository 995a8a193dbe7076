"""`pgtop`: the dashboard on a server that runs already."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from pgtop import startup
from pgtop.cli.args.options import DashboardCommand
from pgtop.errors import TerminalError


def run(command: DashboardCommand) -> int:
    """Open the dashboard until it is left. Raises PgtopError and SourceError, before the screen is
    touched.
    """
    require_terminal(os.environ, sys.stdin, sys.stderr)

    try:
        with startup.without_ssl():
            from pgtop.cli import compose
    except ImportError:  # psycopg in Python alone needs ssl, to prepare libcrypto for threads
        from pgtop.cli import compose

    return compose.open_dashboard(command.connection, command.settings, command.safety)


def require_terminal(
    environ: Mapping[str, str], stdin: TextIO | None, stderr: TextIO | None
) -> None:
    """Raise TerminalError where no screen can be drawn: Textual reads keys from stdin and draws on
    stderr.
    """
    advice = "One sample on any output: pgtop show."
    for stream, name in ((stdin, "standard input"), (stderr, "standard error")):
        if stream is None or not stream.isatty():
            raise TerminalError(f"The dashboard needs a terminal, and {name} is none.", advice)
    if environ.get("TERM") == "dumb":
        raise TerminalError(
            "The dashboard needs a terminal that can move its cursor, and TERM is dumb.", advice
        )
