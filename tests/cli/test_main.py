"""From words to exit codes, on real servers: one sentence, the right code, and nothing left
behind.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.compose import settings_for
from pgtop.cli.connection_string import parameters_of
from pgtop.cli.exit_codes import Exit, exit_for
from pgtop.cli.output import locale_is_utf8
from pgtop.cli.password_prompt import PasswordPrompt
from pgtop.config.guards import Guards
from pgtop.config.settings import Settings
from pgtop.demo.server import Cluster
from pgtop.errors import UsageError
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from tests.cli import PGTOP, one_sentence, pgtop
from tests.pty import Terminal
from tests.waiting import PATIENCE, until

_SLOTS = 6


@pytest.fixture(scope="module")
def small(bindir: Path | None) -> Iterator[Cluster]:
    """A server that is soon full."""
    with Cluster(
        bindir, {"max_connections": str(_SLOTS), "superuser_reserved_connections": "1"}
    ) as running:
        yield running


def _without_password(cluster: Cluster) -> str:
    return cluster.tcp_dsn.replace(f"password={cluster.password}", "")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--no-such-option"], Exit.USAGE, "--help"),
        (["--interval", "0"], Exit.USAGE, "from 0.2 to 60"),
        (["show", "no_such_keyword=1"], Exit.USAGE, "no_such_keyword"),
        (["show", "postgresql://[::1/shop"], Exit.USAGE, "connection string"),
        (["show", "postgresql://db1:port/shop"], Exit.USAGE, "not a port"),
        (["show", "-p", "5432,70000"], Exit.USAGE, "'70000' is not a port"),
        (["show", "host='open"], Exit.USAGE, "connection string"),
        (["show", "--filter", "age>soon"], Exit.USAGE, "--filter is wrong at character"),
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
def test_without_a_server(words: list[str], code: Exit, says: str) -> None:
    """What is wrong before a server answers is one sentence with what to do, and its code."""
    done = pgtop(*words)
    assert says in one_sentence(done.stderr)
    assert (done.returncode, done.stdout) == (code, "")


def test_refused_by_the_server(cluster: Cluster) -> None:
    """A wrong password, none at all, a missing database and a missing role all exit with 4, each in
    its own words.
    """
    for words, says in [
        ([f"{_without_password(cluster)} password=wrong"], "password"),
        ([_without_password(cluster)], "password"),
        (["-w", _without_password(cluster)], "password"),
        ([f"{cluster.socket_dsn} dbname=no_such_database"], "no_such_database"),
        ([f"{cluster.socket_dsn} user=no_such_role"], "no_such_role"),
    ]:
        done = pgtop("show", *words)
        assert says in one_sentence(done.stderr), words
        assert (done.returncode, done.stdout) == (Exit.REFUSED, ""), words


def _fill(cluster: Cluster, slots: ExitStack) -> list[psycopg.Connection[object]]:
    """Take every slot that is left."""
    held: list[psycopg.Connection[object]] = []
    while True:
        try:
            held.append(slots.enter_context(psycopg.connect(cluster.socket_dsn)))
        except psycopg.OperationalError:
            return held


def test_a_full_server(small: Cluster) -> None:
    """A full server exits with 5, and says who may still enter or how to wait."""
    with ExitStack() as slots:
        assert _fill(small, slots)
        done = pgtop("show", small.socket_dsn)
    assert "--wait" in one_sentence(done.stderr)
    assert done.returncode == Exit.FULL


def test_a_wrong_sslmode_is_wrong_usage(dsn: str) -> None:
    """Nobody was asked: exit code 2, and one sentence that names what it may be, wherever it was
    given.
    """
    given = pgtop("show", "-d", f"{dsn} sslmode=on")
    exported = pgtop("show", dsn, environment={"PGSSLMODE": "on"})
    for done in (given, exported):
        assert done.returncode == Exit.USAGE
        told = one_sentence(done.stderr)
        assert all(
            mode in told
            for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
        )


def test_wait_gets_the_next_free_slot(small: Cluster) -> None:
    """With --wait a full server is told of once, and the first slot that is given up is taken."""
    with ExitStack() as slots:
        held = _fill(small, slots)
        waiting = slots.enter_context(
            subprocess.Popen(
                [*PGTOP, "show", "--wait", small.socket_dsn], stdout=-1, stderr=-1, encoding="utf-8"
            )
        )
        assert waiting.stderr is not None
        told = waiting.stderr.readline()
        held[0].close()
        out, more = waiting.communicate(timeout=PATIENCE)
    assert "full" in told
    assert "Ctrl-C" in told
    assert more == ""
    assert " used; " in out
    assert waiting.returncode == Exit.DONE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_it_at_once(number: signal.Signals) -> None:
    """While a server keeps us waiting, a signal ends pgtop without a word and with 128 + its
    number.
    """
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = str(mute.getsockname()[1])
        with subprocess.Popen(
            [*PGTOP, "show", "-h", "127.0.0.1", "-p", port], stderr=-1, encoding="utf-8"
        ) as waiting:
            line, _ = mute.accept()
            with line:  # open until the end: a cut line would be another story
                line.recv(1)
                waiting.send_signal(number)
                _, said = waiting.communicate(timeout=PATIENCE)
    assert (waiting.returncode, said) == (128 + number, "")


def test_a_reader_that_leaves_is_no_error(dsn: str) -> None:
    """`pgtop show | head` is quiet when head has seen enough."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as closed:
        done = pgtop("show", dsn, stdout=closed)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")


@pytest.mark.parametrize("words", [["--help"], ["show", "--json"]])
def test_a_full_disk(words: list[str], dsn: str) -> None:
    """What could not be written is told, with a code of its own."""
    with Path("/dev/full").open("w") as full:
        done = pgtop(*words, *([dsn] if "show" in words else []), stdout=full)
    assert "could not be written" in one_sentence(done.stderr)
    assert done.returncode == Exit.OUTPUT


def test_the_password_is_asked_for_on_the_terminal(cluster: Cluster) -> None:
    """Where the server wants a password, it is asked for without echo and let in."""
    with Terminal([*PGTOP, "show", _without_password(cluster)], 120, 40) as terminal:
        terminal.wait_for("Password: ")
        terminal.send(f"{cluster.password}\n")
        terminal.wait_for(" used; ")
        assert terminal.wait_for_exit() == Exit.DONE
        assert cluster.password not in terminal.raw.decode()


@pytest.mark.parametrize("words", [[], ["-W"]])
def test_ctrl_c_at_the_password_restores_the_terminal(cluster: Cluster, words: list[str]) -> None:
    """Ctrl-C while the password is asked for ends pgtop with 130 and the terminal echoes again."""
    with Terminal([*PGTOP, *words, _without_password(cluster)]) as terminal:
        terminal.wait_for("Password: ")
        terminal.send("\x03")
        assert terminal.wait_for_exit() == Exit.INTERRUPT
        assert terminal.restored


def test_the_dashboard_opens_and_leaves(dsn: str) -> None:
    """`pgtop DSN` shows the budget, `q` leaves with 0, and the terminal is as it was."""
    with Terminal([*PGTOP, dsn], 120, 40) as terminal:
        terminal.wait_for(" used; ")
        terminal.wait_for("q quit")
        terminal.send("q")
        assert terminal.wait_for_exit() == Exit.DONE
        assert terminal.restored


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A temporary folder that the demo's server can reach also when it runs as another user."""
    with tempfile.TemporaryDirectory(prefix="pgtop-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("shown", "sent", "code"),
    [
        ("starting PostgreSQL", signal.SIGTERM, Exit.TERMINATE),
        ("filling the databases", signal.SIGHUP, Exit.HANGUP),
        ("q quit", signal.SIGINT, Exit.INTERRUPT),
    ],
)
def test_the_demo_leaves_nothing_behind(
    reachable: Path, shown: str, sent: signal.Signals, code: Exit
) -> None:
    """Whenever the demo is ended, while it starts or while it is shown, its server and its files
    are gone with it.
    """
    with Terminal([*PGTOP, "demo"], 120, 40, environment={"TMPDIR": str(reachable)}) as terminal:
        terminal.wait_for(shown)
        os.kill(terminal.pid, sent)
        assert terminal.wait_for_exit() == code
        assert terminal.restored
    until(lambda: not list(reachable.iterdir()), "its files are still there")


def test_the_demo_stays_if_it_is_told_to(reachable: Path) -> None:
    """With --keep-running, leaving prints how to connect, which works, and how to end the server,
    which works too.
    """
    with Terminal(
        [*PGTOP, "demo", "--keep-running"], 120, 40, environment={"TMPDIR": str(reachable)}
    ) as terminal:
        terminal.wait_for("q quit")
        terminal.send("q")
        assert terminal.wait_for_exit() == Exit.DONE
        told = terminal.raw.decode()
    [connection, *_] = re.findall("pgtop '([^']+)'", told)
    [keeper] = re.findall(r"kill (\d+)", told)
    try:
        assert pgtop("show", connection).returncode == Exit.DONE
    finally:
        os.kill(int(keeper), signal.SIGTERM)
    until(lambda: not list(reachable.iterdir()), "its files are still there")


def test_a_dumb_terminal_is_refused(dsn: str) -> None:
    """Where the cursor cannot be moved nothing is drawn, and `pgtop show` is named instead."""
    with Terminal([*PGTOP, dsn], 120, 24, environment={"TERM": "dumb"}) as terminal:
        assert terminal.wait_for_exit() == Exit.USAGE
        assert "pgtop show" in terminal.text
        assert b"\x1b" not in terminal.raw


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], {"psycopg", "textual", "rich", "asyncio"}),
        (["--version"], {"psycopg", "textual", "rich", "asyncio"}),
        (["--no-such-option"], {"psycopg", "textual", "rich", "asyncio"}),
        (["show"], {"textual", "rich"}),
        (["show", "--json"], {"textual", "rich"}),
        (["show", "--csv"], {"textual", "rich"}),
        (["kill", "1", "--dry-run", "--help"], {"psycopg", "textual", "rich", "asyncio"}),
        (["kill", "1", "--dry-run", "-p", "1"], {"textual", "rich"}),
        (["budget", "-p", "1"], {"textual", "rich"}),
        (["audit"], {"psycopg", "textual", "rich"}),
        (["completion", "bash"], {"psycopg", "textual", "rich", "asyncio"}),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(
    words: list[str], unwanted: set[str], dsn: str
) -> None:
    """Help loads neither driver nor screen, and show never loads the screen."""
    program = (
        "import sys; from pgtop.__main__ import main; main();"
        "sys.stderr.write('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    call = [sys.executable, "-c", program, *words, *([dsn] if "show" in words else [])]
    done = subprocess.run(
        call, capture_output=True, timeout=PATIENCE, check=False, encoding="utf-8"
    )
    loaded = set(done.stderr.rpartition("\n")[2].split())
    assert "pgtop" in loaded
    assert not loaded & unwanted


def test_the_dashboard_does_without_python_s_ssl() -> None:
    """4 MB and 10 ms that nobody uses are not loaded with the whole dashboard: libpq does TLS
    itself.
    """
    program = (
        "import sys; from pgtop.cli import interrupts; interrupts.guard()\n"
        "from pgtop import startup\n"
        "with startup.without_ssl():\n from pgtop.cli import compose\n"
        "startup.load_screen(); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8"
    )
    loaded = set(done.stdout.split())
    assert "pgtop.tui.app" in loaded
    assert not loaded & {"ssl", "_ssl", "hashlib", "_hashlib"}


def test_a_bug_leaves_a_report(tmp_path: Path) -> None:
    """What nobody expected is one sentence too; the traceback is in a file that only this user can
    read.
    """
    program = "from pgtop.cli.bug_report import catch_bugs; catch_bugs(); [][7]"
    done = subprocess.run(
        [sys.executable, "-c", program],
        stderr=subprocess.PIPE, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}, encoding="utf-8", check=False,
    )  # fmt: skip
    [report] = (tmp_path / "pgtop").iterdir()
    assert str(report) in one_sentence(done.stderr)
    assert done.returncode == Exit.BUG
    assert "IndexError" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (ConnectionOptions(), {}),
        (ConnectionOptions(""), {}),
        (ConnectionOptions("shop"), {"dbname": "shop"}),
        (
            ConnectionOptions("shop", "db1", "5433", "web"),
            {"dbname": "shop", "host": "db1", "port": "5433", "user": "web"},
        ),
        (ConnectionOptions("host=db1 dbname=shop"), {"host": "db1", "dbname": "shop"}),
        (ConnectionOptions("host=db1 port=1", "db2"), {"host": "db1", "port": "1"}),
        (
            ConnectionOptions("postgres://web@db1,db2:7/shop"),
            {"user": "web", "host": "db1,db2", "port": ",7", "dbname": "shop"},
        ),
        (
            ConnectionOptions("postgresql:///?sslmode=require", port="9"),
            {"sslmode": "require", "port": "9"},
        ),
        (ConnectionOptions("host=/tmp//pg dbname=a://b"), {"host": "/tmp//pg", "dbname": "a://b"}),
        (ConnectionOptions("dbname = 'a=b' user='c:d@e'"), {"dbname": "a=b", "user": "c:d@e"}),
    ],
)
def test_options_and_connection_strings_are_merged(
    given: ConnectionOptions, parameters: dict[str, str]
) -> None:
    """A name with = or a URI's scheme is a connection string, and what it says wins, as in psql."""
    assert parameters_of(given) == parameters


def test_a_wrong_connection_string_is_wrong_usage() -> None:
    """libpq's own complaint is passed on in a sentence of ours."""
    with pytest.raises(UsageError, match="invalid connection option"):
        parameters_of(ConnectionOptions("colour=blue"))


def test_no_password_is_asked_for_through_the_screen() -> None:
    """Once the screen has the terminal, a server that wants a password is a failure like any
    other.
    """
    prompt = PasswordPrompt()
    prompt.close()
    with pytest.raises(SourceError) as caught:
        prompt("Password: ")
    assert caught.value.failure.kind is FailureKind.PASSWORD


@pytest.mark.parametrize(
    ("environ", "utf8_mode", "expected"),
    [
        ({"LANG": "en_US.UTF-8"}, 0, True),
        ({"LANG": "C.utf8"}, 0, True),
        ({"LANG": "de_DE.UTF-8@euro"}, 0, True),
        ({"LC_CTYPE": "UTF-8"}, 0, True),
        ({"LC_CTYPE": "C.UTF-8"}, 0, True),
        ({"LANG": "de_DE"}, 0, False),
        ({"LANG": "de_DE.ISO-8859-1"}, 0, False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "en_US.UTF-8"}, 1, True),
        ({}, 1, False),
    ],
)
def test_the_users_locale(environ: dict[str, str], utf8_mode: int, expected: bool) -> None:
    """The locale that counts is the user's, and not the one that Python puts in its place."""
    assert locale_is_utf8(environ, utf8_mode) is expected


@pytest.mark.parametrize(
    ("chosen", "environ", "color"),
    [
        (Settings(), {}, True),
        (Settings(), {"NO_COLOR": ""}, True),
        (Settings(), {"NO_COLOR": "1"}, False),
        (Settings(color=False), {}, False),
    ],
)
def test_colour_is_given_up_by_option_or_environment(
    chosen: Settings, environ: dict[str, str], color: bool
) -> None:
    """NO_COLOR counts when it is not empty, as its page says."""
    assert settings_for(chosen, Guards(), environ).color is color


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_has_a_code(kind: FailureKind) -> None:
    """Only a full server and a refusal have codes of their own; all else is no connection."""
    expected = {
        FailureKind.FULL: 5,
        FailureKind.PASSWORD: 4,
        FailureKind.DENIED: 4,
        FailureKind.USAGE: 2,
    }
    assert exit_for(kind) == expected.get(kind, 3)
