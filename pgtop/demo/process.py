"""The demo's world as a process of its own, and the handle by which the front door holds it.

The process lives as long as its standard input is open: whoever holds the other end may be killed
in any way, and the server and its files still go. Its work never disturbs the event loop of the
dashboard.
"""

import asyncio
import contextlib
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from pgtop.demo.server import Cluster, ClusterError, plain_environment

if TYPE_CHECKING:
    from pgtop.demo.workload import Stage

Progress = Callable[[str], None]

_KEEP = b"keep\n"
_LEAVE_SECONDS = 1.0


def start_world(progress: Progress = lambda _: None) -> "World":
    """Start the world and wait until it is ready, about a second; `progress` is told each step.

    Raises ClusterError.
    """
    world = World(progress)
    world.start()
    return world


class World:
    """A running world, seen from outside. It ends with its `with` block, unless it was told to
    stay.
    """

    def __init__(self, progress: Progress = lambda _: None) -> None:
        self._progress = progress
        self._process: subprocess.Popen[bytes] | None = None
        self.dsn = ""
        """Connection string by socket, as the role `dba`."""
        self.tcp_dsn = ""
        """Connection string by TCP, with the password in it."""
        self.pid = 0
        """The pid of the process that keeps the world; SIGTERM to it ends everything."""

    def __enter__(self) -> Self:
        if self._process is None:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it and wait until the cast is on the stage. Raises ClusterError."""
        with tempfile.TemporaryFile() as complaints:
            # A session of its own: Ctrl-C and a hang-up are ours to handle, and it may outlive our
            # terminal.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pgtop.demo.process"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
                env=_environment(), start_new_session=True,
            )  # fmt: skip
            try:
                self._hear_out(self._process, complaints)
            except BaseException:
                self.close()
                raise

    def keep(self) -> str:
        """Let the world go on after us; returns how to connect to it and how to stop it, for
        people.
        """
        process = self._process
        if process is None or process.stdin is None:
            raise ClusterError("The demo's world is not running: start pgtop demo again.")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(_KEEP)
            process.stdin.flush()
        self._let_go(process)
        tcp, local = shlex.quote(self.tcp_dsn), shlex.quote(self.dsn)
        return "\n".join((
            "The demo's server is still running. From another terminal on this machine:",
            f"  pgtop {tcp}",
            f"  psql {tcp}",
            "or by its socket, as this user, without a password:",
            f"  pgtop {local}",
            f"  psql {local}",
            "Stop it and remove its files with:",
            f"  kill {self.pid}",
        ))  # fmt: skip

    def close(self) -> None:
        """End the world, which takes a fifth of a second. Does nothing the second time, or after
        `keep`.
        """
        process = self._process
        if process is None:
            return
        self._let_go(process)
        # A slow disk may hold the removal of the files up: the process ends that by itself, and
        # nobody has to wait.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVE_SECONDS)

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _hear_out(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        """Read what it reports until it is ready."""
        for line in process.stdout or ():
            report = json.loads(line)
            if "error" in report:
                raise ClusterError(report["error"])
            if "step" in report:
                self._progress(report["step"])
                continue
            self.dsn, self.tcp_dsn, self.pid = report["dsn"], report["tcp_dsn"], report["pid"]
            return
        raise ClusterError(f"The demo's world ended before it was ready: {_last_words(complaints)}")


def _environment() -> dict[str, str]:
    """Return a plain environment in which pgtop is found where it was found here, also in a zip
    file.
    """
    plain = plain_environment()
    here = str(Path(__file__).parents[2])
    return plain | {"PYTHONPATH": os.pathsep.join(filter(None, (plain.get("PYTHONPATH"), here)))}


def _last_words(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it left no message.")


# --- the process ---


class _Orders(NamedTuple):
    """What the process was told. It leaves on `leave`, and at the end of its input unless told to
    stay.
    """

    leave: asyncio.Event
    stay: asyncio.Event

    def input_ended(self) -> None:
        if not self.stay.is_set():
            self.leave.set()


def main() -> int:
    """Keep the world until told to leave; the exit code is 1 when it could not be made."""
    try:
        asyncio.run(_keep_world())
    except ClusterError as error:
        _report(error=str(error))
        return 1
    return 0


async def _keep_world() -> None:
    from pgtop.demo import (
        schema,  # the front door needs neither them nor their driver
        workload,
    )

    orders = _take_orders()
    logging.getLogger("psycopg").addHandler(
        logging.NullHandler()
    )  # sessions are lost here every day
    cluster = Cluster(settings=schema.SETTINGS)
    _report(step="starting PostgreSQL")
    with cluster:
        _report(step="filling the databases")
        await schema.build(cluster.socket_dsn, cluster.password)
        _report(step="calling the cast in")
        stage = workload.Stage(str(cluster.folder), cluster.port, cluster.password)
        play = asyncio.create_task(workload.perform(stage, lambda: _report(**_addresses(stage))))
        leave = asyncio.create_task(orders.leave.wait())
        await asyncio.wait((play, leave), return_when=asyncio.FIRST_COMPLETED)
        # The server goes first: an actor that we stop in a query would otherwise ask it to cancel
        # that.
        cluster.stop()
    if play.done():
        play.result()  # raises what has ended it
    # Server and files are gone. An actor whose driver has swallowed a cancellation would keep this
    # process alive.
    os._exit(0)


def _addresses(stage: "Stage") -> dict[str, Any]:
    from psycopg.conninfo import make_conninfo

    from pgtop.demo.schema import DBA

    # The database of the lock queue: the names of locked tables can only be read from inside it.
    common: dict[str, Any] = {"port": stage.port, "user": DBA, "dbname": "shop"}
    return {
        "dsn": make_conninfo(host=stage.folder, **common),
        "tcp_dsn": make_conninfo(host="127.0.0.1", password=stage.password, **common),
        "pid": os.getpid(),
    }


def _take_orders() -> _Orders:
    """Listen to signals and to standard input from now on."""
    loop, orders = asyncio.get_running_loop(), _Orders(asyncio.Event(), asyncio.Event())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, orders.leave.set)
    # A thread, as an event loop cannot watch every kind of file that standard input may be.
    threading.Thread(target=_read_input, args=(loop, orders), daemon=True).start()
    return orders


def _read_input(loop: asyncio.AbstractEventLoop, orders: _Orders) -> None:
    with open(0, "rb", buffering=0, closefd=False) as unbuffered:
        for line in unbuffered:
            if line == _KEEP:
                loop.call_soon_threadsafe(orders.stay.set)
    loop.call_soon_threadsafe(orders.input_ended)


def _report(**report: Any) -> None:
    """Say it as one JSON line; nobody may be there any more to hear it."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
