"""Where faults are tried: a server of the tests' own, the network to it, and everything that can befall the two."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from tests.benchmarks.process import tree
from tests.faults.proxy import Proxy, Way

Connection = psycopg.Connection[tuple[Any, ...]]

PATIENCE = 20.0
_PASSWORD = "before"
SETTINGS = {"max_connections": "12", "superuser_reserved_connections": "3"}


def until(true: Callable[[], object], what: str) -> None:
    """Wait until it is true; fail in the words of `what` when that takes too long."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, what
        time.sleep(0.01)


@dataclass
class Ground:
    """A server and the network in front of it. pgtop comes as `monitor`, which has no slot of its own."""

    cluster: Cluster
    proxy: Proxy
    crowd: list[Connection] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """How pgtop reaches the server: over the network, as an ordinary role."""
        return make_conninfo(
            host="127.0.0.1", port=self.proxy.port, user="monitor", password=_PASSWORD, dbname="postgres"
        )

    def prepare(self) -> None:
        """Make the role that pgtop comes as."""
        with self.admin() as admin:
            admin.execute(f"CREATE ROLE monitor LOGIN PASSWORD '{_PASSWORD}' IN ROLE pg_monitor, pg_signal_backend")
            admin.execute("CREATE ROLE app LOGIN")

    def admin(self, **changed: str) -> Connection:
        """A session that no fault of the network touches."""
        return psycopg.connect(self.cluster.socket_dsn, autocommit=True, **changed)  # type: ignore[arg-type]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the server says to a superuser."""
        with self.admin() as admin:
            return admin.execute(query.encode()).fetchall()

    @property
    def ours(self) -> list[int]:
        """pgtop's own backends, of which there is one at most."""
        found = self.ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgtop'")
        return [int(pid) for (pid,) in found]

    def answers(self) -> bool:
        """The server lets sessions in."""
        with suppress(psycopg.Error):
            return bool(self.ask("SELECT 1"))
        return False

    def mended(self) -> None:
        """Whatever a test has left behind is put right: everybody out, the server up."""
        self.proxy.mend()
        for each in self.crowd:
            each.close()
        self.crowd.clear()
        until(self.answers, "the server does not come back")


@contextmanager
def laid(cluster: Cluster) -> Iterator[Ground]:
    """The ground on a server that runs."""
    with Proxy(("127.0.0.1", cluster.port)) as proxy:
        yield Ground(cluster, proxy)


def stop_at_once(ground: Ground) -> None:
    ground.cluster.stop(signal.SIGQUIT)


def stop_fast(ground: Ground) -> None:
    ground.cluster.stop(signal.SIGINT)


def launch(ground: Ground) -> None:
    ground.cluster.launch()


def crash(ground: Ground) -> None:
    """Kill a backend with SIGKILL: the server ends all sessions and recovers by itself."""
    with suppress(psycopg.Error):
        admin = ground.admin()
        os.kill(admin.info.backend_pid, signal.SIGKILL)
        admin.execute("SELECT 1")


def answer(ground: Ground) -> None:
    until(ground.answers, "the server does not come back")


def freeze(ground: Ground) -> None:
    _signal_all(ground, signal.SIGSTOP)


def thaw(ground: Ground) -> None:
    _signal_all(ground, signal.SIGCONT)


def _signal_all(ground: Ground, number: signal.Signals) -> None:
    for pid in tree(ground.cluster.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def cut_a_row(ground: Ground) -> None:
    ground.proxy.truncate(100)


def reset(ground: Ground) -> None:
    ground.proxy.reset()


def stall(ground: Ground) -> None:
    ground.proxy.stall()


def stall_then_cut(ground: Ground) -> None:
    """What was stalled never comes; new connections do."""
    ground.proxy.cut()
    ground.proxy.mend()


def delay(ground: Ground) -> None:
    ground.proxy.delay = 0.15


def mend(ground: Ground) -> None:
    ground.proxy.mend()


def fill(ground: Ground) -> None:
    """Take every slot that ordinary roles can have."""
    with suppress(psycopg.OperationalError):
        while True:
            ground.crowd.append(ground.admin(user="app", dbname="postgres"))


def empty(ground: Ground) -> None:
    for each in ground.crowd:
        each.close()
    ground.crowd.clear()


def end_ours(ground: Ground) -> None:
    """Another administrator ends pgtop's own session."""
    ground.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'")


def fill_and_end_ours(ground: Ground) -> None:
    """The slot that pgtop had is taken by somebody else."""
    fill(ground)
    end_ours(ground)
    fill(ground)


def change_password(ground: Ground) -> None:
    _set_password(ground, "after")
    end_ours(ground)


def restore_password(ground: Ground) -> None:
    _set_password(ground, _PASSWORD)


def _set_password(ground: Ground, password: str) -> None:
    with ground.admin() as admin:
        admin.execute(f"ALTER ROLE monitor PASSWORD '{password}'".encode())


def nothing(ground: Ground) -> None:
    """It passes by itself."""


class Fault(NamedTuple):
    """What befalls the server or the network, and what puts an end to it.

    `lost`: no sample comes meanwhile. `lasts` is how long it is left so, in seconds.
    """

    name: str
    strike: Callable[[Ground], None]
    mend: Callable[[Ground], None]
    lost: bool = True
    lasts: float = 1.0


FAULTS = (
    Fault("immediate restart", stop_at_once, launch),
    Fault("fast shutdown and start", stop_fast, launch),
    Fault("crash recovery", crash, answer, lasts=0.0),
    Fault("connection cut in a row", cut_a_row, nothing, lasts=0.0),
    Fault("connection reset", reset, nothing, lasts=0.0),
    Fault("stall of 10 s", stall, mend, lasts=10.0),
    Fault("stall for ever", stall, stall_then_cut),
    Fault("300 ms latency", delay, mend, lost=False),
    Fault("slots exhausted", fill, empty, lost=False),
    Fault("slots exhausted, ours too", fill_and_end_ours, empty),
    Fault("our session ended", end_ours, nothing, lasts=0.0),
    Fault("server stopped (SIGSTOP)", freeze, thaw),
    Fault("password changed", change_password, restore_password),
)
"""Each is tried on the screen and at the moment of a kill."""

ANSWERS = Way.TO_CLIENT
