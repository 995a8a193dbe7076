"""`pgtop`: the dashboard on a running server."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from pgtop import startup
from pgtop.cli.args.command_list import proposal
from pgtop.cli.args.dashboard_options import DashboardCommand
from pgtop.errors import TerminalError

_ADVICE = "One sample on any output: pgtop show."


def run(command: DashboardCommand) -> int:
    """Open the dashboard until the user quits. Raises PgtopError, and SourceError before the screen
    is touched.
    """
    try:
        require_terminal(os.environ, sys.stdin, sys.stderr)
    except TerminalError as error:
        question = proposal(command.connection.target)
        raise TerminalError(
            f"{question} {error.what}".lstrip(), error.advice
        ) from error

    try:
        with startup.without_ssl():
            from pgtop.cli import compose
    # psycopg in Python alone needs ssl, to prepare libcrypto for threads.
    except ImportError:
        from pgtop.cli import compose

    return compose.open_dashboard(command.connection, command.settings, command.safety)


def require_terminal(
    environ: Mapping[str, str], stdin: TextIO | None, stderr: TextIO | None
) -> None:
    """Raise TerminalError if no screen can be drawn: Textual reads stdin and draws on stderr."""
    for stream, name in ((stdin, "stdin"), (stderr, "stderr")):
        if stream is None or not stream.isatty():
            what = f"The dashboard needs a terminal, and {name} is not a terminal."
            raise TerminalError(what, _ADVICE)
    if environ.get("TERM") == "dumb":
        what = (
            "The dashboard needs a terminal that can move its cursor, and TERM is dumb."
        )
        raise TerminalError(what, _ADVICE)
