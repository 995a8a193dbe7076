"""Servers for the tests: the embedded one, those of other versions (`--postgres`), or one that runs
already.

Every test that has a server among its fixtures is marked `server` and runs once for each version.
"""

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import settings

from pgtop.demo.server import Cluster
from tests import servers

for name in (
    "NO_COLOR",
    "COLUMNS",
    "LINES",
):  # Textual would turn every picture grey; tables are as wide as they need
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]  # a developer's own server is none of the tests' business

_home = tempfile.TemporaryDirectory(
    prefix="pgtop-home-"
)  # nor are their configuration and their audit trail
os.environ |= {"XDG_CONFIG_HOME": f"{_home.name}/config", "XDG_STATE_HOME": f"{_home.name}/state"}


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: this process goes on, and its children get the default, as handlers are not
    inherited.
    """


def _stop(number: int, _frame: FrameType | None) -> None:
    """End the tests as Ctrl-C does: what they have started is stopped."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def _take_over_signals() -> None:
    """Let no child of the tests inherit what nohup, a script's background or its `trap` ignore or
    block.
    """
    for number in signal.valid_signals() - {
        signal.SIGPIPE,
        signal.SIGXFSZ,
    }:  # which Python itself ignores
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


_take_over_signals()

settings.register_profile("pgtop", deadline=None)  # a busy machine is no failure
settings.register_profile("nightly", deadline=None, max_examples=100_000)
settings.load_profile("pgtop")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pgtop")
    group.addoption(
        "--postgres",
        metavar="VERSIONS",
        help="all, a list such as 12,15,18, or a folder of programs; the default is what pgtop demo runs",
    )
    group.addoption(
        "--postgres-url", metavar="DSN", help="a running server that the tests may use as superuser"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for each version, one version after the other: servers are shared by the tests of
    theirs.
    """
    if "bindir" in metafunc.fixturenames:
        each = [
            pytest.param(programs, id=version, marks=pytest.mark.server(version))
            for programs in servers.bindirs(metafunc.config.getoption("--postgres"))
            for version in [servers.version(programs)]
        ]
        metafunc.parametrize("bindir", each, indirect=True, scope="session")


def pytest_report_collectionfinish(items: list[pytest.Item]) -> str:
    """Which versions of the server run, and how many tests on each."""
    runs = Counter(mark.args[0] for item in items for mark in item.iter_markers("server"))
    return "PostgreSQL " + (
        ", ".join(f"{version}: {count} tests" for version, count in runs.items()) or "is not needed"
    )


@pytest.fixture(scope="session")
def bindir(request: pytest.FixtureRequest) -> Path:
    """Where the programs are that test servers are made of."""
    programs: Path = request.param
    return programs


@pytest.fixture(scope="session")
def cluster(bindir: Path) -> Iterator[Cluster]:
    """One server for all tests that only read, or only touch sessions of their own."""
    with Cluster(bindir, settings={"max_connections": "60"}) as running:
        yield running


@pytest.fixture(scope="session")
def dsn(request: pytest.FixtureRequest, bindir: Path) -> str:
    """Connection string, as superuser, of the shared test server."""
    url: str | None = request.config.getoption("--postgres-url")
    if url:
        return url
    shared: Cluster = request.getfixturevalue("cluster")
    return shared.socket_dsn
