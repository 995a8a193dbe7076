"""The programs to compare, their command lines, and where the peers are commands or installed."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.goals import PG_ACTIVITY, PG_TOP, PGTOP

WATCHER = "watcher"
"""The role that tools log in as.

It sees all sessions, but not that the server is on this machine, where a tool could read its
processes.
"""
WATCHER_SQL = (
    f"CREATE ROLE {WATCHER} LOGIN",
    f"GRANT pg_read_all_stats TO {WATCHER}",
    f"GRANT EXECUTE ON FUNCTION pg_ls_tmpdir(), pg_ls_tmpdir(oid) TO {WATCHER}",
)
PGTOP_HERE = str(Path(sys.executable).with_name("pgtop"))
"""The pgtop of this Python."""
CACHE = Path(__file__).parents[2] / ".cache" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that refreshes once a second until `q`."""

    name: str
    program: str
    every_second: tuple[str, ...]
    has_cursor: bool = True

    def command(self, port: int) -> list[str]:
        """Return its words for a server on this machine."""
        where = ["-h", "127.0.0.1", "-p", str(port), "-U", WATCHER, "-d", "postgres"]
        return [self.program, *where, *self.every_second]

    def version(self) -> str:
        report = subprocess.run(
            [self.program, "--version"], capture_output=True, text=True, check=False
        )
        return (report.stdout + report.stderr).strip().splitlines()[0]


def installed(pgtop: str) -> Mapping[str, Tool]:
    """Return the tools in the cache or on PATH, and this pgtop."""
    commands = {
        PGTOP: (pgtop, ("--interval", "1")),
        PG_ACTIVITY: (
            _where("pg_activity", CACHE / "pg_activity" / "bin"),
            ("--refresh", "1"),
        ),
        PG_TOP: (_where("pg_top", CACHE / "pg_top" / "usr" / "bin"), ("-s", "1")),
    }
    return {
        name: Tool(name, path, words, name != PG_TOP)
        for name, (path, words) in commands.items()
        if path
    }


def install_peers() -> None:
    """Put both peers into the cache: one in a virtual environment of its own, one unpacked from
    Debian's package.
    """
    folder = CACHE / "pg_activity"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run(
        [
            folder / "bin" / "pip",
            "install",
            "--quiet",
            "pg_activity",
            "psycopg[binary]",
        ],
        check=True,
    )
    if shutil.which("apt-get") and shutil.which("dpkg"):
        subprocess.run(["apt-get", "download", "pgtop"], check=True, cwd=CACHE)
        package = max(CACHE.glob("pgtop_*.deb"))
        subprocess.run(["dpkg", "-x", package, CACHE / "pg_top"], check=True)


def _where(name: str, folder: Path) -> str:
    return shutil.which(name, path=folder) or shutil.which(name) or ""
