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
from tests.benchmarks.raw_output import TimedTerminal, bursts, shows_any_of
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


def size_name(size: Size) -> str:
    """Return a size as people write it."""
    return f"{size[0]}x{size[1]}"


class Stage:
    """A server with sessions on it."""

    def __init__(
        self,
        cluster: Cluster,
        load: Child,
        control: psycopg.Connection[tuple[Any, ...]],
    ) -> None:
        self.cluster = cluster
        self.control = control
        self._load = load
        self.pids: frozenset[int] = frozenset()

    def command(self, word: str) -> None:
        """Send `big`, `grow N`, `churn` or `calm` to the load."""
        self.pids = frozenset(self._load.request(word))

    def server_cpu(self) -> float:
        """Return the CPU seconds that the server has used for the watchers' sessions, including
        their start and end."""
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
def start_stage(bindir: Path | None, **settings: str) -> Iterator[Stage]:
    """Start a server of its own, without sessions yet."""
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
    """The figures of a tool over some whole refreshes."""

    refreshes: int
    seconds: float
    sent: int
    cpu: float
    metered: tuple[float, ...]
    """The increase of each meter in a refresh."""

    @property
    def period(self) -> float:
        return self.seconds / self.refreshes

    @property
    def bytes_each(self) -> float:
        return self.sent / self.refreshes

    @property
    def cpu_each(self) -> float:
        """Milliseconds of CPU a refresh."""
        return 1000 * self.cpu / self.refreshes


@dataclass
class Bench:
    """The tools to measure, the number and length of the runs, and the figures."""

    tools: Mapping[str, Tool]
    bindir: Path | None
    rounds: int
    seconds: float
    report: Callable[[str], None]
    results: defaultdict[str, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def record(self, measure: str, tool: str, figure: float) -> None:
        """Keep one sample, and report it."""
        self.results[measure][tool].append(figure)
        self.report(f"{measure:<24}{tool:<14}{figure:>12,.2f}")

    def in_order(self, round_: int) -> list[Tool]:
        """Return the installed tools, in reverse order in every other round."""
        return list(self.tools.values())[:: -1 if round_ % 2 else 1]

    @contextmanager
    def running(self, command: Sequence[str], size: Size) -> Iterator[TimedTerminal]:
        """Run a program on a terminal, with a home of its own."""
        with (
            tempfile.TemporaryDirectory() as home,
            TimedTerminal(
                command, *size, {"HOME": home, "LANG": "C.UTF-8"}
            ) as terminal,
        ):
            yield terminal

    @contextmanager
    def watching(
        self, tool: Tool, stage: Stage, size: Size, port: int = 0
    ) -> Iterator[TimedTerminal]:
        """Run the tool, and yield once it shows the stage's sessions and its start is over."""
        with self.running(tool.command(port or stage.cluster.port), size) as terminal:
            terminal.first(shows_any_of(stage.pids))
            time.sleep(_SETTLED)
            yield terminal

    def window(self, terminal: TimedTerminal, *meters: Callable[[], float]) -> Window:
        """Measure some whole refreshes."""
        terminal.settle()
        start, count, before = (
            time.monotonic(),
            len(terminal.pieces),
            _read(terminal, meters),
        )
        time.sleep(self.seconds)
        terminal.settle()
        seconds, after = time.monotonic() - start, _read(terminal, meters)
        pieces = terminal.pieces[count:]
        refreshes = bursts(pieces)
        cpu, *metered = (b - a for a, b in zip(before, after, strict=True))
        sent = sum(piece.size for piece in pieces)
        return Window(
            refreshes, seconds, sent, cpu, tuple(each / refreshes for each in metered)
        )


def _read(
    terminal: TimedTerminal, meters: Sequence[Callable[[], float]]
) -> list[float]:
    return [process.tree_cpu(terminal.pid), *(meter() for meter in meters)]
