"""`pgtop record` writes what a server does; other commands read it as if it were the server."""

import json
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.model.snapshot import Snapshot
from pgtop.sources.recording.file_format import RecordingError
from pgtop.sources.recording.reader import Recording
from tests.cli import PGTOP, pgtop
from tests.cli.sessions import Opener
from tests.sources.recording.test_files import history, record
from tests.waiting import until


@contextmanager
def recorder(dsn: str, path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `pgtop record` until the file has a sample, and end it in the end."""
    command = [*PGTOP, "record", "-d", dsn, str(path), "--interval", "0.2", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            assert "Recording" in child.stderr.readline()
            yield child
        finally:
            child.kill()


def end(child: subprocess.Popen[str]) -> str:
    """End a recorder with SIGTERM; return what it has printed since it began."""
    child.send_signal(signal.SIGTERM)
    _, words = child.communicate(timeout=30)
    assert child.returncode == Exit.DONE, words
    return words


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PGTOP, *map(str, words)], capture_output=True, text=True, check=False
    )


def output_of(*words: object) -> str:
    result = run(*words)
    assert result.returncode in (Exit.DONE, Exit.WAITING), result.stderr
    return result.stdout


def json_of(*words: object) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(output_of(*words, "--json"))
    return data


def snapshots(path: Path) -> list[Snapshot]:
    """Return the samples that a file has now."""
    with suppress(RecordingError), closing(Recording(path)) as recording:
        return list(recording.between(0, 1 << 62))
    return []


class Incident(NamedTuple):
    """A recording of a lock queue that builds up and is ended with `pgtop kill`."""

    path: Path
    root: int
    waiter: int
    calm: str
    """A time before the queue."""
    queue: str
    """A time with the queue."""
    after: str
    """A time when the queue was gone."""
    role: str
    state: dict[str, str]
    """The variables that lead to the audit log."""


@pytest.fixture
def incident(
    dsn: str, tmp_path: Path, role: str, open_session: Opener, state: dict[str, str]
) -> Incident:
    path = tmp_path / "a.pgtop"
    root, waiter = open_session(), open_session()
    root_pid, waiter_pid = root.info.backend_pid, waiter.info.backend_pid
    with psycopg.connect(dsn, autocommit=True) as admin, recorder(dsn, path) as child:
        calm = time_in_recording(admin)
        root.execute("BEGIN")
        root.execute("SELECT pg_advisory_xact_lock(4711)")
        waiting = threading.Thread(target=waiter.execute, args=[_LOCK])
        waiting.start()
        until(lambda: admin.execute(_WAITS, [waiter_pid]).fetchone())
        queue = time_in_recording(admin)
        kill = [*PGTOP, "kill", "-d", dsn, "--yes", "--reason", "test", str(root_pid)]
        subprocess.run(kill, env={**os.environ, **state}, check=True)
        waiting.join(30)
        after = time_in_recording(admin)
        assert end(child) == ""
    return Incident(path, root_pid, waiter_pid, calm, queue, after, role, state)


_LOCK = "SELECT pg_advisory_lock(4711)"
_WAITS = "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted"


def time_in_recording(admin: psycopg.Connection[Any]) -> str:
    """Return a time before which a sample is taken that begins from now on."""
    began = admin.execute("SELECT clock_timestamp()").fetchall()[0][0]
    until(lambda: admin.execute(_SAMPLED_SINCE, [began]).fetchone())
    now = admin.execute("SELECT clock_timestamp()").fetchall()[0][0]
    return str(now.isoformat())


_SAMPLED_SINCE = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE application_name = 'pgtop' AND state = 'idle' AND query_start > %s"
)


def test_a_recording_shows_an_incident_as_it_was(incident: Incident) -> None:
    """`show`, `locks` and `budget` print the past as they print the present; `diff` names the
    sessions that changed, and the new root.
    """
    path = incident.path
    then = json_of("show", "--from", path, "--at", incident.queue)
    sessions = {session["pid"]: session for session in then["sessions"]}
    assert sessions[incident.root]["blocks"] == 1
    assert sessions[incident.waiter]["blocked_by"] == [incident.root]
    assert sessions[incident.waiter]["query"] == _LOCK
    tree = json_of("locks", "--from", path, "--at", incident.queue)
    assert tree["roots"] == [incident.root]
    assert json_of("locks", "--from", path)["roots"] == []
    waits = json_of(
        "waits", "--from", path, "--at", incident.queue, "--pid", incident.waiter
    )
    assert [each["name"] for each in waits["slices"]] == ["Lock:advisory"]
    assert waits["slices"][0]["aas"] == 1
    assert "for you" in output_of("budget", "--from", path, "--at", incident.calm)

    difference = json_of("diff", path, "--at", incident.calm, "--at", incident.queue)
    assert difference["differs"]
    assert [root["pid"] for root in difference["roots"]["to"]] == [incident.root]
    assert {each["to"]["pid"] for each in difference["changed"]} >= {
        incident.root,
        incident.waiter,
    }
    later = json_of("diff", path, "--at", incident.queue, "--at", incident.after)
    assert [session["pid"] for session in later["went"]] == [incident.root]
    page = output_of("diff", path, "--at", incident.queue, "--at", incident.after)
    assert f"no longer a root: {incident.root}" in page
    assert f"role {incident.role}: 2, then 1 (-1)" in page
    assert_report_names_all(incident)
    same = run("diff", path, "--at", incident.queue, "--at", incident.queue)
    assert same.returncode == Exit.DONE
    assert "Nothing differs." in same.stdout
    with closing(sqlite3.connect(path)) as database:  # for other programs
        assert database.execute("SELECT max(waiting) FROM sample").fetchone() == (1,)


def assert_report_names_all(incident: Incident) -> None:
    """Assert that the report names root, victim, and the user who ended the root."""
    path = incident.path
    page = pgtop("report", str(path), environment=incident.state).stdout
    roots = page.partition("## Roots of lock queues")[2].partition("##")[0]
    assert f"| {incident.root} |" in roots
    assert str(incident.waiter) in roots
    assert "gone" in roots
    assert "terminate by" in roots
    assert "(test)" in roots, "the reason"
    target = path.with_suffix(".html")
    command = ("report", str(path), "--html", "--output", str(target))
    assert pgtop(*command, environment=incident.state).returncode == Exit.DONE
    assert "<svg" in target.read_text()
    assert oct(target.stat().st_mode & 0o777) == "0o600"
    again = pgtop(*command, environment=incident.state)
    assert again.returncode == Exit.OUTPUT
    assert "exists" in again.stderr


def test_literals_can_be_left_out(
    dsn: str, tmp_path: Path, open_session: Opener
) -> None:
    """A recording has literals as --texts says, and --redact masks those that it has."""
    session = open_session()
    session.execute("SELECT 'secret'")
    texts = {"all": "SELECT 'secret'", "redacted": "SELECT '?'", "none": ""}
    pid = session.info.backend_pid
    for option, text in texts.items():
        path = tmp_path / f"{option}.pgtop"
        with recorder(dsn, path, "--texts", option) as child:
            end(child)
        backend = snapshots(path)[-1].at(pid)
        assert backend is not None
        assert backend.query == text
    shown = output_of("show", "--from", tmp_path / "all.pgtop", "--redact")
    assert "SELECT '?'" in shown
    assert "secret" not in shown


def test_the_recorder_notes_that_the_server_was_away(dsn: str, tmp_path: Path) -> None:
    """A time without samples is a gap with the server's own reason."""
    path = tmp_path / "a.pgtop"
    own = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'pgtop'"
    )
    with psycopg.connect(dsn, autocommit=True) as admin, recorder(dsn, path) as child:
        time_in_recording(admin)
        assert admin.execute(own).fetchall() == [(True,)]
        time_in_recording(admin)
        end(child)
    with closing(Recording(path)) as recording:
        # A busy machine may add others.
        reasons = [gap.reason for gap in recording.gaps()]
    assert any("ended" in each or "terminat" in each for each in reasons), reasons


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["show", "--at", "-5m"], "--at needs a recording"),
        (["show", "--from", "{}", "-h", "db1"], "no server can be named"),
        (["show", "--from", "{}", "--at", "-9d"], "not in the recording"),
        (["show", "--from", "{}", "--at", "noon"], "not a time"),
        (["show", "--from", "/nowhere.pgtop"], "No such file"),
        (["replay", "/nowhere.pgtop"], "No such file"),
        (["waits", "--from", "{}", "--rate", "2"], "a recording has its own"),
        (["waits", "--from", "{}", "--pid", "9"], "no session 9"),
        (["replay", "/etc/passwd"], "not a database"),
        (["replay", "{}"], "needs a terminal"),
        (["show", "--from", "/etc/passwd"], "not a database"),
        (["show", "--from", "/dev/null"], "a device"),
        (["diff", "{}"], "compares two times"),
        (["record", "--max-size", "2"], "too small"),
        (["record", "--keep", "soon"], "not a duration"),
    ],
)
def test_a_wrong_word_gets_one_sentence(
    small_recording: Path, words: list[str], reason: str
) -> None:
    """A recording that cannot be read, and a time that it does not have, are refused."""
    result = run(*[word.format(small_recording) for word in words])
    assert reason in result.stderr
    assert result.returncode in (Exit.USAGE, Exit.NO_CONNECTION)
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def small_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "a.pgtop"
    record(path, history(3))
    return path


def test_a_folder_that_is_missing_is_no_place_for_a_recording(dsn: str) -> None:
    """The recorder creates no folders."""
    result = run("record", "-d", dsn, "/nowhere/a.pgtop")
    assert "There is no folder /nowhere" in result.stderr
    assert result.returncode == Exit.USAGE
