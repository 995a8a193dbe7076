"""A server whose sessions are all of the test's own making."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster


@pytest.fixture(scope="package")
def server(bindir: Path | None) -> Iterator[Cluster]:
    """A server that nobody but these tests uses."""
    with Cluster(bindir, settings={"max_connections": "20"}) as running:
        yield running
