"""`pgtop cancel` and `pgtop kill` if a session gets no signal: the message and the exit code."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgtop.cli.configuration import guards_for
from pgtop.cli.exit_codes import Exit
from pgtop.config.settings import Safety
from pgtop.errors import UsageError
from tests.cli import PGTOP, one_sentence, pgtop
from tests.cli.sessions import Connection, Opener, alive, run_forever, trail
from tests.pty import Terminal
from tests.waiting import PATIENCE, until


@contextmanager
def stranger(dsn: str, role: str, grants: str = "pg_signal_backend") -> Iterator[str]:
    """Yield the connection string of another role, which may signal others and not see them."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        name = sql.Identifier(f"{role}_blind")
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' IN ROLE ").format(name)
            + sql.SQL(grants)
        )
        try:
            yield make_conninfo(dsn, user=f"{role}_blind")
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_hidden_start_cannot_be_pinned(
    dsn: str, role: str, open_session: Opener, state: dict[str, str], words: list[str]
) -> None:
    """--started on a session with a hidden start: the session exists, so it is refused and not
    missing.
    """
    session = open_session()
    only_if_unchanged = (
        str(session.info.backend_pid),
        "--started",
        "2026-03-10T14:25:07.250000+00:00",
        "--yes",
        *words,
    )
    with stranger(dsn, role) as blind:
        done = pgtop("kill", "-d", blind, *only_if_unchanged, environment=state)
    assert "grant pg_read_all_stats" in one_sentence(done.stderr)
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)


def test_a_filter_that_finds_only_hidden_sessions(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Hidden sessions that match are requested and get no signal: a refusal, which is reported."""
    session = open_session()
    with stranger(dsn, role) as blind:
        done = pgtop("kill", "-d", blind, f"user:={role}", "--yes", environment=state)
    assert "Nothing was signalled: 1 hidden" in one_sentence(done.stderr)
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)


def test_no_match_is_explained(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Without a match the plan names the filter, and stderr counts the hidden sessions or the
    changed ones.
    """
    session = open_session()
    absent = pgtop("kill", "-d", dsn, "app:=absent", "--yes", environment=state)
    server, filter = absent.stdout.splitlines()
    assert server.startswith("On ")
    assert filter.startswith("Filter: sessions ")
    assert (
        one_sentence(absent.stderr)
        == "pgtop: No session matches; nothing was signalled.\n"
    )
    with stranger(dsn, role) as blind:
        unseen = pgtop(
            "kill",
            "-d",
            blind,
            "state:active app:=absent",
            "--yes",
            "--json",
            environment=state,
        )
    assert "cannot be seen: grant pg_read_all_stats" in one_sentence(unseen.stderr)
    idle = pgtop("cancel", "-d", dsn, f"user:={role}", "--yes", environment=state)
    assert "Nothing was signalled: 1 session with no running query" in one_sentence(
        idle.stderr
    )
    guarded = pgtop(
        "kill",
        "-d",
        dsn,
        f"user:={role}",
        "--yes",
        "--protect",
        f"user:{role}",
        environment=state,
    )
    assert f"1 protected: it matches --protect user:{role}" in one_sentence(
        guarded.stderr
    )
    assert {done.returncode for done in (absent, unseen, idle, guarded)} == {
        Exit.NO_TARGET
    }
    assert alive(session)


@contextmanager
def hung(session: Connection) -> Iterator[None]:
    """Stop the server process of a session: no signal takes effect before the end."""
    os.kill(session.info.backend_pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(session.info.backend_pid, signal.SIGCONT)


def test_an_interrupted_run_stays_unfinished(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Ctrl-C while observing: the signal was sent, and the audit log has it as unfinished."""
    session = open_session()
    with hung(session):
        words = ["kill", "-d", dsn, f"user:={role}", "--yes", "--timeout=1h"]
        with Terminal([*PGTOP, *words], 120, 30, environment=state) as terminal:
            until(lambda: len(trail(state)) == 1)
            terminal.send("\x03")
            assert terminal.wait_for_exit() == Exit.INTERRUPT
        [record] = trail(state, "--unfinished")
    assert (record["outcome"]["answer"], record["outcome"]["effect"]) == (
        "sent",
        "pending",
    )
    assert (
        "ended before the effect was seen"
        in pgtop("audit", "--unfinished", environment=state).stdout
    )


def test_a_new_superuser_is_not_escalated(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Survivors are guarded again by current rights: a protected one is skipped and named."""
    session = open_session()
    session.execute("BEGIN")
    run_forever(dsn, session, role)
    words = [
        "cancel",
        "-d",
        dsn,
        f"user:={role} state:active",
        "--yes",
        "--escalate",
        "--json",
        "--timeout=2s",
    ]
    with hung(session), psycopg.connect(dsn, autocommit=True) as admin:
        with subprocess.Popen(
            [*PGTOP, *words],
            env={**environ, **state},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            until(lambda: len(trail(state)) == 1)
            admin.execute(
                sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(role))
            )
            out, errors = running.communicate(timeout=PATIENCE)
        admin.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(role)))
    whole = json.loads(out)
    assert whole["escalate"] is True
    assert [outcome["signal"] for outcome in whole["outcomes"]] == ["cancel"]
    assert "not terminated: 1 changed: it is protected now" in errors
    assert running.returncode == Exit.SURVIVED


@pytest.mark.parametrize("consents", [True, False])
def test_a_protected_session_needs_consent_before_escalation(
    dsn: str, role: str, open_session: Opener, state: dict[str, str], consents: bool
) -> None:
    """The pid typed for a cancel is no consent to a terminate."""
    session = open_session()
    session.execute("BEGIN")
    run_forever(dsn, session, role)
    pid = str(session.info.backend_pid)
    words = ["cancel", "-d", dsn, pid, "--protect", f"user:{role}", "--escalate"]
    with Terminal([*PGTOP, *words], 120, 30, environment=state) as terminal:
        terminal.wait_for(f"Type {pid} to signal it anyway")
        terminal.send(f"{pid}\n")
        terminal.wait_for("Terminate 1 session surviving the cancel?")
        terminal.send(f"{pid}\n" if consents else "y\n")
        assert terminal.wait_for_exit() == (Exit.DONE if consents else Exit.SURVIVED)
    left = json.loads(pgtop("show", "--json", dsn, "--filter", f"pid:{pid}").stdout)[
        "sessions"
    ]
    assert bool(left) is not consents


def test_a_server_that_is_lost_after_the_consent_got_no_signal(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """After the y the server is gone: the message also states that nothing was signalled."""
    session = open_session()
    own = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    with (
        stranger(dsn, role, "pg_monitor, pg_signal_backend") as watcher,
        Terminal(
            [*PGTOP, "kill", "-d", watcher, f"user:={role}"], 120, 30, environment=state
        ) as terminal,
    ):
        terminal.wait_for("[y/N]")
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(
                sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(f"{role}_blind"))
            )
            admin.execute(own)
            until(lambda: not admin.execute(own).fetchall())
        terminal.send("y\n")
        terminal.wait_for("pgtop: Nothing was signalled: ")
        assert terminal.wait_for_exit() == Exit.REFUSED
    assert alive(session)


def test_changed_sessions_are_in_the_json(
    dsn: str, role: str, open_session: Opener, state: dict[str, str], tmp_path: Path
) -> None:
    """A session that moved on between plan and yes is in the JSON, not only in the exit code."""
    moved, still = open_session(), open_session()
    for session in (moved, still):
        session.execute("SELECT 'first'")
    written = tmp_path / "plan.json"
    words = shlex.join([*PGTOP, "kill", "-d", dsn, f"user:{role}", "--json"])
    with Terminal(
        ["sh", "-c", f"{words} > {written}"], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        moved.execute("SELECT 'second'")
        terminal.send("y\n")
        terminal.wait_for("1 session changed since")
        terminal.send("n\n")
        assert terminal.wait_for_exit() == Exit.SOME_REFUSED
    report = json.loads(written.read_text())
    [left] = report["left_out"]
    assert (left["pid"], left["why"]) == (moved.info.backend_pid, "changed")
    assert [target["pid"] for target in report["targets"]] == [still.info.backend_pid]


@pytest.mark.parametrize(
    "word",
    ["-db:shop", "-host:web", "-db!=shop", "-age>5m", "-hostname=web", "-b:4711"],
)
@pytest.mark.parametrize("command", ["cancel", "kill"])
def test_a_negated_term_is_not_taken_for_an_option(
    command: str, word: str, state: dict[str, str]
) -> None:
    """`-db:shop` would be the database `b:shop`, and the filter would lose a term."""
    done = pgtop(
        command, word, "state:idle", "-h", "nowhere.invalid", environment=state
    )
    assert "would be read as an option" in one_sentence(done.stderr)
    assert done.returncode == Exit.USAGE


@pytest.mark.parametrize(
    "words",
    [
        ["app:x", "--protect", "query:payroll"],
        ["query:payroll"],
        ['"payroll"'],
        ["4711", "--protect", "payroll"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("command", ["cancel", "kill"])
def test_masked_queries_are_not_filtered(
    command: str, words: list[str], state: dict[str, str]
) -> None:
    """With --redact a filter that reads queries would see masked ones: it is refused before any
    question.
    """
    done = pgtop(
        command, "-h", "nowhere.invalid", *words, "--redact", "--yes", environment=state
    )
    assert (
        "reads queries, and with redaction their literals and comments are masked"
        in one_sentence(done.stderr)
    )
    assert done.returncode == Exit.USAGE


def test_no_guard_of_the_file_reads_masked_queries(tmp_path: Path) -> None:
    """`redact` and `protect` of the configuration file are refused together if `protect` reads
    queries.
    """
    (tmp_path / "config.toml").write_text(
        'redact = true\nprotect = ["query:payroll"]\n'
    )
    with pytest.raises(UsageError, match="reads queries"):
        guards_for(Safety(), {"PGTOP_CONFIG": str(tmp_path / "config.toml")})


def test_the_whole_text_is_filtered(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A mark at the end of a long query protects it, and a filter matches it there."""
    session = open_session()
    session.execute(
        f"SELECT {', '.join(f'{n} AS column_number_{n}' for n in range(38))} /* nightly */".encode()
    )
    how = ("--yes", "-d", dsn)
    guarded = pgtop(
        "kill", *how, f"user:={role}", "--protect", "query:nightly", environment=state
    )
    narrowed = pgtop("kill", *how, f"user:={role} -query:nightly", environment=state)
    assert (guarded.returncode, narrowed.returncode) == (Exit.NO_TARGET, Exit.NO_TARGET)
    assert alive(session)
