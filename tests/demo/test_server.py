"""The temporary server: it starts for root and for other users, reports why it cannot, and leaves
nothing behind.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster, ClusterError, embedded_bindir
from tests.waiting import until

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Yield a folder that every user may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def copy_of_programs(destination: Path) -> Path:
    """Copy the embedded server with its libraries; return the folder of its programs."""
    bindir = embedded_bindir()
    package, install = bindir.parents[1], bindir.parent.name
    shutil.copytree(bindir.parent, destination / package.name / install, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, destination / libraries.name)
    return destination / package.name / install / bindir.name


def answers(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_socket_and_tcp_accept_connections(cluster: Cluster) -> None:
    """Both connection strings work as they are."""
    assert answers(cluster.socket_dsn)
    assert answers(cluster.tcp_dsn)


def test_tcp_requires_the_password(cluster: Cluster) -> None:
    """A wrong password is rejected, so that other users of the machine cannot connect."""
    with pytest.raises(
        psycopg.OperationalError, match="password authentication failed"
    ):
        psycopg.connect(cluster.tcp_dsn, password="wrong")


def test_folder_is_closed_to_others(cluster: Cluster) -> None:
    """Only the server's user (and root) can reach the socket, which requires no password."""
    assert cluster.folder.stat().st_mode & 0o077 == 0


def test_stop_and_launch_keep_data_and_port(bindir: Path | None) -> None:
    """A server that was stopped, even immediately, restarts at the same address with its data."""
    with Cluster(bindir) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept ()")
            connection.execute("CHECKPOINT")
        before = cluster.tcp_dsn
        cluster.stop(signal.SIGQUIT)
        with pytest.raises(ClusterError, match="not running"):
            _ = cluster.pid
        cluster.launch()
        assert cluster.tcp_dsn == before
        with psycopg.connect(before) as connection:
            connection.execute("SELECT FROM kept")


def test_a_suspended_server_can_be_stopped(bindir: Path | None) -> None:
    """A server that got SIGSTOP, and reacts to no other signal, is not left behind."""
    with Cluster(bindir) as cluster:
        pid = cluster.pid
        os.kill(pid, signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists()


_OWNER = """
import sys, signal
from pathlib import Path
from pgtop.demo.server import Cluster
cluster = Cluster(Path(sys.argv[1]) if sys.argv[1:] else None)
cluster.start()
print(cluster.pid, cluster.folder, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("state", ["running", "suspended"])
def test_a_server_ends_with_its_owner(
    number: signal.Signals, state: str, bindir: Path | None
) -> None:
    """If the process that started it is killed, neither server nor files are left, and no other
    process gets a signal.
    """
    command = [sys.executable, "-c", _OWNER, *([str(bindir)] if bindir else [])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        if state != "running":
            os.kill(int(pid), signal.SIGSTOP)
        owner.send_signal(number)
    until(lambda: not Path(folder).exists(), "its files are still there")
    with pytest.raises(OSError, match=pid):
        os.readlink(f"/proc/{pid}/cwd")


def test_remove_twice_does_no_harm(bindir: Path | None) -> None:
    """Removing stops the server and deletes its files; the second time it does nothing."""
    cluster = Cluster(bindir)
    cluster.start()
    cluster.remove()
    assert not cluster.folder.exists()
    cluster.remove()


def test_remove_before_start_does_no_harm(bindir: Path | None) -> None:
    """A cluster that was never started has nothing to remove, least of all the current folder."""
    Cluster(bindir).remove()
    assert Path.cwd().exists()


def refused_setting(bindir: Path | None) -> Cluster:
    return Cluster(bindir, settings={"shared_buffers": "plenty"})


def refused_encoding(bindir: Path | None) -> Cluster:
    return Cluster(bindir, initdb=("--encoding=KLINGON",))


def no_programs(bindir: Path | None) -> Cluster:
    return Cluster(Path("/nowhere/bin"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (refused_setting, r'did not start: .*FATAL:  invalid value .*"plenty"'),
        (refused_encoding, "initdb failed: .*KLINGON"),
        (no_programs, "could not be set up: .*/nowhere/bin"),
    ],
)
def test_a_failed_start_has_a_reason_and_leaves_nothing(
    make: Callable[[Path | None], Cluster], reason: str, bindir: Path | None
) -> None:
    """Each failure to start is one ClusterError with the reason, and the folder is removed."""
    cluster = make(bindir)
    with pytest.raises(ClusterError, match=reason):
        cluster.start()
    assert not cluster.folder.exists()


def test_a_taken_port_is_reported(bindir: Path | None) -> None:
    """The message is the server's fatal line, not its last one, if another program has the port."""
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        cluster = Cluster(bindir)
        cluster.port = occupant.getsockname()[1]
        with pytest.raises(
            ClusterError, match=r"FATAL:  could not create any TCP/IP sockets"
        ):
            cluster.start()


def test_programs_that_all_can_reach_are_not_copied(public_folder: Path) -> None:
    """The server runs its programs in place."""
    with Cluster(copy_of_programs(public_folder)) as cluster:
        assert not (cluster.folder / "programs").exists()


def test_root_copies_programs_that_the_servers_user_cannot_reach(
    public_folder: Path,
) -> None:
    """Programs in a closed folder (a venv below /root) are copied for the unprivileged user; other
    users run them in place.
    """
    closed = public_folder / "closed"
    closed.mkdir(mode=0o700)
    with Cluster(copy_of_programs(closed)) as cluster:
        assert (cluster.folder / "programs").exists() == AS_ROOT
        assert answers(cluster.socket_dsn)


def test_temporary_folder_of_root_alone_is_avoided(
    bindir: Path | None, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's folder is created where its user can enter, if root's TMPDIR is closed."""
    closed = public_folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    with Cluster(bindir) as cluster:
        assert (cluster.folder.parent == closed) != AS_ROOT


def test_environment_does_not_reach_the_server(
    bindir: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PG* variables and the locale of the user's shell change nothing."""
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with (
        Cluster(bindir) as cluster,
        psycopg.connect(cluster.socket_dsn, port=cluster.port) as connection,
    ):
        assert connection.execute("SHOW lc_messages").fetchone() == ("C",)
