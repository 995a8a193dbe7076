"""Where faults are tried: a server of the tests' own, the network to it, and everything that can
befall the two.
"""

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
from tests.faults.proxy import Proxy, Way
from tests.waiting import until

Connection = psycopg.Connection[tuple[Any, ...]]

_PASSWORD = "before"
_ROW, _HEAD = b"D", 5
SETTINGS = {"max_connections": "12", "superuser_reserved_connections": "3"}
_SLOTS = 9
"""Those of ordinary roles."""
INTERVAL = 0.5
"""From picture to picture, in seconds."""


@dataclass
class Ground:
    """A server and the network in front of it. pgtop comes as `monitor`, which has no slot of its
    own.
    """

    cluster: Cluster
    proxy: Proxy
    crowd: list[Connection] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """How pgtop reaches the server: over the network, as an ordinary role."""
        return make_conninfo(
            host="127.0.0.1",
            port=self.proxy.port,
            user="monitor",
            password=_PASSWORD,
            dbname="postgres",
        )

    def prepare(self) -> None:
        """Make the role that pgtop comes as."""
        with self.admin() as admin:
            admin.execute(
                f"CREATE ROLE monitor LOGIN PASSWORD '{_PASSWORD}' IN ROLE pg_monitor, pg_signal_backend"
            )
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
        """Whatever a test has left behind is put right: the server runs and answers, and everybody
        is out.
        """
        thaw(self)
        launch(self)
        self.proxy.mend()
        self.proxy.cut()
        empty(self)
        until(self.answers, "the server does not come back")
        restore_password(self)
        until(lambda: not self.ours, "pgtop's session is still there")


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
    if not ground.cluster.running:
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
    for pid in tree(ground.cluster.pid) if ground.cluster.running else ():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def cut_a_row(ground: Ground) -> None:
    ground.proxy.truncate(_within_the_second_row)


def _within_the_second_row(sent: bytes) -> int | None:
    """A place in the middle of a row that comes after a whole row, once enough of it has come.

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


def reset(ground: Ground) -> None:
    ground.proxy.reset()


def stall(ground: Ground) -> None:
    ground.proxy.stall()


def strand(ground: Ground) -> None:
    """The connection is dead, and nobody tells: no byte, no FIN, no RST, ever. New ones are
    good.
    """
    ground.proxy.strand()


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
    ground.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    )


def fill_and_end_ours(ground: Ground) -> None:
    """The slot that pgtop had is taken by somebody else."""
    fill(ground)
    ground.proxy.stall(Way.TO_SERVER)  # pgtop comes back when the slot is gone
    end_ours(ground)
    until(lambda: not ground.ours, "pgtop's session is still there")
    until(lambda: _fills(ground), "the slot does not become free")
    ground.proxy.go_on(Way.TO_SERVER)


def _fills(ground: Ground) -> bool:
    """Every slot for ordinary roles is taken now by one that stays."""
    fill(ground)
    return ground.ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == [(_SLOTS,)]


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

    `lost`: no sample comes meanwhile. `lasts` is how long it is left so, in seconds; `untold`, how
    long pgtop takes at most to find out by itself that it has ended. `mend` may be done twice.
    `keys` are what the user types then.
    """

    name: str
    strike: Callable[[Ground], None]
    mend: Callable[[Ground], None]
    lost: bool = True
    lasts: float = 1.0
    untold: float = 0.0
    interval: float = INTERVAL
    keys: str = ""


_F5 = "\x1b[15~"

FAULTS = (
    Fault("immediate restart", stop_at_once, launch),
    Fault("fast shutdown and start", stop_fast, launch),
    Fault("crash recovery", crash, answer, lasts=0.0),
    Fault("connection cut in a row", cut_a_row, nothing, lasts=0.0),
    Fault("connection reset", reset, nothing, lasts=0.0),
    Fault("stall of 10 s", stall, mend, lasts=10.0),
    Fault("stall for ever", strand, nothing, lasts=0.0, untold=ANSWER_SECONDS),
    Fault(
        "300 ms latency", delay, mend, lost=False, interval=2 * INTERVAL
    ),  # an answer is due after one
    Fault("slots exhausted", fill, empty, lost=False),
    Fault("slots exhausted, ours too", fill_and_end_ours, empty),
    Fault("our session ended", end_ours, nothing, lasts=0.0),
    Fault("server stopped (SIGSTOP)", freeze, thaw),
    Fault(
        "password changed", change_password, restore_password, keys=_F5
    ),  # by itself it seldom tries a login again
)
"""Each is tried on the screen and at the moment of a kill."""

ANSWERS = Way.TO_CLIENT
