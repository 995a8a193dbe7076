"""Servers for the tests: the embedded one, one made from other binaries (`--postgres`), or one that runs already."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pgtop.demo.server import Cluster

os.environ.pop("NO_COLOR", None)  # Textual would turn every picture grey
for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]  # a developer's own server is none of the tests' business

_home = tempfile.TemporaryDirectory(prefix="pgtop-home-")  # nor are their configuration and their audit trail
os.environ |= {"XDG_CONFIG_HOME": f"{_home.name}/config", "XDG_STATE_HOME": f"{_home.name}/state"}


settings.register_profile("pgtop", deadline=None)  # a busy machine is no failure
settings.load_profile("pgtop")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pgtop")
    group.addoption("--postgres", metavar="BINDIR", help="folder of another PostgreSQL's programs (initdb, postgres)")
    group.addoption("--postgres-url", metavar="DSN", help="a running server that the tests may use as superuser")


@pytest.fixture(scope="session")
def bindir(request: pytest.FixtureRequest) -> Path | None:
    """Where the programs are that test servers are made of; None is the embedded default."""
    chosen = request.config.getoption("--postgres")
    return Path(chosen).resolve() if chosen else None


@pytest.fixture(scope="session")
def cluster(bindir: Path | None) -> Iterator[Cluster]:
    """One server for all tests that only read, or only touch sessions of their own."""
    with Cluster(bindir, settings={"max_connections": "60"}) as running:
        yield running


@pytest.fixture(scope="session")
def dsn(request: pytest.FixtureRequest) -> str:
    """Connection string, as superuser, of the shared test server."""
    url: str | None = request.config.getoption("--postgres-url")
    if url:
        return url
    shared: Cluster = request.getfixturevalue("cluster")
    return shared.socket_dsn
