"""One run of the benchmarks: servers with sessions on them, tools on terminals, and the figures."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from pgtop.demo.server import Cluster
from tests.benchmarks import process
from tests.benchmarks.child import Child
from tests.benchmarks.load import prepare
from tests.benchmarks.raw_output import Glass, bursts, shows_any_of
from tests.benchmarks.tools import WATCHER, WATCHER_SQL, Tool

SMALL, LARGE = (80, 24), (200, 50)
_SETTLED = 3.0  # seconds after the first rows that count as the start
_SETTINGS = {
    "track_activity_query_size": "4096",
    "autovacuum": "off",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}
_BY_TRUST = ("--encoding=UTF8", "--no-locale", "--auth-host=trust")

Size = tuple[int, int]


def named(size: Size) -> str:
    """As people write it."""
    return f"{size[0]}x{size[1]}"


class Stage:
    """A server with sessions on it."""

    def __init__(
        self, cluster: Cluster, load: Child, control: psycopg.Connection[tuple[Any, ...]]
    ) -> None:
        self.cluster = cluster
        self.control = control
        self._load = load
        self.pids: frozenset[int] = frozenset()

    def tell(self, word: str) -> None:
        """`big`, `grow N`, `churn` or `calm`."""
        self.pids = frozenset(self._load.ask(word))

    def server_cpu(self) -> float:
        """Seconds that the server has spent on the watchers' sessions so far, and on starting and
        ending them.
        """
        alive = self.control.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s", [WATCHER]
        ).fetchall()
        postmaster = self.cluster.pid
        return (
            process.cpu(postmaster)
            + process.reaped(postmaster)
            + sum(process.cpu(pid) for (pid,) in alive)
        )


@contextmanager
def staged(bindir: Path | None, **settings: str) -> Iterator[Stage]:
    """A server of its own, without sessions yet."""
    with Cluster(bindir, {**_SETTINGS, **settings}, _BY_TRUST) as cluster:
        prepare(cluster.socket_dsn)
        with (
            psycopg.connect(cluster.socket_dsn, autocommit=True) as control,
            Child("tests.benchmarks.load", cluster.socket_dsn) as load,
        ):
            for statement in WATCHER_SQL:
                control.execute(statement.encode())
            yield Stage(cluster, load, control)


@dataclass(frozen=True, slots=True)
class Window:
    """What a tool did in some whole refreshes."""

    refreshes: int
    seconds: float
    sent: int
    cpu: float
    metered: tuple[float, ...]
    """By how much each of the meters has gone on in a refresh."""

    @property
    def period(self) -> float:
        return self.seconds / self.refreshes

    @property
    def bytes_each(self) -> float:
        return self.sent / self.refreshes

    @property
    def cpu_each(self) -> float:
        """Milliseconds."""
        return 1000 * self.cpu / self.refreshes


@dataclass
class Bench:
    """What is measured, how often and for how long, and what came of it."""

    tools: Mapping[str, Tool]
    bindir: Path | None
    rounds: int
    seconds: float
    tell: Callable[[str], None]
    results: defaultdict[str, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def record(self, measure: str, tool: str, figure: float) -> None:
        """Keep one sample, and say it."""
        self.results[measure][tool].append(figure)
        self.tell(f"{measure:<24}{tool:<14}{figure:>12,.2f}")

    def in_order(self, round_: int) -> list[Tool]:
        """The tools that are there, every other round the other way round."""
        return list(self.tools.values())[:: -1 if round_ % 2 else 1]

    @contextmanager
    def running(self, command: Sequence[str], size: Size) -> Iterator[Glass]:
        """A program on a terminal, with a home of its own."""
        with (
            tempfile.TemporaryDirectory() as home,
            Glass(command, *size, {"HOME": home, "LANG": "C.UTF-8"}) as glass,
        ):
            yield glass

    @contextmanager
    def watching(self, tool: Tool, stage: Stage, size: Size, port: int = 0) -> Iterator[Glass]:
        """The tool, once it shows the stage's sessions and its start is over."""
        with self.running(tool.command(port or stage.cluster.port), size) as glass:
            glass.first(shows_any_of(stage.pids))
            time.sleep(_SETTLED)
            yield glass

    def window(self, glass: Glass, *meters: Callable[[], float]) -> Window:
        """Some whole refreshes."""
        glass.settle()
        start, count, before = time.monotonic(), len(glass.pieces), _read(glass, meters)
        time.sleep(self.seconds)
        glass.settle()
        seconds, after = time.monotonic() - start, _read(glass, meters)
        pieces = glass.pieces[count:]
        refreshes = bursts(pieces)
        cpu, *metered = (b - a for a, b in zip(before, after, strict=True))
        sent = sum(piece.size for piece in pieces)
        return Window(refreshes, seconds, sent, cpu, tuple(each / refreshes for each in metered))


def _read(glass: Glass, meters: Sequence[Callable[[], float]]) -> list[float]:
    return [process.tree_cpu(glass.pid), *(meter() for meter in meters)]
