"""pgtop at the far end of a real SSH connection that drops."""

import getpass
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster, _free_port
from tests.children import end_with_parent
from tests.faults.proxy import Proxy
from tests.keys import READY, typed
from tests.processes.exit_checks import check_gone, sessions
from tests.pty import Terminal
from tests.waiting import until

pytestmark = pytest.mark.system

_SEPARATE = Path("/run/sshd")
"""The folder that root's sshd enters before a login; a package creates it when the service starts.
"""
_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/mine.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
ClientAliveInterval 1
ClientAliveCountMax 1
"""


@dataclass(frozen=True)
class Sshd:
    """An SSH server that accepts this user with a key of its own."""

    folder: Path
    port: int

    def login(self, port: int, command: str) -> list[str]:
        """Return the words that run a command there in a terminal, through `port`."""
        options = {
            "UserKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "no",
            "LogLevel": "ERROR",
        }
        words = [
            "ssh",
            "-tt",
            "-F",
            "none",
            "-i",
            f"{self.folder}/mine",
            "-p",
            str(port),
        ]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return [*words, f"{getpass.getuser()}@127.0.0.1", command]


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    """Start Debian's own sshd, with keys made for these tests."""
    folder, port = Path(tempfile.mkdtemp(prefix="pgtop-ssh-")), _free_port()
    for name in ("host", "mine"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
            check=True,
        )
    (folder / "config").write_text(_CONFIG.format(folder=folder, port=port))
    rooms = [_SEPARATE] if os.geteuid() == 0 and not _SEPARATE.exists() else []
    for room in rooms:
        room.mkdir(mode=0o755)
    running = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"],
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    try:
        until(lambda: _listens(port), "sshd does not listen")
        yield Sshd(folder, port)
    finally:
        running.terminate()
        running.wait()
        for path in (folder, *rooms):
            shutil.rmtree(path)


def _listens(port: int) -> bool:
    return f"0100007F:{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


def _dashboard(server: Cluster, pid_file: Path) -> str:
    """Return the command for the far shell; it writes the pid, which becomes pgtop's, to a file
    first."""
    program = shlex.join([sys.executable, "-m", "pgtop", server.socket_dsn])
    return f"cd {shlex.quote(os.getcwd())}; echo $$ > {pid_file}; exec env LANG=C.UTF-8 {program}"


@pytest.mark.parametrize("how", ["cut", "reset", "client killed"])
def test_a_dropped_connection_ends_it(
    how: str, sshd: Sshd, server: Cluster, tmp_path: Path
) -> None:
    """The far process is gone within 2 s, and its session 2 s later."""
    pid_file = tmp_path / "pid"
    with (
        Proxy(("127.0.0.1", sshd.port)) as proxy,
        Terminal(sshd.login(proxy.port, _dashboard(server, pid_file))) as terminal,
    ):
        terminal.wait_for(READY)
        assert sessions(server) == 1
        drop = {
            "cut": proxy.cut,
            "reset": proxy.reset,
            "client killed": terminal.child.kill,
        }[how]
        drop()
        check_gone(server, int(pid_file.read_text()))
        assert terminal.wait_for_exit() != 0


def test_a_line_that_stalls_silently_ends_it(
    sshd: Sshd, server: Cluster, tmp_path: Path
) -> None:
    """Without a byte, a FIN or a RST, the same happens once sshd gives the client up."""
    pid_file = tmp_path / "pid"
    with (
        Proxy(("127.0.0.1", sshd.port)) as proxy,
        Terminal(sshd.login(proxy.port, _dashboard(server, pid_file))) as terminal,
    ):
        terminal.wait_for(READY)
        proxy.strand()
        until(
            lambda: any(end.lost for end in tuple(proxy.ends)),
            "sshd does not give the client up",
        )
        check_gone(server, int(pid_file.read_text()))


def test_it_is_usable_over_ssh(sshd: Sshd, server: Cluster) -> None:
    """Keys arrive, and `q` leaves with 0 and restores the terminal."""
    with Terminal(
        sshd.login(sshd.port, _dashboard(server, Path(os.devnull)))
    ) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("help"))
        terminal.wait_for("finds a key")
        terminal.send(typed("clear", "quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
    check_gone(server)
