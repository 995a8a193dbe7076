"""`pgtop cancel` and `pgtop kill` from outside: plan, consent, outcome, exit code and audit log."""

import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.cli.args.options import parse
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.table.filter import Filter
from tests.cli import PGTOP, one_sentence, pgtop
from tests.cli.sessions import Opener, alive, run_forever, trail, uri
from tests.pty import Terminal
from tests.sources.postgres.signal_helpers import may_choose_pids, session_with_pid
from tests.waiting import until

NOWHERE = "host=127.0.0.1 port=1"


def test_a_filter_ends_exactly_its_matches(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """The plan starts with the filter in plain words, each outcome follows, and other sessions
    live.
    """
    victims = [open_session(application_name="storm") for _ in range(3)]
    bystander = open_session(application_name="calm")
    done = pgtop(
        "kill", "-d", dsn, f"user:={role}", "app:storm", "--yes", environment=state
    )
    assert done.returncode == Exit.DONE, done.stderr
    understood = Filter.of_arguments([f"user:={role}", "app:storm"]).understood
    server, _, plan = done.stdout.partition("\n")
    assert server.endswith(" as postgres")
    assert plan.startswith(
        f"Filter: sessions {understood}\nTerminate 3 sessions:\n3 idle\n"
    )
    assert [entry["understood"] for entry in trail(state)] == [understood] * 3
    assert len(re.findall(r"gone after \d", done.stdout)) == 3
    assert done.stdout.endswith("3 gone\n")
    assert not any(map(alive, victims))
    assert alive(bystander)


def test_undecided_sessions_are_counted_and_excluded(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Without a transaction there is no transaction age: the session is undecided, for a term and
    its negation.
    """
    idle, busy = open_session(), open_session()
    busy.execute("BEGIN")
    for term in ("xact<1h", "not xact>1h"):
        done = pgtop(
            "kill",
            "-d",
            dsn,
            f"user:={role}",
            term,
            "--dry-run",
            "--json",
            environment=state,
        )
        plan = json.loads(done.stdout)
        assert [target["pid"] for target in plan["targets"]] == [busy.info.backend_pid]
        assert [(left["pid"], left["why"]) for left in plan["left_out"]] == [
            (idle.info.backend_pid, "undecided")
        ]
        assert (
            plan["understood"]
            == Filter.of_arguments([f"user:={role}", term]).understood
        )
    shown = pgtop(
        "kill", "-d", dsn, f"user:={role}", "xact<1h", "--dry-run", environment=state
    )
    assert "1 skipped, undecided" in shown.stdout


def test_a_role_known_only_by_its_number_is_undecided(
    dsn: str, state: dict[str, str]
) -> None:
    """A session of a dropped role is shown as `role 16402`, a number and no name."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE pgtop_gone LOGIN PASSWORD 'x'")
        login = make_conninfo(
            dsn, user="pgtop_gone", password="x", application_name="orphan"
        )
        with psycopg.connect(login) as orphan:
            oid = admin.execute("SELECT 'pgtop_gone'::regrole::oid").fetchone()[0]  # type: ignore[index]
            admin.execute("DROP ROLE pgtop_gone")
            for term, why in [
                ("user:role", "undecided"),
                ("not user:web", "undecided"),
                (f"user='role {oid}'", ""),
            ]:
                done = pgtop(
                    "kill",
                    "-d",
                    dsn,
                    "app:orphan",
                    term,
                    "--dry-run",
                    "--json",
                    environment=state,
                )
                plan = json.loads(done.stdout)
                assert {
                    session["pid"]: session["why"] for session in plan["left_out"]
                } == ({orphan.info.backend_pid: why} if why else {})
                assert [session["pid"] for session in plan["targets"]] == (
                    [] if why else [orphan.info.backend_pid]
                )


def test_dry_run_signals_nothing(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """The plan is printed; nothing is sent or logged."""
    session = open_session()
    done = pgtop(
        "kill", "-d", dsn, f"user:{role}", "--dry-run", "--yes", environment=state
    )
    assert (done.returncode, alive(session)) == (Exit.DONE, True)
    assert "\nWould terminate 1 session; nothing was signalled." in done.stdout
    assert str(session.info.backend_pid) in done.stdout
    assert trail(state) == []


def test_without_a_terminal_and_without_yes_nothing_is_signalled(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A script without --yes changes nothing, which is reported."""
    session = open_session()
    done = pgtop("kill", "-d", dsn, f"user:{role}", environment=state)
    assert "--yes" in one_sentence(done.stderr)
    assert (done.returncode, alive(session)) == (Exit.NOT_CONFIRMED, True)


@pytest.mark.parametrize(
    ("typed", "code", "lives"),
    [("y\n", Exit.DONE, False), ("\n", Exit.NOT_CONFIRMED, True)],
)
def test_a_terminal_shows_the_question(
    dsn: str,
    role: str,
    open_session: Opener,
    state: dict[str, str],
    typed: str,
    code: Exit,
    lives: bool,
) -> None:
    """Typing y continues, Enter alone does not."""
    session = open_session()
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, f"user:{role}"], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        assert str(session.info.backend_pid) in terminal.text
        terminal.send(typed)
        assert terminal.wait_for_exit() == code
    assert alive(session) is lives


@pytest.mark.parametrize("way", ["--json", ">/dev/null"])
def test_the_plan_is_shown_before_the_question(
    dsn: str, role: str, open_session: Opener, state: dict[str, str], way: str
) -> None:
    """The plan precedes the question on the terminal even if stdout is elsewhere."""
    pid = str(open_session().info.backend_pid)
    words = shlex.join([*PGTOP, "kill", "-d", dsn, f"user:{role}"])
    with Terminal(
        ["sh", "-c", f"{words} {way}"], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        assert pid in terminal.text
        terminal.send("n\n")
        assert terminal.wait_for_exit() == Exit.NOT_CONFIRMED


def test_a_question_outlives_the_own_session(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """If the server ends pgtop's idle session before the answer, pgtop checks and signals over a
    new one.
    """
    session = open_session()
    own = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, f"user:{role}"], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        with psycopg.connect(dsn, autocommit=True) as admin:
            assert admin.execute(own).fetchall() == [(True,)]
            until(lambda: not admin.execute(own).fetchall())
        terminal.send("y\n")
        assert terminal.wait_for_exit() == Exit.DONE
    assert not alive(session)


def test_an_interrupted_prompt_reports_that_nothing_was_signalled(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Ctrl-C at the prompt ends its line, and the report follows on a line of its own."""
    session = open_session()
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, f"user:{role}"], 120, 40, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send("\x03")
        terminal.wait_for("\npgtop: Nothing was signalled.")
        assert terminal.wait_for_exit() == 128 + signal.SIGINT
    assert alive(session)


def test_many_targets_need_their_number(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """More than ten targets need the number; y is not enough."""
    sessions = [open_session() for _ in range(11)]
    for typed, code in (("y", Exit.NOT_CONFIRMED), ("11", Exit.DONE)):
        assert all(map(alive, sessions))
        with Terminal(
            [*PGTOP, "kill", "-d", dsn, f"user:{role}"], 120, 40, environment=state
        ) as terminal:
            terminal.wait_for("Type 11 to go on")
            assert terminal.text.count("11 idle") == 2, (
                "again above the prompt, below the list"
            )
            terminal.send(f"{typed}\n")
            assert terminal.wait_for_exit() == code
    assert not any(map(alive, sessions))


@pytest.mark.parametrize(("again", "lives"), [("n", True), ("y", False)])
def test_a_change_before_the_answer_needs_another_answer(
    dsn: str,
    role: str,
    open_session: Opener,
    state: dict[str, str],
    again: str,
    lives: bool,
) -> None:
    """A session that has moved on since the plan is excluded, unless the second question is
    answered with y.
    """
    moved, still = open_session(), open_session()
    for session in (moved, still):
        session.execute("SELECT 'first'")
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, f"user:{role}"], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        moved.execute("SELECT 'second'")
        newcomer = open_session()
        terminal.send("y\n")
        terminal.wait_for("1 session changed since")
        terminal.send(f"{again}\n")
        assert terminal.wait_for_exit() == (Exit.SOME_REFUSED if lives else Exit.DONE)
    assert alive(moved) is lives
    assert not alive(still)
    assert alive(newcomer)


def test_a_pid_is_shown_with_its_session(
    dsn: str, open_session: Opener, state: dict[str, str]
) -> None:
    """User, database, query and age are printed before the question; --started from `show --json`
    pins the session.
    """
    session = open_session(application_name="pinned")
    shown = json.loads(pgtop("show", "--json", dsn, "--filter", "app:=pinned").stdout)[
        "sessions"
    ]
    pid, started = str(shown[0]["pid"]), shown[0]["backend_start"]
    later = re.sub(
        r"\d{6}\+", lambda match: f"{(int(match[0][:6]) + 1) % 1_000_000:06}+", started
    )
    wrong = pgtop(
        "kill", "-d", dsn, pid, "--started", later, "--yes", environment=state
    )
    assert "another session" in one_sentence(wrong.stderr)
    assert (wrong.returncode, alive(session)) == (Exit.NO_TARGET, True)
    done = pgtop(
        "kill", "-d", dsn, pid, "--started", started, "--yes", environment=state
    )
    assert "SELECT 1" in done.stdout
    assert (done.returncode, alive(session)) == (Exit.DONE, False)


def test_no_match_has_its_own_code(dsn: str, state: dict[str, str]) -> None:
    """A pid without a session and a filter without a match have their own exit code."""
    gone = pgtop("kill", "-d", dsn, "4194304", "--yes", environment=state)
    assert (
        one_sentence(gone.stderr)
        == "pgtop: No session 4194304; nothing was signalled.\n"
    )
    assert gone.returncode == Exit.NO_TARGET
    assert (
        pgtop("kill", "-d", dsn, "app:=absent", "--yes", environment=state).returncode
        == Exit.NO_TARGET
    )


def test_json_has_plan_and_outcomes(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """One object has the targets as in `show --json`, the excluded with their reasons, and the
    outcomes.
    """
    session = open_session()
    done = pgtop(
        "kill",
        "-d",
        dsn,
        f"user:{role}",
        "--yes",
        "--json",
        "--reason",
        "test",
        environment=state,
    )
    whole = json.loads(done.stdout)
    assert [target["pid"] for target in whole["targets"]] == [session.info.backend_pid]
    [outcome] = whole["outcomes"]
    assert (outcome["result"], outcome["answer"], outcome["effect"]) == (
        "gone",
        "sent",
        "gone",
    )
    assert outcome["backend_start"] == whole["targets"][0]["backend_start"]
    assert whole["exit"] == done.returncode == Exit.DONE
    assert whole["version"] == trail(state)[0]["version"] == 1
    assert whole["server"]["user"] == "postgres"


def test_json_lists_missing_pids(
    dsn: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A free pid and a pid of another session each have a code."""
    session = open_session()
    pid, started = session.info.backend_pid, "2026-01-01T00:00:00+00:00"
    for wanted, why in ((2**22 + 1, "gone"), (pid, "replaced")):
        words = (
            "kill",
            "-d",
            dsn,
            str(wanted),
            "--started",
            started,
            "--yes",
            "--json",
        )
        [missing] = json.loads(pgtop(*words, environment=state).stdout)["missing"]
        assert (missing["pid"], missing["why"]) == (wanted, why)
        assert (missing["backend_start"] is None) is (why == "gone")
    assert alive(session)


def test_a_uri_may_be_among_the_pids(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A URI needs no -d, beside pids and beside a filter."""
    pid = str(open_session().info.backend_pid)
    for selection in (pid, f"user:={role}"):
        done = pgtop("kill", uri(dsn), selection, "--dry-run", environment=state)
        assert (done.returncode, pid in done.stdout) == (Exit.DONE, True)


@pytest.mark.parametrize(
    "term", ["application_name=worker", "user=web", "dbname=shop", "datname = 'shop'"]
)
def test_a_term_never_names_the_server(term: str) -> None:
    """A word that libpq would read as a connection string is a term of the filter."""
    command = parse(["kill", term, "state:idle-in-tx", "--yes"])
    assert isinstance(command, SignalCommand)
    assert (command.connection.target, command.filter) == (
        None,
        (term, "state:idle-in-tx"),
    )


def test_cancel_and_escalate(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A cancelled query leaves its transaction open, which has an exit code; --escalate ends the
    session.
    """
    more = "terminated, as the cancel did not help: gone"
    for words, code, result in (
        ((), Exit.SURVIVED, "still in its transaction"),
        (["--escalate"], Exit.DONE, more),
    ):
        session = open_session()
        session.execute("BEGIN")
        run_forever(dsn, session, role)
        done = pgtop(
            "cancel",
            "-d",
            dsn,
            f"user:{role} state:active",
            "--yes",
            *words,
            environment=state,
        )
        assert result in done.stdout
        assert (
            "the cancel did not help with 1 session: terminating" in done.stderr
        ) is bool(words)
        assert done.returncode == code
        session.close()


def test_a_refusal_is_listed_and_has_a_code(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """A role without the right: the plan forecasts the refusal, the server refuses, the session
    lives.
    """
    other = open_session()
    with psycopg.connect(dsn, autocommit=True) as admin:
        stranger = f"{role}_stranger"
        admin.execute(
            sql.SQL(
                "CREATE ROLE {} LOGIN PASSWORD 'x' IN ROLE pg_read_all_stats"
            ).format(sql.Identifier(stranger))
        )
        try:
            done = pgtop(
                "kill",
                "-d",
                make_conninfo(dsn, user=stranger),
                f"user:={role}",
                "--yes",
                environment=state,
            )
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(stranger)))
    assert "grant pg_signal_backend" in done.stdout
    assert "not allowed" in done.stdout
    assert (done.returncode, alive(other)) == (Exit.SOME_REFUSED, True)


@pytest.mark.skipif(
    not may_choose_pids(), reason="only root on Linux may say which pid comes next"
)
def test_a_reused_pid_gets_no_signal_from_a_command(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """While the question is open the session ends and its pid goes to another one, which lives."""
    victim = open_session()
    pid = victim.info.backend_pid
    started = _start_of(dsn, pid)
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, str(pid)], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for("[y/N]")
        victim.close()
        until(lambda: _start_of(dsn, pid) == "")
        parameters = conninfo_to_dict(make_conninfo(dsn, user=role))
        with session_with_pid(
            pid, {name: str(value) for name, value in parameters.items()}
        ) as heir:
            terminal.send("y\n")
            assert terminal.wait_for_exit() in (Exit.DONE, Exit.SOME_REFUSED)
            only_if_unchanged = pgtop(
                "kill",
                "-d",
                dsn,
                str(pid),
                "--started",
                started,
                "--yes",
                environment=state,
            )
            assert only_if_unchanged.returncode == Exit.NO_TARGET
            assert alive(heir)


def _start_of(dsn: str, pid: int) -> str:
    shown = json.loads(pgtop("show", "--json", dsn, "--filter", f"pid:{pid}").stdout)[
        "sessions"
    ]
    return str(shown[0]["backend_start"]) if shown else ""


@pytest.fixture(scope="module")
def own(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server with clients that may all be ended."""
    with Cluster(bindir) as running:
        yield running


def test_all_clients(own: Cluster, state: dict[str, str]) -> None:
    """Every client is ended but superusers and pgtop itself, whatever it does meanwhile."""
    with psycopg.connect(own.socket_dsn, autocommit=True) as boss:
        boss.execute("CREATE ROLE web LOGIN")
        clients = [
            psycopg.connect(make_conninfo(own.socket_dsn, user="web"))
            for _ in range(12)
        ]
        done = pgtop(
            "kill", "-d", own.socket_dsn, "--all-clients", "--yes", environment=state
        )
        assert done.returncode == Exit.DONE, done.stderr
        assert "12 gone" in done.stdout
        assert "1 skipped, protected: it belongs to a superuser" in done.stdout
        assert not any(map(alive, clients))
        assert alive(boss)
