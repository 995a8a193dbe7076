"""The demo's server and workload in a process of their own, and the handle on that process.

The process lives as long as its standard input is open: even if pgtop is killed, the server and its
files are removed. The workload never disturbs the event loop of the dashboard.
"""

import asyncio
import contextlib
import json
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pgtop.demo.server import Cluster, ClusterError, plain_environment

Progress = Callable[[str], None]

_KEEP = b"keep\n"
_EXIT_SECONDS = 1.0


def start_demo(progress: Progress = lambda _: None) -> "DemoProcess":
    """Start the demo and wait until it is ready, about a second; `progress` gets each step.

    Raises ClusterError.
    """
    demo = DemoProcess(progress)
    demo.start()
    return demo


class DemoProcess:
    """The handle on a running demo, which ends with the `with` block unless `keep` was called."""

    def __init__(self, progress: Progress = lambda _: None) -> None:
        self._progress = progress
        self._process: subprocess.Popen[bytes] | None = None
        self.dsn = ""
        """Connection string by socket, as the role `dba`."""
        self.tcp_dsn = ""
        """Connection string by TCP, with the password in it."""
        self.pid = 0
        """The pid of the process; SIGTERM to it ends everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and wait until all clients are connected. Raises ClusterError."""
        with tempfile.TemporaryFile() as errors:
            # In a session of its own it gets no Ctrl-C and no hang-up, and may outlive the
            # terminal.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pgtop.demo.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
            try:
                self._wait_until_ready(self._process, errors)
            except BaseException:
                self.close()
                raise

    def keep(self) -> str:
        """Let the demo outlive pgtop; return instructions to connect to it and to stop it."""
        process = self._process
        if process is None or process.stdin is None:
            raise ClusterError("The demo is not running: start pgtop demo again.")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_KEEP)
            process.stdin.flush()
        self._release(process)
        pgtop = command_line()
        tcp = shlex.quote(self.tcp_dsn)
        local = shlex.quote(self.dsn)
        lines = (
            "The demo's server is still running. From another terminal on this machine:",
            f"  {pgtop} {tcp}",
            f"  psql {tcp}",
            "or by its socket, as this user, without a password:",
            f"  {pgtop} {local}",
            f"  psql {local}",
            "Stop it and remove its files with:",
            f"  kill {self.pid}",
        )
        return "\n".join(lines)

    def close(self) -> None:
        """End the demo, which takes a fifth of a second. Does nothing the second time, or after
        `keep`.
        """
        process = self._process
        if process is None:
            return
        self._release(process)
        # On a slow disk the process may still be removing files, which it finishes by itself.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT_SECONDS)

    def _release(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _wait_until_ready(
        self, process: subprocess.Popen[bytes], errors: IO[bytes]
    ) -> None:
        """Read the reports of the process until it is ready."""
        for line in process.stdout or ():
            report = json.loads(line)
            if "error" in report:
                raise ClusterError(report["error"])
            if "step" in report:
                self._progress(report["step"])
                continue
            self.dsn = report["dsn"]
            self.tcp_dsn = report["tcp_dsn"]
            self.pid = report["pid"]
            return
        raise ClusterError(f"The demo ended before it was ready: {_last_line(errors)}")


def _environment() -> dict[str, str]:
    """Return a plain environment in which pgtop is imported from the same place, even from a zip
    file.
    """
    plain = plain_environment()
    package_parent = str(Path(__file__).parents[2])
    paths = filter(None, (plain.get("PYTHONPATH"), package_parent))
    return plain | {"PYTHONPATH": os.pathsep.join(paths)}


def command_line() -> str:
    """Return the command that starts pgtop for this user: by name if PATH leads to this very
    program.
    """
    program = Path(sys.argv[0])
    if program.name != "pgtop":
        return f"{shlex.quote(sys.executable)} -m pgtop"
    on_path = shutil.which("pgtop")
    if on_path is not None and os.path.realpath(on_path) == os.path.realpath(program):
        return "pgtop"
    return shlex.quote(str(program.absolute()))


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    return next(
        (line for line in reversed(lines) if line.strip()), "it left no message."
    )


@dataclass(frozen=True)
class _Shutdown:
    """The end of the process: on request, and at the end of its input unless it is detached."""

    requested: asyncio.Event
    detached: asyncio.Event

    def end_of_input(self) -> None:
        if not self.detached.is_set():
            self.requested.set()


def main() -> int:
    """Run the demo until a shutdown is requested; the exit code is 1 if it cannot start."""
    try:
        asyncio.run(_run_demo())
    except ClusterError as error:
        _report(error=str(error))
        return 1
    return 0


async def _run_demo() -> None:
    from pgtop.demo import (  # late: pgtop itself needs neither them nor a driver
        schema,
        workload,
    )

    shutdown = _watch_for_shutdown()
    # The clients lose sessions all the time.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    cluster = Cluster(settings=schema.SETTINGS)
    _report(step="starting PostgreSQL")
    with cluster:
        _report(step="filling the databases")
        await schema.build(cluster.socket_dsn, cluster.password)
        _report(step="connecting the applications")
        address = workload.ServerAddress(
            str(cluster.folder), cluster.port, cluster.password
        )

        def report_ready() -> None:
            _report(pid=os.getpid(), **address.connection_strings())

        clients = asyncio.create_task(workload.run_clients(address, report_ready))
        requested = asyncio.create_task(shutdown.requested.wait())
        await asyncio.wait((clients, requested), return_when=asyncio.FIRST_COMPLETED)
        # The server stops first: a client that is stopped within a query would otherwise send it a
        # cancel request.
        cluster.stop()
    if clients.done():
        clients.result()  # raises the error that ended them
    # Server and files are gone. A client with a driver that has swallowed a cancellation would keep
    # this process alive.
    os._exit(0)


def _watch_for_shutdown() -> _Shutdown:
    """Watch signals and standard input from now on."""
    loop = asyncio.get_running_loop()
    shutdown = _Shutdown(asyncio.Event(), asyncio.Event())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, shutdown.requested.set)
    # In a thread, as an event loop cannot watch every kind of file that standard input may be.
    threading.Thread(target=_read_input, args=(loop, shutdown), daemon=True).start()
    return shutdown


def _read_input(loop: asyncio.AbstractEventLoop, shutdown: _Shutdown) -> None:
    with open(0, "rb", buffering=0, closefd=False) as unbuffered:
        for line in unbuffered:
            if line == _KEEP:
                loop.call_soon_threadsafe(shutdown.detached.set)
    loop.call_soon_threadsafe(shutdown.end_of_input)


def _report(**report: Any) -> None:
    """Write one JSON line; pgtop may have ended already."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
