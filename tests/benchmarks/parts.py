"""The parts of a run. Each starts its own server, so that it can run alone."""

import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from pgtop.packaging.bundle import build_folder
from tests.benchmarks import process
from tests.benchmarks.bench import LARGE, SMALL, Bench, Stage, size_name, start_stage
from tests.benchmarks.crowd import make_crowd
from tests.benchmarks.goals import PGTOP, WHEEL
from tests.benchmarks.raw_output import (
    TimedTerminal,
    is_restored,
    marked_lines,
    shows_any_of,
)
from tests.benchmarks.tools import Tool
from tests.benchmarks.wire import Wire

_SESSIONS, _MANY, _CROWD = 500, 1000, 10_000
_DOWN, _UP = "\x1b[B", "\x1b[A"
_PRESSES = 40  # a round
_STARTS = 6  # a round
_DELAY = 0.05  # seconds each way

Part: TypeAlias = Callable[[Bench], None]


def terminal(bench: Bench) -> None:
    """Measure bytes, CPU, memory, the server's CPU and quitting, on calm and churning servers,
    small and large."""
    with start_stage(bench.bindir, max_connections="620") as stage:
        stage.command(f"grow {_SESSIONS}")
        for round_ in range(bench.rounds):
            for phase, word in (("calm", "calm"), ("churning", "churn")):
                stage.command(word)
                time.sleep(2)
                for size in (SMALL, LARGE):
                    for tool in bench.in_order(round_):
                        _steady(bench, stage, tool, size, f"{phase} {size_name(size)}")
            _youngest(bench, stage)


def _steady(
    bench: Bench, stage: Stage, tool: Tool, size: tuple[int, int], where: str
) -> None:
    with bench.watching(tool, stage, size) as terminal:
        window = bench.window(terminal, stage.server_cpu)
        bench.record(f"bytes {where}", tool.name, window.bytes_each)
        bench.record(f"cpu {where}", tool.name, window.cpu_each)
        bench.record(f"server {where}", tool.name, 1000 * window.metered[0])
        bench.record("memory 500", tool.name, process.tree_peak(terminal.pid))
        bench.record(
            "quit",
            tool.name,
            1000 * terminal.time_to(is_restored, lambda: terminal.send("q")),
        )


def _youngest(bench: Bench, stage: Stage) -> None:
    """Run pgtop with its order reversed: the rows on top have all just begun another query."""
    with bench.watching(bench.tools[PGTOP], stage, SMALL) as terminal:
        terminal.send("I")
        bench.record("bytes youngest 80x24", PGTOP, bench.window(terminal).bytes_each)


def start(bench: Bench) -> None:
    """Measure from exec to a row of the server's sessions, the tools in turn."""
    with start_stage(bench.bindir, max_connections="620") as stage:
        stage.command(f"grow {_SESSIONS}")
        for round_ in range(-1, bench.rounds * _STARTS):
            for tool in bench.in_order(round_):
                with bench.running(tool.command(stage.cluster.port), SMALL) as terminal:
                    seconds = terminal.first(shows_any_of(stage.pids))
                if round_ >= 0:  # the first one fills caches
                    bench.record("start", tool.name, 1000 * seconds)


def bundle(bench: Bench) -> None:
    """Measure the same start of the bundle, which is built first, and of this Python's pgtop."""
    with (
        tempfile.TemporaryDirectory() as work,
        start_stage(bench.bindir, max_connections="620") as stage,
    ):
        program = build_folder(Path(work)) / "pgtop"
        stage.command(f"grow {_SESSIONS}")
        wheel = bench.tools[PGTOP]
        tools = {WHEEL: wheel, PGTOP: replace(wheel, program=str(program))}
        for round_ in range(-1, bench.rounds * _STARTS):
            for name, tool in tools.items():
                with bench.running(tool.command(stage.cluster.port), SMALL) as terminal:
                    seconds = terminal.first(shows_any_of(stage.pids))
                if round_ >= 0:  # the first one fills caches
                    bench.record("start bundle", name, 1000 * seconds)


def keys(bench: Bench) -> None:
    """Measure from a cursor key to the moved cursor, at any moment of a refresh, with 1,000
    churning sessions."""
    with start_stage(bench.bindir, max_connections="1120") as stage:
        stage.command(f"grow {_MANY}")
        stage.command("churn")
        for round_ in range(bench.rounds):
            for tool in bench.in_order(round_):
                if tool.has_cursor:
                    with bench.watching(tool, stage, SMALL) as terminal:
                        _press(bench, terminal, "keys 1000", tool.name, seed=round_)


def _press(
    bench: Bench, terminal: TimedTerminal, measure: str, tool: str, seed: int
) -> None:
    moments = random.Random(seed)
    terminal.send(_DOWN)
    time.sleep(1)
    for number in range(_PRESSES):
        key = _DOWN if number % 6 < 3 else _UP
        before = marked_lines(terminal)
        seconds = terminal.time_to(
            lambda terminal: marked_lines(terminal) != before,  # noqa: B023
            lambda: terminal.send(key),  # noqa: B023
        )
        bench.record(measure, tool, 1000 * seconds)
        time.sleep(moments.uniform(0.15, 0.6))


def idle(bench: Bench) -> None:
    """Measure what a paused pgtop does without keys."""
    with start_stage(bench.bindir, max_connections="120") as stage:
        stage.command("grow 50")
        for _ in range(bench.rounds):
            with bench.watching(bench.tools[PGTOP], stage, SMALL) as terminal:
                terminal.send("p")
                time.sleep(2)
                count, woken = len(terminal.pieces), process.wake_ups(terminal.pid)
                time.sleep(bench.seconds)
                sent = sum(piece.size for piece in terminal.pieces[count:])
                bench.record(
                    "idle wake-ups",
                    PGTOP,
                    (process.wake_ups(terminal.pid) - woken) / bench.seconds,
                )
                bench.record("idle bytes", PGTOP, sent / bench.seconds)


def wire(bench: Bench) -> None:
    """Measure bytes, round trips and connections, in the sessions and in the breakdown."""
    with start_stage(bench.bindir, max_connections="620") as stage:
        stage.command(f"grow {_SESSIONS}")
        stage.command("churn")
        for round_ in range(bench.rounds):
            for tool in bench.in_order(round_):
                with (
                    Wire(stage.cluster.port) as laid,
                    bench.watching(tool, stage, SMALL, laid.port) as terminal,
                ):
                    received, trips = bench.window(
                        terminal, laid.received, laid.trips
                    ).metered
                    bench.record("received", tool.name, received / 1000)
                    bench.record("trips", tool.name, trips)
                    bench.record("connections", tool.name, laid.held())
                    if tool.name == PGTOP:
                        terminal.send("2")
                        bench.record(
                            "trips breakdown",
                            tool.name,
                            bench.window(terminal, laid.trips).metered[0],
                        )


def far(bench: Bench) -> None:
    """Measure with a server 100 ms away."""
    with start_stage(bench.bindir, max_connections="620") as stage:
        stage.command(f"grow {_SESSIONS}")
        for round_ in range(bench.rounds):
            for tool in bench.in_order(round_):
                with (
                    Wire(stage.cluster.port, _DELAY) as laid,
                    bench.running(tool.command(laid.port), SMALL) as terminal,
                ):
                    bench.record(
                        "start far",
                        tool.name,
                        1000 * terminal.first(shows_any_of(stage.pids)),
                    )
                    bench.record("period far", tool.name, bench.window(terminal).period)


def big(bench: Bench) -> None:
    """Measure with fifty queries of 900 kB among the 500."""
    with start_stage(
        bench.bindir, max_connections="620", track_activity_query_size="1MB"
    ) as stage:
        stage.command("big")
        stage.command(f"grow {_SESSIONS}")
        for round_ in range(bench.rounds):
            for tool in bench.in_order(round_):
                with (
                    Wire(stage.cluster.port) as laid,
                    bench.watching(tool, stage, SMALL, laid.port) as terminal,
                ):
                    window = bench.window(terminal, laid.received)
                    bench.record("received big", tool.name, window.metered[0] / 1000)
                    bench.record("cpu big", tool.name, window.cpu_each)
                    bench.record("period big", tool.name, window.period)
                    bench.record(
                        "memory big", tool.name, process.tree_peak(terminal.pid)
                    )


def crowd(bench: Bench) -> None:
    """Measure pgtop on a server that seems to have 10,000 sessions."""
    with start_stage(
        bench.bindir, max_connections="11000", allow_system_table_mods="on"
    ) as stage:
        stage.command(f"grow {_SESSIONS}")
        make_crowd(stage.control, _CROWD)
        for round_ in range(bench.rounds):
            with bench.watching(bench.tools[PGTOP], stage, SMALL) as terminal:
                bench.record("cpu crowd", PGTOP, bench.window(terminal).cpu_each)
                _press(bench, terminal, "keys crowd", PGTOP, seed=round_)
                bench.record("memory crowd", PGTOP, process.tree_peak(terminal.pid))


def scripted(bench: Bench) -> None:
    """Measure pgtop on a source that costs nothing: the cost of arranging and drawing."""
    from tests.benchmarks.scripted import play

    for _ in range(bench.rounds):
        for sessions in (100, _CROWD):
            cpu, thinking, _ = play(bench, sessions, "young")
            bench.record(f"cpu scripted {sessions}", PGTOP, cpu)
            bench.record(f"drawing {sessions}", PGTOP, cpu - thinking)
        bench.record("bytes clock 80x24", PGTOP, play(bench, _SESSIONS, "old")[2])


PARTS: Mapping[str, Part] = {
    part.__name__: part
    for part in (terminal, start, bundle, keys, idle, wire, far, big, crowd, scripted)
}
"""The parts by the names of the command line."""
