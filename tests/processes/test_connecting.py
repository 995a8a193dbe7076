"""Connecting that hangs or prompts: the keyboard works, and no prompt covers the screen."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.proxy import Proxy
from tests.keys import typed
from tests.processes.exit_checks import GONE, check_gone, cpu_seconds
from tests.pty import Terminal
from tests.tls import PASSPHRASE, Files, TlsProxy
from tests.waiting import PATIENCE, until

_PGTOP = [sys.executable, "-m", "pgtop"]
_SOON = 3.0
"""Seconds that a key may take here, while connecting hangs for ten or without end."""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files.write(tmp_path)


@pytest.fixture
def secure(server: Cluster, tmp_path: Path) -> Iterator[TlsProxy]:
    with TlsProxy(("127.0.0.1", server.port), tmp_path) as proxy:
        yield proxy


def dsn(server: Cluster, secure: TlsProxy, **options: object) -> str:
    """Return a connection string with TLS; only the proxy checks the client's certificate."""
    plain = server.tcp_dsn.replace(f"port={server.port}", f"port={secure.port}")
    return " ".join(
        [
            plain,
            "sslmode=require",
            *(f"{name}={value}" for name, value in options.items()),
        ]
    )


def pgtop(
    *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_PGTOP, *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
        timeout=60,
        check=False,
    )


@pytest.fixture
def silent_tls_port() -> Iterator[int]:
    """Open a port that agrees to TLS and sends nothing more: libpq opens the client's files."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        clients = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    clients.append(client)
                    client.recv(8)
                    client.sendall(b"S")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for client in clients:
            client.close()


def test_the_passphrase_is_prompted_for_once(
    server: Cluster, secure: TlsProxy, files: Files
) -> None:
    """The prompt precedes the screen; a reconnect needs none, and the keyboard works meanwhile."""
    words = dsn(server, secure, sslcert=files.certificate, sslkey=files.locked)
    with Terminal([*_PGTOP, words, "--interval", "0.5"]) as terminal:
        terminal.wait_for("Passphrase of ")
        terminal.send(f"{PASSPHRASE}\n")
        terminal.wait_for("1-1 of 1")
        terminal.wait_for(lambda seen: seen.modes.get("2004"))
        shown = len(terminal.raw)
        secure.cut()
        until(lambda: secure.accepted > 1, "it does not come back")
        terminal.send(typed("help"))
        terminal.wait_for("finds a key", _SOON)
        assert b"assphrase" not in terminal.raw[shown:]
        assert b"PEM" not in terminal.raw[shown:]
        terminal.send(typed("clear", "quit"))
        assert terminal.wait_for_exit() == 0
        assert PASSPHRASE.encode() not in terminal.raw
    check_gone(server)


def test_a_passphrase_without_a_terminal_to_prompt_on(
    server: Cluster, secure: TlsProxy, files: Files
) -> None:
    """Without a terminal, or with -w, one sentence names the key."""
    words = dsn(server, secure, sslcert=files.certificate, sslkey=files.locked)
    done = pgtop("show", words)
    assert (done.returncode, done.stdout) == (3, "")
    assert str(files.locked) in done.stderr
    assert "passphrase" in done.stderr
    assert pgtop("show", f"{words} sslpassword={PASSPHRASE}").returncode == 0


@pytest.mark.parametrize(
    "fault",
    [
        "open to all",
        "no PEM",
        "wrong passphrase",
        "missing key",
        "missing certificate",
        "a folder",
    ],
)
def test_a_faulty_local_file_is_reported_as_local(
    server: Cluster, secure: TlsProxy, files: Files, fault: str
) -> None:
    """The message names the file, and does not point to the server's pg_hba.conf."""
    key, certificate, more = files.key, files.certificate, ""
    match fault:
        case "open to all":
            key.chmod(0o644)
        case "no PEM":
            key.write_text("no key")
        case "wrong passphrase":
            key, more = files.locked, "sslpassword=other"
        case "missing key":
            key.unlink()
        case "missing certificate":
            certificate.unlink()
        case "a folder":
            key = key.parent
    named = certificate if fault == "missing certificate" else key
    done = pgtop(
        "show", f"{dsn(server, secure, sslcert=certificate, sslkey=key)} {more}"
    )
    assert done.returncode == 3
    assert str(named) in done.stderr
    assert "on this machine" in done.stderr
    assert "pg_hba" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def hanging(name: str, folder: Path, port: int) -> tuple[str, dict[str, str]]:
    """Return words and environment of a pgtop that hangs as it connects: on a pipe without a
    writer."""
    pipe = folder / "pipe"
    os.mkfifo(pipe, 0o600)
    place = (
        f"host=127.0.0.1 port={port} user=x dbname=x "
        f"password=x sslmode=require connect_timeout=60"
    )
    match name:
        case "service file":
            return "service=mine connect_timeout=60", {"PGSERVICEFILE": str(pipe)}
        case "password file":
            return place.replace("password=x ", ""), {"PGPASSFILE": str(pipe)}
        case "name server":
            (folder / "sitecustomize.py").write_text(
                "import socket, time\nsocket.getaddrinfo = lambda *_, **__: time.sleep(3600)"
            )
            return place.replace("127.0.0.1", "db.example"), {
                "PYTHONPATH": f"{folder}:{Path.cwd()}"
            }
    return f"{place} {name}={pipe}", {}


@pytest.mark.parametrize(
    "name", ["service file", "password file", "name server", "sslcert", "sslrootcert"]
)
def test_leaving_while_connecting_hangs(
    name: str, silent_tls_port: int, tmp_path: Path
) -> None:
    """`q` and a signal end pgtop at once, whatever hangs."""
    words, environment = hanging(name, tmp_path, silent_tls_port)
    for leave, code in (("q", 0), (signal.SIGTERM, 143)):
        with Terminal([*_PGTOP, words], environment=environment) as terminal:
            terminal.wait_for("Connecting ")
            if isinstance(leave, str):
                terminal.send(leave)
            else:
                os.kill(terminal.pid, leave)
            assert terminal.wait_for_exit(GONE) == code
            assert terminal.restored


class EndlessLogin:
    """A server that demands two billion rounds of SCRAM, as the number is the server's choice."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._demanded = threading.Event()
        port = self._listener.getsockname()[1]
        self.dsn = f"host=127.0.0.1 port={port} user=x password=x sslmode=disable"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        client.recv(1024)
        client.sendall(
            b"R" + (23).to_bytes(4) + (10).to_bytes(4) + b"SCRAM-SHA-256\0\0"
        )
        nonce = client.recv(1024).rpartition(b"r=")[2]
        answer = b"r=" + nonce + b"x,s=c2FsdHNhbHQ=,i=2000000000"
        client.sendall(b"R" + (8 + len(answer)).to_bytes(4) + (11).to_bytes(4) + answer)
        self._demanded.set()
        client.recv(1024)

    def wait_until_busy(self, pid: int) -> None:
        """Return once the client has received the demand and computes."""
        assert self._demanded.wait(PATIENCE)
        before = cpu_seconds(pid)
        until(lambda: cpu_seconds(pid) > before + 0.1, "it does not compute")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def endless_login() -> Iterator[EndlessLogin]:
    with closing(EndlessLogin()) as login:
        yield login


def test_endless_arithmetic_does_not_hold_up_the_dashboard(
    endless_login: EndlessLogin,
) -> None:
    """A key ends pgtop at once, while libpq still computes in a thread."""
    with Terminal([*_PGTOP, endless_login.dsn]) as terminal:
        terminal.wait_for("Connecting to ")
        endless_login.wait_until_busy(terminal.pid)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit(GONE) == 0
        assert terminal.restored


@pytest.mark.parametrize(
    ("words", "code"),
    [("show", 143), ("kill 1 --yes", 143), ("budget", 143), ("budget --crit 90%", 3)],
)
def test_endless_arithmetic_does_not_hold_up_a_command(
    words: str, code: int, endless_login: EndlessLogin
) -> None:
    """A signal ends the command with its exit code, and its output is complete."""
    call = [*_PGTOP, *words.split(), "-w", "-d", endless_login.dsn]
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        endless_login.wait_until_busy(process.pid)
        process.terminate()
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (code, "")
    assert output == ("PGTOP UNKNOWN - Ended by SIGTERM.\n" if code == 3 else "")


_WITH_A_BUG = """
import signal, sys
signal.signal(signal.SIGUSR1, lambda *_: 1 / 0)
from pgtop.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(("words", "code"), [("show", 1), ("budget --crit 90%", 3)])
def test_endless_arithmetic_does_not_hold_up_the_end_by_a_bug(
    words: str, code: int, endless_login: EndlessLogin, tmp_path: Path
) -> None:
    """The report is written, and the exit code is that of a bug."""
    call = [
        sys.executable,
        "-c",
        _WITH_A_BUG,
        *words.split(),
        "-w",
        "-d",
        endless_login.dsn,
    ]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with subprocess.Popen(
        call, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        endless_login.wait_until_busy(process.pid)
        process.send_signal(signal.SIGUSR1)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert b"This is a bug in pgtop (ZeroDivisionError)" in errors
    assert list(tmp_path.glob("pgtop/bug-*.txt"))


def test_the_keyboard_works_while_reconnecting_hangs(
    server: Cluster, silent_tls_port: int, tmp_path: Path
) -> None:
    """If the certificate's folder hangs after a lost connection, keys and signals still work."""
    pipe = tmp_path / "pipe"
    with Proxy(("127.0.0.1", server.port)) as proxy:
        words = server.tcp_dsn.replace(f"port={server.port}", f"port={proxy.port}")
        with Terminal(
            [*_PGTOP, f"{words} sslmode=prefer sslcert={pipe}", "--interval", "0.5"]
        ) as terminal:
            terminal.wait_for("1-1 of 1")
            terminal.wait_for(lambda seen: seen.modes.get("2004"))
            os.mkfifo(pipe)
            proxy.lead_to(("127.0.0.1", silent_tls_port))
            proxy.cut()
            terminal.wait_for("no answer")
            terminal.send(typed("help"))
            terminal.wait_for("finds a key", _SOON)
            os.kill(terminal.pid, signal.SIGTERM)
            assert terminal.wait_for_exit(GONE) == 143
            assert terminal.restored
    check_gone(server)


def test_a_service_file_that_is_a_pipe_is_read_once(
    server: Cluster, tmp_path: Path
) -> None:
    """A shell's `<(...)` is such a pipe; a reconnect remembers what it held."""
    pipe = tmp_path / "services"
    os.mkfifo(pipe)
    with Proxy(("127.0.0.1", server.port)) as proxy:
        place = f"host=127.0.0.1\nport={proxy.port}\n"
        text = f"[mine]\n{place}user=postgres\npassword={server.password}\n"
        threading.Thread(target=pipe.write_text, args=[text], daemon=True).start()
        environment = {"PGSERVICEFILE": str(pipe), "PGSERVICE": "mine"}
        with Terminal(
            [*_PGTOP, "--interval", "0.5"], environment=environment
        ) as terminal:
            terminal.wait_for("1-1 of 1")
            proxy.cut()
            until(lambda: len(proxy.ends) == 2, "it does not come back")
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0
    check_gone(server)


def test_a_password_file_that_is_a_pipe_is_read_once(
    server: Cluster, tmp_path: Path
) -> None:
    """A password file may be a pipe, too, although libpq itself would not read it."""
    pipe = tmp_path / "passwords"
    os.mkfifo(pipe, 0o600)
    threading.Thread(
        target=pipe.write_text, args=[f"*:*:*:*:{server.password}\n"], daemon=True
    ).start()
    words = server.tcp_dsn.replace(f"password={server.password}", "")
    done = pgtop("show", words, environment={"PGPASSFILE": str(pipe)})
    assert (done.returncode, done.stderr) == (0, "")
