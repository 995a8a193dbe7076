"""Debian's PgBouncer in front of a server, for tests that are marked `system`."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pgtop.demo.server import SUPERUSER, Cluster
from tests.waiting import until

STATS_USER = "watch"
"""The user that may show the console's tables, and no more."""
_UNPRIVILEGED = 65534
STATS_PASSWORD = "sesame"
_USERS = f'"{SUPERUSER}" ""\n"{STATS_USER}" "{STATS_PASSWORD}"\n"plain" ""\n'
_SETTINGS = """
[databases]
shop = host=127.0.0.1 port={port} dbname=postgres user={role} password={password} pool_size=2
stall = host={server} port={port} dbname=postgres user={role} pool_size=2 pool_mode=session
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
admin_users = {role}
stats_users = watch
pool_mode = transaction
server_login_retry = 1
{more}
"""
"""The database `shop` is reached over TCP, in transaction mode; `stall` over a Unix socket, in
session mode.
"""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PgBouncer:
    """One process of PgBouncer; `more` are lines of its configuration."""

    def __init__(
        self, cluster: Cluster, name: str, port: int = 0, more: str = ""
    ) -> None:
        self.port = port or free_port()
        self.folder = cluster.folder / name
        self.folder.mkdir()
        own = {"own_port": self.port, "folder": self.folder, "more": more}
        server = {
            "port": cluster.port,
            "server": cluster.folder,
            "role": SUPERUSER,
            "password": cluster.password,
        }
        (self.folder / "users").write_text(_USERS)
        self._file = self.folder / "pgbouncer.ini"
        self._file.write_text(_SETTINGS.format(**own, **server))
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            own_user = {"user": _UNPRIVILEGED, "group": _UNPRIVILEGED}
            self._as_user = {**own_user, "extra_groups": []}
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, _UNPRIVILEGED, _UNPRIVILEGED)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.send(signal.SIGKILL)

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        socket_file = self.folder / f".s.PGSQL.{self.port}"
        socket_file.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["pgbouncer", "-q", self._file], stderr=subprocess.DEVNULL, **self._as_user
        )
        until(socket_file.exists, "the pooler does not start")

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal; wait for its end if it is SIGKILL."""
        assert self._process is not None
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait()

    def dsn(self, database: str, host: str | Path = "127.0.0.1") -> str:
        """Return the connection string of a client."""
        return f"host={host} port={self.port} user={SUPERUSER} dbname={database}"

    @property
    def console(self) -> dict[str, str]:
        """The console over TCP, as the stats user."""
        return {"host": "127.0.0.1", "port": str(self.port), "user": STATS_USER}

    @property
    def uri(self) -> str:
        """The same as a URI."""
        return f"postgresql://{STATS_USER}@127.0.0.1:{self.port}/pgbouncer"
