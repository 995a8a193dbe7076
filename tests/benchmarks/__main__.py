"""`python -m tests.benchmarks`: measure pgtop beside its peers and print the table of goals."""

import argparse
import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.goals import fell_short, table
from tests.benchmarks.parts import PARTS
from tests.benchmarks.tools import PGTOP_HERE, install_peers, installed

_NOT_PLAIN = ("PG", "PYTHON", "LC_", "XDG_", "NO_COLOR", "COLUMNS", "LINES", "TEXTUAL")


def main(words: Sequence[str]) -> int:
    """Run the requested parts; return 1 if a goal was missed."""
    args = _parser().parse_args(words)
    _make_plain()
    if args.install_peers:
        install_peers()
    rounds, seconds = (
        args.rounds or (1 if args.quick else 3),
        args.seconds or (6 if args.quick else 20),
    )
    started = time.monotonic()
    bench = Bench(
        installed(args.pgtop),
        args.postgres,
        rounds,
        seconds,
        lambda words: print(
            f"{time.monotonic() - started:7.0f} s  {words}", file=sys.stderr, flush=True
        ),
    )
    for name in args.parts or PARTS:
        PARTS[name](bench)
    if args.out:
        args.out.write_text(json.dumps(bench.results))
    print(_heading(bench), table(bench.results), sep="\n\n")
    missed = fell_short(bench.results)
    print("", *(f"- fell short: {sentence}" for sentence in missed), sep="\n")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        choices=[*PARTS, []],
        help=f"some of {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round of short windows: a look, no figures to quote",
    )
    parser.add_argument(
        "--rounds", type=int, help="how often each thing is measured (3)"
    )
    parser.add_argument("--seconds", type=float, help="of each window (20)")
    parser.add_argument(
        "--install-peers",
        action="store_true",
        help="put pg_activity and pg_top into .cache/ first",
    )
    parser.add_argument(
        "--pgtop",
        metavar="PROGRAM",
        default=PGTOP_HERE,
        help="another pgtop than this Python's",
    )
    parser.add_argument(
        "--postgres", type=Path, metavar="BINDIR", help="programs of another PostgreSQL"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="every sample, as JSON"
    )
    return parser


def _make_plain() -> None:
    """Remove what a user's shell has not: without .pyc files a start takes seconds; PG* would
    lead to another server."""
    for name in [name for name in os.environ if name.startswith(_NOT_PLAIN)]:
        del os.environ[name]


def _heading(bench: Bench) -> str:
    tools = ", ".join(tool.version() for tool in bench.tools.values())
    machine = (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    return (
        f"{datetime.date.today()}; {machine}; {tools}; medians of {bench.rounds} rounds of "
        f"{bench.seconds:g} s"
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (
            line.partition(":")[2].strip()
            for line in lines
            if line.startswith("model name")
        ),
        platform.machine(),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
