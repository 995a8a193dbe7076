"""pgtop's own log: what is in it, and what never is."""

import asyncio
import errno
import os
import re
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events

from pgtop.cli import own_log
from pgtop.cli.args.command_list import commands
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.options import log_options
from pgtop.cli.connection_string import parameters_of
from pgtop.cli.exit_codes import Exit
from pgtop.cli.log_file import MOST_WAITING, LogFile, QueuedLog
from pgtop.config.log_options import LogOptions
from pgtop.log import LEVELS, LOG
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.terminal.driver import described
from tests.cli import one_sentence, pgtop
from tests.cli.sessions import Opener, run_forever
from tests.impostor import message

_OURS = "SELECT pid, backend_start"
"""A part of the SQL of each sample."""
_NEEDLE = "needle_4711"


def _log(dsn: str, folder: Path, level: str) -> str:
    """Return the log of one sample."""
    file = folder / f"{level}.log"
    done = pgtop("show", dsn, "--log", level, f"--log-file={file}")
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text()


def test_each_level_adds_entries(
    dsn: str, tmp_path: Path, role: str, open_session: Opener
) -> None:
    """No level has the queries of sessions; only the last one has the SQL of pgtop's own."""
    session = open_session(application_name=_NEEDLE)
    run_forever(dsn, session, role)
    logs = {level: _log(dsn, tmp_path, level) for level in LEVELS}
    for text in logs.values():
        assert "connection: open, server " in text
        assert text.endswith("pgtop: exit code 0\n")
        assert "pg_sleep" not in text
        assert _NEEDLE not in text
    assert "statement: " not in logs["connections"]
    for level in LEVELS[1:]:
        assert " rows, " in logs[level]
        assert "statement: WITH from pg_catalog.pg_stat_get" in logs[level]
    assert _OURS not in logs["screen"]
    assert _OURS in logs["texts"]


def test_a_signal_is_logged_with_its_effect(
    dsn: str, tmp_path: Path, open_session: Opener, state: Mapping[str, str]
) -> None:
    """The lowest level has both; the variable names the file."""
    pid = open_session().info.backend_pid
    file = tmp_path / "kill.log"
    variables = {**state, "PGTOP_LOG": "connections", "PGTOP_LOG_FILE": str(file)}
    done = pgtop("kill", "-d", dsn, str(pid), "--yes", environment=variables)
    assert done.returncode == Exit.DONE
    text = file.read_text()
    assert f"signal: terminate to pid {pid}, started 20" in text
    assert f"signal: effect on pid {pid} after " in text


def test_without_an_order_nothing_of_it_is_loaded(dsn: str) -> None:
    program = (
        "import sys; from pgtop.cli.main import run; run(sys.argv[1:]);"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "show", dsn],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    loaded = {name for name in done.stderr.split() if name.startswith("pgtop.")}
    logs = {name for name in loaded if "log" in name.rpartition(".")[2]}
    assert logs == {"pgtop.log", "pgtop.config.log_options"}


_NEEDED = {
    "completion": ["bash"],
    "diff": ["file"],
    "replay": ["file"],
    "report": ["file"],
}
"""Words that a command cannot do without."""


@pytest.mark.parametrize(
    "words",
    [
        ["--log", "screen"],
        ["@prod", "--log=screen", "shop"],
        ["budget", "-w", "80", "-c", "@90:100", "--log", "screen"],
        ["--log", "screen", "budget", "-w", "80"],
        ["kill", "--log", "screen", "--", "17"],
        ["show", "--at", "-5m", "--from", "file", "--log", "screen"],
        *([name, *_NEEDED.get(name, ()), "--log", "screen"] for name in commands()),
    ],
    ids=" ".join,
)
def test_every_command_has_the_options(words: list[str]) -> None:
    assert log_options(words) == LogOptions(log="screen", chosen=frozenset({"log"}))


def test_a_level_without_a_file_goes_to_the_state_folder(state: dict[str, str]) -> None:
    """Every command has a log, and a wrong level or file is one sentence."""
    done = pgtop("version", environment={**state, "PGTOP_LOG": "screen"})
    assert done.returncode == Exit.DONE
    log = Path(state["XDG_STATE_HOME"], "pgtop", own_log.FILE_NAME)
    assert "pgtop: exit code 0" in log.read_text()


@pytest.mark.parametrize(
    ("words", "variables", "reason"),
    [
        (["--log", "statement"], {}, "none of connections, statements"),
        ([], {"PGTOP_LOG": "statement"}, "Did you mean statements?"),
        (["--log-file", "/"], {}, "it is a folder, not a regular file (/)"),
        (["--log-file", "/dev/null"], {}, "it is a device, not a regular file"),
        ([], {"PGTOP_LOG_FILE": "/missing/log"}, "No such file or directory"),
    ],
)
def test_a_wrong_level_or_file_is_one_sentence(
    words: list[str], variables: Mapping[str, str], reason: str
) -> None:
    done = pgtop("version", *words, environment=variables)
    assert done.returncode == Exit.USAGE
    assert reason in one_sentence(done.stderr)


def test_the_configuration_orders_a_log(dsn: str, tmp_path: Path) -> None:
    """A file of the configuration that cannot be written keeps no command from its work."""
    config = tmp_path / "config.toml"
    log = tmp_path / "log"
    variables = {"PGTOP_CONFIG": str(config)}
    config.write_text(f"[display]\nlog_file = '{log}'\nlog = 'connections'\n")
    assert pgtop("show", dsn, environment=variables).stderr == ""
    assert "connection: open" in log.read_text()
    config.write_text(f"[display]\nlog_file = '{tmp_path}'\n")
    done = pgtop("show", dsn, environment=variables)
    assert done.returncode == Exit.DONE
    assert "it is a folder" in one_sentence(done.stderr)


# Secrets.


class _Guard(socketserver.StreamRequestHandler):
    """Demands a password in clear text, and repeats it in the refusal, as no server should."""

    seen: ClassVar[list[str]] = []

    def handle(self) -> None:
        """Play a server of PostgreSQL up to its refusal."""
        (length,) = struct.unpack(">I", self.rfile.read(4))
        self.rfile.read(length - 4)
        self.wfile.write(message(b"R", struct.pack(">I", 3)))
        kind = self.rfile.read(1)
        if kind != b"p":
            return
        (length,) = struct.unpack(">I", self.rfile.read(4))
        password = self.rfile.read(length - 4).rstrip(b"\0")
        self.seen.append(password.decode())
        words = b"SFATAL\0VFATAL\0C28P01\0Mnot " + password + b"\0\0"
        self.wfile.write(message(b"E", words))


@pytest.fixture(scope="module")
def guard() -> Iterator[int]:
    """Run the server; yield its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Guard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


_PASSWORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20
).map(lambda text: f"s3cr3t{text}9")
_USER = "pgtop_user"


def _connection(
    way: str, password: str, port: int, folder: Path
) -> tuple[ServerConnection, dict[str, str]]:
    """Return a connection whose password comes this way, and the variables that it needs."""
    escaped = re.sub(r"([\\'])", r"\\\1", password)
    address = f"host=127.0.0.1 port={port} user={_USER} dbname=d"
    services = folder / "services"
    services.write_text(f"[mine]\npassword={password}\n")
    lines = folder / "pgpass"
    field = re.sub(r"([\\:])", r"\\\1", password)
    lines.write_text(f"*:*:*:*:{field}\n")
    lines.chmod(0o600)
    targets = {
        "uri": f"postgresql://{_USER}:{quote(password, safe='')}@127.0.0.1:{port}/d",
        "conninfo": f"{address} password='{escaped}'",
        "service": f"{address} service=mine",
    }
    variables = {
        "PGPASSWORD": {"PGPASSWORD": password},
        "service": {"PGSERVICEFILE": str(services)},
        "pgpass": {"PGPASSFILE": str(lines)},
    }
    parameters = parameters_of(ConnectionOptions(targets.get(way, address)))
    prompt = (lambda _words: password) if way == "prompt" else None
    return ServerConnection(parameters, prompt=prompt), variables.get(way, {})


@pytest.mark.parametrize(
    "way", ["uri", "conninfo", "PGPASSWORD", "service", "pgpass", "prompt"]
)
@settings(max_examples=10)
@given(password=_PASSWORDS)
def test_no_password_reaches_the_log(
    way: str, password: str, guard: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Not at the highest level, and not from a server that repeats it in its message."""
    folder = tmp_path_factory.mktemp("log")
    path = folder / "log"
    options = LogOptions(str(path), "texts", frozenset({"log", "log_file"}))
    connection, variables = _connection(way, password, guard, folder)
    plain = {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "HOME": str(folder)}
    with patch.dict(os.environ, {**plain, **variables}):
        own_log.begin_at_start(options, {})
        with pytest.raises(SourceError):
            asyncio.run(connection.connect())
        LOG.end()
    text = path.read_text()
    assert _Guard.seen.pop() == password
    assert f"role '{_USER}', database 'd'" in text
    assert "failed, PASSWORD, " in text
    for form in (password, quote(password), quote(password, safe=""), "s3cr3t"):
        assert form not in text


# The file.


def test_the_file_is_bounded(tmp_path: Path) -> None:
    """One older file is kept, and both are only their owner's, whatever they were."""
    path = tmp_path / "log"
    path.touch(0o644)
    file = LogFile(path, 200)
    for number in range(50):
        file.append(f"entry {number:03}")
    file.close()
    older = tmp_path / "log.1"
    assert sorted(tmp_path.iterdir()) == [path, older]
    assert path.read_text().endswith("entry 049\n")
    assert older.stat().st_size < 220
    assert {each.stat().st_mode & 0o777 for each in (path, older)} == {0o600}


def test_two_programs_share_a_file(tmp_path: Path) -> None:
    """One begins a new file, and the other goes on in it."""
    path = tmp_path / "log"
    files = (LogFile(path, 50), LogFile(path, 50))
    for number in range(6):
        for file in files:
            file.append(f"entry {number}")
    lines = path.read_text().splitlines()
    assert lines[-2:] == ["entry 5", "entry 5"]
    assert len(list(tmp_path.iterdir())) == 2


def test_an_entry_is_one_clean_line(tmp_path: Path) -> None:
    """Neither a line break nor an escape sequence reaches the file."""
    path = tmp_path / "log"
    log = QueuedLog(LogFile(path))
    log.write("one\ntwo \x1b[31mred\x07 \ud800")
    log.close()
    [line] = path.read_text().splitlines()
    assert line.isprintable()
    assert line.split(maxsplit=2)[2].startswith("one two ␛[31mred␇ ")


class _SlowFile(LogFile):
    """A file on a disk that does not answer until `goes_on` is set, and then fails once."""

    def __init__(self, path: Path, error: OSError | None = None) -> None:
        super().__init__(path)
        self.goes_on = threading.Event()
        self._errors = [error] if error else []

    def append(self, line: str) -> None:
        """Append a line, when the disk answers."""
        self.goes_on.wait()
        if self._errors:
            raise self._errors.pop()
        super().append(line)


def test_a_full_disk_leaves_a_count(tmp_path: Path) -> None:
    """The missing entries are counted as soon as there is room again."""
    path = tmp_path / "log"
    file = _SlowFile(path, OSError(errno.ENOSPC, "No space left on device"))
    log = QueuedLog(file)
    log.write("lost")
    log.write("kept")
    file.goes_on.set()
    log.close()
    count, kept = path.read_text().splitlines()
    assert count == "1 entries are missing here: No space left on device"
    assert kept.endswith(" kept")


def test_a_line_that_was_cut_spoils_no_other(tmp_path: Path) -> None:
    """The next line begins on one of its own."""
    file = LogFile(tmp_path / "log")
    with patch.object(file, "_write", lambda raw: os.write(file._file, raw[:4])):
        file.append("half an entry")
    file.append("whole")
    file.close()
    assert (tmp_path / "log").read_text() == "half\nwhole\n"


def test_a_disk_that_hangs_delays_nothing(tmp_path: Path) -> None:
    """Entries are dropped and counted, and the end does not wait for the disk."""
    path = tmp_path / "log"
    file = _SlowFile(path)
    log = QueuedLog(file)
    for _ in range(MOST_WAITING + 100):
        log.write("entry")
    log.close()
    assert path.read_text() == ""
    file.goes_on.set()
    log._thread.join()
    lines = path.read_text().splitlines()
    counts = [line for line in lines if "missing" in line]
    assert len(lines) - len(counts) in (MOST_WAITING, MOST_WAITING + 1)
    assert counts in (["99 entries are missing here"], ["100 entries are missing here"])


def test_typed_characters_are_not_logged() -> None:
    """A password may have been typed into the wrong window."""
    shown = [described(events.Key(*key)) for key in (("f5", None), ("x", "x"))]
    assert shown == ["Key f5", "Key"]
    assert described(events.Paste("secret")) == "Paste"
