"""A streaming standby: a server made from the files of a running one, which it follows."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from pgtop.demo.server import Cluster, embedded_bindir, plain_environment


class Standby(Cluster):
    """Follows `primary`, under `name`, until it is promoted."""

    def __init__(
        self,
        primary: Cluster,
        bindir: Path | None,
        settings: Mapping[str, str] | None = None,
        name: str = "standby",
    ) -> None:
        followed = f"{primary.socket_dsn} application_name='{name}'"
        super().__init__(bindir, {**(settings or {}), "primary_conninfo": followed})
        self._primary = primary

    def _make_cluster(self) -> None:
        # The embedded pg_basebackup copies older servers, too; other distributions of the tests
        # lack it.
        subprocess.run(
            [embedded_bindir() / "pg_basebackup", "-d", self._primary.socket_dsn, "-D", self.data,
                "-c", "fast"],
            check=True, capture_output=True, env=plain_environment(),
        )  # fmt: skip
        (self.data / "standby.signal").touch()
        for path in (self.data, *self.data.rglob("*")):
            self._own(path)
