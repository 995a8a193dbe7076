"""A server for sessions of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster


@pytest.fixture(scope="package")
def server(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server that only these tests use."""
    with Cluster(bindir, settings={"max_connections": "20"}) as running:
        yield running
