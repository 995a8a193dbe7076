"""Servers for the tests: the embedded one, other versions (`--postgres`), or a running one.

Every test with a server among its fixtures is marked `server` and runs once for each version.
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
from tests.templates import Templates, copied

# Textual would turn every screen grey; tables are as wide as they need.
for name in (
    "NO_COLOR",
    "COLUMNS",
    "LINES",
):
    os.environ.pop(name, None)
for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]  # the tests leave a developer's own server alone

# And the developer's configuration and audit log.
_home = tempfile.TemporaryDirectory(prefix="pgtop-home-")
os.environ |= {
    "XDG_CONFIG_HOME": f"{_home.name}/config",
    "XDG_STATE_HOME": f"{_home.name}/state",
    "PGTOP_HOST_FIGURES": "off",  # no frame depends on the load of this machine
}


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: this process goes on, and its children get the default, as handlers are not
    inherited.
    """


def _stop(number: int, _frame: FrameType | None) -> None:
    """End the tests as Ctrl-C does, so that they stop what they have started."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def _take_over_signals() -> None:
    """Keep the children from inheriting signals that nohup, a script or its `trap` ignores or
    blocks."""
    # Ignored by Python itself.
    for number in signal.valid_signals() - {
        signal.SIGPIPE,
        signal.SIGXFSZ,
    }:
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
        help="all, a list such as 12,15,18, or a folder of programs; default: those of the demo",
    )
    group.addoption(
        "--postgres-url",
        metavar="DSN",
        help="a running server that the tests may use as superuser",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each version, version by version, as the tests of a version share
    servers."""
    if "bindir" in metafunc.fixturenames:
        each = [
            pytest.param(programs, id=version, marks=pytest.mark.server(version))
            for programs in servers.bindirs(metafunc.config.getoption("--postgres"))
            for version in [servers.version(programs)]
        ]
        metafunc.parametrize("bindir", each, indirect=True, scope="session")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the tests of contrib modules to the versions that have them."""
    left = [item for item in items if _lacks_contrib(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _lacks_contrib(item: pytest.Item) -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    programs = parameters.get("bindir")
    needs_contrib = item.get_closest_marker("contrib") is not None
    return needs_contrib and programs is not None and not has_contrib(programs)


def has_contrib(programs: Path) -> bool:
    """Return whether a PostgreSQL has the modules of contrib."""
    return any(programs.parent.glob("**/pg_stat_statements.control"))


def pytest_report_collectionfinish(items: list[pytest.Item]) -> str:
    """Report which versions of the server run, and how many tests on each."""
    runs = Counter(
        mark.args[0] for item in items for mark in item.iter_markers("server")
    )
    return "PostgreSQL " + (
        ", ".join(f"{version}: {count} tests" for version, count in runs.items())
        or "is not needed"
    )


@pytest.fixture(scope="session", autouse=True)
def _cluster_templates() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="pgtop-templates-") as folder:
        templates = Templates(Path(folder))
        with copied(lambda cluster: templates.make_cluster(cluster)):
            yield


@pytest.fixture(scope="session")
def bindir(request: pytest.FixtureRequest) -> Path:
    """Return where the programs of the test servers are."""
    programs: Path = request.param
    return programs


@pytest.fixture(scope="session")
def cluster(bindir: Path) -> Iterator[Cluster]:
    """Start one server for all tests that only read, or only touch sessions of their own."""
    with Cluster(bindir, settings={"max_connections": "60"}) as running:
        yield running


@pytest.fixture(scope="session")
def dsn(request: pytest.FixtureRequest, bindir: Path) -> str:
    """Return the connection string of the shared server, as superuser."""
    url: str | None = request.config.getoption("--postgres-url")
    if url:
        return url
    shared: Cluster = request.getfixturevalue("cluster")
    return shared.socket_dsn
