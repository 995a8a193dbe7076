"""One server for all faults; each leaves it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.fault_env import SETTINGS, Ground, laid


@pytest.fixture(scope="package")
def prepared(bindir: Path | None) -> Iterator[Cluster]:
    """A server with the role that pgtop comes as."""
    with Cluster(bindir, settings=SETTINGS) as running, laid(running) as ground:
        ground.prepare()
        yield running


@pytest.fixture
def ground(prepared: Cluster) -> Iterator[Ground]:
    """The server and a good network to it."""
    with laid(prepared) as made:
        yield made
        made.mended()
