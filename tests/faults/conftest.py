"""One server for all faults; each test leaves it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.fault_env import SETTINGS, FaultEnv, behind_proxy


@pytest.fixture(scope="package")
def prepared(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server with the role that pgtop logs in as."""
    with (
        Cluster(bindir, settings=SETTINGS) as running,
        behind_proxy(running) as fault_env,
    ):
        fault_env.prepare()
        yield running


@pytest.fixture
def fault_env(prepared: Cluster) -> Iterator[FaultEnv]:
    """Put a working network in front of the server, and repair both afterwards."""
    with behind_proxy(prepared) as env:
        yield env
        env.restore()
