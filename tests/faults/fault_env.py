"""The environment of the fault tests: a server, the network to it, and all that can break."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from pgtop.sources.postgres.bounds import ANSWER_SECONDS
from tests.benchmarks.process import tree
from tests.faults.proxy import Direction, Proxy
from tests.waiting import until

Connection = psycopg.Connection[tuple[Any, ...]]

_PASSWORD = "before"
_ROW, _HEAD = b"D", 5
SETTINGS = {"max_connections": "12", "superuser_reserved_connections": "3"}
_SLOTS = 9
"""Connection slots for ordinary roles."""
INTERVAL = 0.5
"""Seconds between two polls."""


@dataclass
class FaultEnv:
    """A server and the network in front of it. pgtop logs in as `monitor`, an ordinary role."""

    cluster: Cluster
    proxy: Proxy
    crowd: list[Connection] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """The connection string of pgtop: over the network, as an ordinary role."""
        return make_conninfo(
            host="127.0.0.1",
            port=self.proxy.port,
            user="monitor",
            password=_PASSWORD,
            dbname="postgres",
        )

    def prepare(self) -> None:
        """Create the roles of pgtop and of the sessions that it watches."""
        with self.admin() as admin:
            admin.execute(f"CREATE ROLE monitor LOGIN PASSWORD '{_PASSWORD}'")
            admin.execute("GRANT pg_monitor, pg_signal_backend TO monitor")
            admin.execute("CREATE ROLE app LOGIN")

    def admin(self, **changed: str) -> Connection:
        """Open a session that no network fault reaches."""
        return psycopg.connect(self.cluster.socket_dsn, autocommit=True, **changed)  # type: ignore[arg-type]

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows that a superuser gets."""
        with self.admin() as admin:
            return admin.execute(query.encode()).fetchall()

    @property
    def pgtop_pids(self) -> list[int]:
        """The pids of pgtop's own backends: one at most."""
        rows = self.query(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgtop'"
        )
        return [int(pid) for (pid,) in rows]

    def is_up(self) -> bool:
        """Return whether the server accepts sessions."""
        with suppress(psycopg.Error):
            return bool(self.query("SELECT 1"))
        return False

    def restore(self) -> None:
        """Undo whatever the test broke: the server runs, and no client is connected."""
        thaw(self)
        launch(self)
        self.proxy.repair()
        self.proxy.cut()
        empty(self)
        until(self.is_up, "the server does not come back")
        restore_password(self)
        until(lambda: not self.pgtop_pids, "pgtop's session is still there")


@contextmanager
def behind_proxy(cluster: Cluster) -> Iterator[FaultEnv]:
    """Put a proxy in front of a running server."""
    with Proxy(("127.0.0.1", cluster.port)) as proxy:
        yield FaultEnv(cluster, proxy)


def stop_at_once(fault_env: FaultEnv) -> None:
    fault_env.cluster.stop(signal.SIGQUIT)


def stop_fast(fault_env: FaultEnv) -> None:
    fault_env.cluster.stop(signal.SIGINT)


def launch(fault_env: FaultEnv) -> None:
    if not fault_env.cluster.running:
        fault_env.cluster.launch()


def crash(fault_env: FaultEnv) -> None:
    """Kill a backend with SIGKILL: the server ends all sessions and recovers by itself."""
    with suppress(psycopg.Error):
        admin = fault_env.admin()
        os.kill(admin.info.backend_pid, signal.SIGKILL)
        admin.execute("SELECT 1")


def answer(fault_env: FaultEnv) -> None:
    until(fault_env.is_up, "the server does not come back")


def freeze(fault_env: FaultEnv) -> None:
    _signal_all(fault_env, signal.SIGSTOP)


def thaw(fault_env: FaultEnv) -> None:
    _signal_all(fault_env, signal.SIGCONT)


def _signal_all(fault_env: FaultEnv, number: signal.Signals) -> None:
    for pid in tree(fault_env.cluster.pid) if fault_env.cluster.running else ():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def cut_a_row(fault_env: FaultEnv) -> None:
    fault_env.proxy.truncate(_within_the_second_row)


def _within_the_second_row(sent: bytes) -> int | None:
    """Return a position inside a row that follows a complete row, once enough bytes have arrived.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    at, rows = 0, 0
    while len(sent) >= at + _HEAD:
        size = 1 + int.from_bytes(sent[at + 1 : at + _HEAD], "big")
        rows += sent[at : at + 1] == _ROW
        if rows == 2:
            return at + size // 2 if len(sent) >= at + size // 2 else None
        at += size
    return None


def reset(fault_env: FaultEnv) -> None:
    fault_env.proxy.reset()


def stall(fault_env: FaultEnv) -> None:
    fault_env.proxy.stall()


def strand(fault_env: FaultEnv) -> None:
    """Silence the connection without notice: no byte, no FIN, no RST. New connections work."""
    fault_env.proxy.strand()


def delay(fault_env: FaultEnv) -> None:
    fault_env.proxy.delay = 0.15


def repair(fault_env: FaultEnv) -> None:
    fault_env.proxy.repair()


def fill(fault_env: FaultEnv) -> None:
    """Take every slot that ordinary roles can have."""
    with suppress(psycopg.OperationalError):
        while True:
            fault_env.crowd.append(fault_env.admin(user="app", dbname="postgres"))


def empty(fault_env: FaultEnv) -> None:
    for each in fault_env.crowd:
        each.close()
    fault_env.crowd.clear()


def terminate_pgtop(fault_env: FaultEnv) -> None:
    """Terminate pgtop's own session, as another administrator might."""
    fault_env.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    )


def fill_and_terminate_pgtop(fault_env: FaultEnv) -> None:
    """Give the slot of pgtop's session to another client."""
    fill(fault_env)
    # pgtop reconnects only once the slot is taken.
    fault_env.proxy.stall(Direction.TO_SERVER)
    terminate_pgtop(fault_env)
    until(lambda: not fault_env.pgtop_pids, "pgtop's session is still there")
    until(lambda: _fills(fault_env), "the slot does not become free")
    fault_env.proxy.resume(Direction.TO_SERVER)


def _fills(fault_env: FaultEnv) -> bool:
    """Return whether lasting sessions hold every slot for ordinary roles."""
    fill(fault_env)
    return fault_env.query(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
    ) == [(_SLOTS,)]


def change_password(fault_env: FaultEnv) -> None:
    _set_password(fault_env, "after")
    terminate_pgtop(fault_env)


def restore_password(fault_env: FaultEnv) -> None:
    _set_password(fault_env, _PASSWORD)


def _set_password(fault_env: FaultEnv, password: str) -> None:
    with fault_env.admin() as admin:
        admin.execute(f"ALTER ROLE monitor PASSWORD '{password}'".encode())


def nothing(fault_env: FaultEnv) -> None:
    """Do nothing: the fault passes by itself."""


class Fault(NamedTuple):
    """A fault of the server or the network, and its repair.

    `is_lost`: no sample arrives meanwhile. `lasts`: seconds until the repair. `undetected`: the
    most seconds that pgtop needs to notice the repair by itself. `repair` can run twice. `keys`:
    what the user types afterwards.
    """

    name: str
    strike: Callable[[FaultEnv], None]
    repair: Callable[[FaultEnv], None]
    is_lost: bool = True
    lasts: float = 1.0
    undetected: float = 0.0
    interval: float = INTERVAL
    keys: str = ""


_F5 = "\x1b[15~"

FAULTS = (
    Fault("immediate restart", stop_at_once, launch),
    Fault("fast shutdown and start", stop_fast, launch),
    Fault("crash recovery", crash, answer, lasts=0.0),
    Fault("connection cut in a row", cut_a_row, nothing, lasts=0.0),
    Fault("connection reset", reset, nothing, lasts=0.0),
    Fault("stall of 10 s", stall, repair, lasts=10.0),
    Fault("endless stall", strand, nothing, lasts=0.0, undetected=ANSWER_SECONDS),
    # A sample takes two intervals, as its reply alone takes 300 ms.
    Fault("300 ms latency", delay, repair, is_lost=False, interval=2 * INTERVAL),
    Fault("slots exhausted", fill, empty, is_lost=False),
    Fault("slots exhausted, ours too", fill_and_terminate_pgtop, empty),
    Fault("our session ended", terminate_pgtop, nothing, lasts=0.0),
    Fault("server stopped (SIGSTOP)", freeze, thaw),
    # pgtop seldom retries a refused login by itself.
    Fault("password changed", change_password, restore_password, keys=_F5),
)
"""Faults to try both on the screen and at the moment of a kill."""

ANSWERS = Direction.TO_CLIENT
