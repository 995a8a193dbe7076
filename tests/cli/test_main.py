"""Commands on real servers: one sentence, the right exit code, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from tests.cli import PGTOP, one_sentence, pgtop
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.waiting import PATIENCE, until

_SLOTS = 6


@pytest.fixture(scope="module")
def small(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server with few slots."""
    with Cluster(
        bindir, {"max_connections": str(_SLOTS), "superuser_reserved_connections": "1"}
    ) as running:
        yield running


def _without_password(cluster: Cluster) -> str:
    return cluster.tcp_dsn.replace(f"password={cluster.password}", "")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--no-such-option"], Exit.USAGE, "--help"),
        (["--interval", "0"], Exit.USAGE, "(0.2 to 60)"),
        (["show", "no_such_keyword=1"], Exit.USAGE, "no_such_keyword"),
        (["show", "postgresql://[::1/shop"], Exit.USAGE, "connection string"),
        (["show", "postgresql://db1:port/shop"], Exit.USAGE, "not a port"),
        (["show", "-p", "5432,70000"], Exit.USAGE, "'70000' is not a port"),
        (["show", "host='open"], Exit.USAGE, "connection string"),
        (
            ["show", "--filter", "age>soon"],
            Exit.USAGE,
            "--filter is wrong at character",
        ),
        (["show", "--sort", "colour"], Exit.USAGE, "there is no column 'colour'"),
        (["show", "--sort", "pid:up"], Exit.USAGE, "asc or desc"),
        (["show", "-W"], Exit.USAGE, "no terminal"),
        (["show", "-h", "127.0.0.1", "-p", "1"], Exit.NO_CONNECTION, "127.0.0.1"),
        (["show", "-h", "/no/such/folder"], Exit.NO_CONNECTION, "/no/such/folder"),
        (["show", "service=no_such_service"], Exit.NO_CONNECTION, "no_such_service"),
        ([], Exit.USAGE, "pgtop show"),
        (["demo"], Exit.USAGE, "pgtop show"),
    ],
)
def test_without_a_server(words: list[str], code: Exit, message: str) -> None:
    """An error before a server answers is one sentence with advice, and its exit code."""
    done = pgtop(*words)
    assert message in one_sentence(done.stderr)
    assert (done.returncode, done.stdout) == (code, "")


def test_refused_by_the_server(cluster: Cluster) -> None:
    """A wrong or missing password, a missing database and a missing role all exit with 4, each with
    its own message.
    """
    for words, message in [
        ([f"{_without_password(cluster)} password=wrong"], "password"),
        ([_without_password(cluster)], "password"),
        (["-w", _without_password(cluster)], "password"),
        ([f"{cluster.socket_dsn} dbname=no_such_database"], "no_such_database"),
        ([f"{cluster.socket_dsn} user=no_such_role"], "no_such_role"),
    ]:
        done = pgtop("show", *words)
        assert message in one_sentence(done.stderr), words
        assert (done.returncode, done.stdout) == (Exit.REFUSED, ""), words


def _fill(cluster: Cluster, slots: ExitStack) -> list[psycopg.Connection[object]]:
    """Take every free slot."""
    connections: list[psycopg.Connection[object]] = []
    while True:
        try:
            connection = psycopg.connect(cluster.socket_dsn)
        except psycopg.OperationalError:
            return connections
        connections.append(slots.enter_context(connection))


def test_a_full_server(small: Cluster) -> None:
    """A full server exits with 5, and the message mentions --wait."""
    with ExitStack() as slots:
        assert _fill(small, slots)
        done = pgtop("show", small.socket_dsn)
    assert "--wait" in one_sentence(done.stderr)
    assert done.returncode == Exit.FULL


def test_a_wrong_sslmode_is_wrong_usage(dsn: str) -> None:
    """No server is contacted: exit code 2, and one sentence that lists the modes, for an option and
    a variable alike.
    """
    option = pgtop("show", "-d", f"{dsn} sslmode=on")
    variable = pgtop("show", dsn, environment={"PGSSLMODE": "on"})
    modes = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
    for done in (option, variable):
        assert done.returncode == Exit.USAGE
        message = one_sentence(done.stderr)
        assert all(mode in message for mode in modes)


def test_wait_gets_the_next_free_slot(small: Cluster) -> None:
    """With --wait a full server is reported once, and the first free slot is taken."""
    with ExitStack() as slots:
        connections = _fill(small, slots)
        waiting = slots.enter_context(
            subprocess.Popen(
                [*PGTOP, "show", "--wait", small.socket_dsn],
                stdout=-1,
                stderr=-1,
                encoding="utf-8",
            )
        )
        assert waiting.stderr is not None
        message = waiting.stderr.readline()
        connections[0].close()
        out, rest = waiting.communicate(timeout=PATIENCE)
    assert "full" in message
    assert "Ctrl-C" in message
    assert rest == ""
    assert " used; " in out
    assert waiting.returncode == Exit.DONE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_pgtop_at_once(number: signal.Signals) -> None:
    """While pgtop waits for a server, a signal ends it silently, with 128 + the signal's number."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = str(mute.getsockname()[1])
        with subprocess.Popen(
            [*PGTOP, "show", "-h", "127.0.0.1", "-p", port], stderr=-1, encoding="utf-8"
        ) as waiting:
            line, _ = mute.accept()
            with line:  # open until the end, as a closed line would be an error
                line.recv(1)
                waiting.send_signal(number)
                _, stderr = waiting.communicate(timeout=PATIENCE)
    assert (waiting.returncode, stderr) == (128 + number, "")


def test_a_reader_that_closes_the_pipe_is_no_error(dsn: str) -> None:
    """`pgtop show | head` prints no error after head has exited."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as closed:
        done = pgtop("show", dsn, stdout=closed)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")


@pytest.mark.parametrize("words", [["--help"], ["show", "--json"]])
def test_a_full_disk(words: list[str], dsn: str) -> None:
    """Output that cannot be written is reported, with an exit code of its own."""
    with Path("/dev/full").open("w") as full:
        done = pgtop(*words, *([dsn] if "show" in words else []), stdout=full)
    assert "could not be written" in one_sentence(done.stderr)
    assert done.returncode == Exit.OUTPUT


def test_the_terminal_prompts_for_a_password(cluster: Cluster) -> None:
    """If the server wants a password, pgtop prompts for it without echo."""
    with Terminal([*PGTOP, "show", _without_password(cluster)], 120, 40) as terminal:
        terminal.wait_for("Password: ")
        terminal.send(f"{cluster.password}\n")
        terminal.wait_for(" used; ")
        assert terminal.wait_for_exit() == Exit.DONE
        assert cluster.password not in terminal.raw.decode()


@pytest.mark.parametrize("words", [[], ["-W"]])
def test_ctrl_c_at_the_prompt_restores_the_terminal(
    cluster: Cluster, words: list[str]
) -> None:
    """Ctrl-C at the prompt for a password ends pgtop with 130, and the terminal echoes again."""
    with Terminal([*PGTOP, *words, _without_password(cluster)]) as terminal:
        terminal.wait_for("Password: ")
        terminal.send("\x03")
        assert terminal.wait_for_exit() == Exit.INTERRUPT
        assert terminal.restored


def test_the_dashboard_opens_and_quits(dsn: str) -> None:
    """`pgtop DSN` shows the budget, and `q` quits with 0 and restores the terminal."""
    with Terminal([*PGTOP, dsn], 120, 40) as terminal:
        terminal.wait_for(" used ")
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == Exit.DONE
        assert terminal.restored


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Create a temporary folder that the demo's server can reach even as another user."""
    with tempfile.TemporaryDirectory(prefix="pgtop-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("shown", "sent", "code"),
    [
        ("starting PostgreSQL", signal.SIGTERM, Exit.TERMINATE),
        ("filling the databases", signal.SIGHUP, Exit.HANGUP),
        (READY, signal.SIGINT, Exit.INTERRUPT),
    ],
)
def test_the_demo_leaves_nothing_behind(
    reachable: Path, shown: str, sent: signal.Signals, code: Exit
) -> None:
    """A signal at any time, during the start or later, ends the demo with its server and its
    files.
    """
    with Terminal(
        [*PGTOP, "demo"], 120, 40, environment={"TMPDIR": str(reachable)}
    ) as terminal:
        terminal.wait_for(shown)
        os.kill(terminal.pid, sent)
        assert terminal.wait_for_exit() == code
        assert terminal.restored
    until(lambda: not list(reachable.iterdir()), "its files are still there")


def test_the_server_of_the_demo_can_keep_running(reachable: Path) -> None:
    """With --keep-running, quitting prints how to connect and how to stop the server; both work."""
    with Terminal(
        [*PGTOP, "demo", "--keep-running"],
        120,
        40,
        environment={"TMPDIR": str(reachable)},
    ) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == Exit.DONE
        output = terminal.raw.decode()
    [connection, *_] = re.findall("pgtop '([^']+)'", output)
    [keeper] = re.findall(r"kill (\d+)", output)
    try:
        assert pgtop("show", connection).returncode == Exit.DONE
    finally:
        os.kill(int(keeper), signal.SIGTERM)
    until(lambda: not list(reachable.iterdir()), "its files are still there")


def test_a_dumb_terminal_is_refused(dsn: str) -> None:
    """On a terminal that cannot move its cursor nothing is drawn; the message mentions
    `pgtop show`.
    """
    with Terminal([*PGTOP, dsn], 120, 24, environment={"TERM": "dumb"}) as terminal:
        assert terminal.wait_for_exit() == Exit.USAGE
        assert "pgtop show" in terminal.text
        assert b"\x1b" not in terminal.raw
