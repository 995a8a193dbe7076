"""Data folders for test servers, copied from a template: initdb takes ten times as long as a copy.

All copies have the system identifier of their template. A test of servers that must differ in it
starts them within `fresh`.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pgtop.demo.server import Cluster

_initdb = Cluster._make_cluster


@dataclass
class Templates:
    """The data folders that initdb has made so far, each with the password of its superuser."""

    folder: Path
    folders: dict[object, tuple[Path, str]] = field(default_factory=dict)

    def make_cluster(self, cluster: Cluster) -> None:
        """Copy the template for this server; make it first if it is missing."""
        key = (_programs(cluster), cluster._initdb)
        if key not in self.folders:
            _initdb(cluster)
            template = Path(tempfile.mkdtemp(dir=self.folder)) / "data"
            _copy(cluster.data, template)
            self.folders[key] = template, cluster.password
            return
        template, cluster.password = self.folders[key]
        _copy(template, cluster.data)


def _programs(cluster: Cluster) -> object:
    """Return where the programs are; a copy of them in the server's own folder is like any
    other."""
    bindir = cluster._bindir
    return bindir.parts[-3:] if bindir.is_relative_to(cluster.folder) else bindir


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


@contextmanager
def copied(make_cluster: Callable[[Cluster], None]) -> Iterator[None]:
    """Let servers start on what `make_cluster` makes."""
    before = Cluster._make_cluster
    Cluster._make_cluster = make_cluster  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Cluster._make_cluster = before  # type: ignore[method-assign]


@contextmanager
def fresh() -> Iterator[None]:
    """Let servers start on a cluster that initdb makes for each."""
    with copied(_initdb):
        yield
