"""`pgtop demo`: the dashboard on a server of its own, which leaves no trace without
`--keep-running`.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path

from pgtop import startup
from pgtop.cli import output
from pgtop.cli.args.connection import ConnectionOptions, Password
from pgtop.cli.args.records import DemoCommand
from pgtop.cli.commands.dashboard import require_terminal
from pgtop.demo.process import DemoProcess, start_demo
from pgtop.demo.server import ClusterError
from pgtop.errors import DemoError
from pgtop.signalling.audit_log import FILE_NAME


def run(command: DemoCommand) -> int:
    """Open the dashboard on a new server, and stop that server in any case. Raises PgtopError and
    SourceError.
    """
    if getattr(sys, "frozen", False):  # the bundle, whose Python runs nothing but pgtop
        raise DemoError("The bundle has no demo.", "Try it with pgtop from pip.")
    require_terminal(os.environ, sys.stdin, sys.stderr)
    threading.Thread(target=startup.load_dashboard).start()
    with _start() as demo, tempfile.TemporaryDirectory(prefix="pgtop-demo-") as folder:
        from pgtop.cli import compose

        connection = ConnectionOptions(demo.dsn, password=Password.NEVER)
        audit_path = Path(folder) / FILE_NAME  # the user's own log is for real servers
        code = compose.open_dashboard(
            connection, command.settings, command.safety, audit_path
        )
        if command.keep_running:
            output.write(f"{demo.keep()}\n")
    return code


def _start() -> DemoProcess:
    try:
        return start_demo(lambda step: output.report(f"{step} …"))
    except ClusterError as error:
        raise DemoError(str(error)) from error
