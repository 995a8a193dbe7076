"""Guards of `pgtop cancel` and `pgtop kill`: usage, configuration, read-only mode and audit log."""

import re
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.cli.args.options import parse
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.cli.exit_codes import Exit
from pgtop.errors import UsageError
from tests.cli import PGTOP, one_sentence, pgtop
from tests.cli.sessions import Opener, alive, trail
from tests.keys import READY, typed
from tests.pty import Terminal

NOWHERE = "host=127.0.0.1 port=1"


@pytest.mark.parametrize(
    "words",
    [
        [""],
        ["app:"],
        ["app:", "state:idle"],
        ["app:~^"],
        ["invoice"],
        ["user:="],
        [" "],
    ],
)
def test_an_argument_that_the_shell_emptied_is_refused(
    words: list[str], state: dict[str, str]
) -> None:
    """No term vanishes, and none matches everything: the command is refused."""
    done = pgtop("kill", "-d", NOWHERE, "--yes", "--", *words, environment=state)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert one_sentence(done.stderr)


def test_a_missing_audit_log_is_reported(state: dict[str, str]) -> None:
    """Without an audit log `pgtop audit` names the path it read, and the reason if the file is
    unreadable.
    """
    done = pgtop("audit", environment=state)
    assert "There is no audit log yet" in one_sentence(done.stderr)
    assert (done.returncode, done.stdout) == (Exit.DONE, "")
    Path(pgtop("audit", "--path", environment=state).stdout.strip()).mkdir(parents=True)
    done = pgtop("audit", environment=state)
    assert "could not be read" in one_sentence(done.stderr)
    assert done.returncode == Exit.OUTPUT


def test_protected_sessions_stay(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """--yes never covers a protected session, by pid or by filter; on a terminal its pid must be
    typed.
    """
    session = open_session()
    pid = str(session.info.backend_pid)
    guarded = ("kill", "-d", dsn, "--protect", f"user:{role}")
    by_filter = pgtop(
        *guarded, "--protect", "user:absent", f"user:{role}", "--yes", environment=state
    )
    assert "--protect user:absent matches no session" in by_filter.stderr
    assert f"--protect user:{role} matches" not in by_filter.stderr
    assert re.search(
        rf"{pid} {role}.*protected: it matches --protect user:{role}", by_filter.stdout
    )
    assert by_filter.returncode == Exit.NO_TARGET
    assert (
        pgtop(*guarded, pid, "--yes", environment=state).returncode == Exit.SOME_REFUSED
    )
    for answer, code in (("y", Exit.NOT_CONFIRMED), (pid, Exit.DONE)):
        assert alive(session)
        with Terminal([*PGTOP, *guarded, pid], 120, 30, environment=state) as terminal:
            terminal.wait_for(f"Type {pid} to signal it anyway")
            terminal.send(f"{answer}\n")
            assert terminal.wait_for_exit() == code
    assert not alive(session)


def test_read_only_refuses(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """--read-only, and read_only in the configuration file, refuse both commands."""
    session = open_session()
    session.pgconn.send_query(b"SELECT pg_sleep(100)")
    session.pgconn.flush()
    for command in ("kill", "cancel"):
        done = pgtop(
            command,
            "-d",
            dsn,
            f"user:{role} state:active",
            "--yes",
            "--read-only",
            environment=state,
        )
        assert "--read-only" in one_sentence(done.stderr)
        assert done.returncode == Exit.SOME_REFUSED
    signals = [
        (record["signal"], record["outcome"]["answer"]) for record in trail(state)
    ]
    assert signals == [("terminate", "refused"), ("cancel", "refused")]
    session.pgconn.consume_input()
    assert session.pgconn.is_busy()
    session.cancel_safe()
    while session.pgconn.get_result() is not None:
        pass
    Path(state["PGTOP_CONFIG"]).write_text("read_only = true\n")
    done = pgtop("kill", "-d", dsn, f"user:{role}", "--yes", environment=state)
    assert "read_only is set in" in one_sentence(done.stderr)
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)
    with Terminal([*PGTOP, dsn], 120, 30, environment=state) as terminal:
        terminal.wait_for(READY)
        assert "K kill" not in terminal.text
        terminal.send(f"/user:{role}\rK")
        terminal.wait_for("signals are disabled")
        terminal.send("*2K")
        terminal.wait_for("BY APPLICATION")
        terminal.send(typed("quit"))
        terminal.wait_for_exit()
    assert alive(session)


@pytest.mark.parametrize(
    "text",
    [
        "read_only = 1",
        "protect = 'user:x'",
        "protekt = []",
        "protect = ['foer:x']",
        "protect = ['']",
        "= x",
    ],
)
def test_a_wrong_configuration_stops_everything(
    dsn: str, state: dict[str, str], text: str
) -> None:
    """An unreadable setting is reported with the file's name before anything is signalled."""
    Path(state["PGTOP_CONFIG"]).write_text(text)
    done = pgtop("kill", "-d", dsn, "--all-clients", "--yes", environment=state)
    assert state["PGTOP_CONFIG"] in one_sentence(done.stderr)
    assert done.returncode == Exit.USAGE


def test_the_audit_log_is_complete(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """User, session, reason and outcome are in a file that only its owner can read; `pgtop audit`
    filters it.
    """
    session = open_session(application_name="audited")
    session.execute("SELECT 'seen'")
    pid = session.info.backend_pid
    ssh = {"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"}
    pgtop(
        "kill",
        "-d",
        dsn,
        str(pid),
        "--yes",
        "--reason",
        "ticket 42",
        environment=state | ssh,
    )
    [record] = trail(state)
    expected = {
        "signal": "terminate",
        "pid": pid,
        "role": role,
        "application": "audited",
        "query": "SELECT 'seen'",
        "reason": "ticket 42",
        "ssh_client": "192.0.2.7",
        "as_role": conninfo_to_dict(dsn)["user"],
    }
    assert expected.items() <= record.items()
    assert record["os_user"]
    assert (record["outcome"]["answer"], record["outcome"]["effect"]) == (
        "sent",
        "gone",
    )
    path = Path(pgtop("audit", "--path", environment=state).stdout.strip())
    assert path.stat().st_mode & 0o777 == 0o600
    assert "ticket 42" in pgtop("audit", "TICKET", role, environment=state).stdout
    assert pgtop("audit", "nothing-like-it", environment=state).stdout == ""
    assert pgtop("audit", "--unfinished", environment=state).stdout == ""


def test_require_audit_sends_nothing_unrecorded(
    dsn: str, open_session: Opener, state: dict[str, str], tmp_path: Path
) -> None:
    """An unwritable audit log is reported; with --require-audit nothing is sent."""
    (tmp_path / "state").write_text("a file in the way")
    session = open_session()
    pid = str(session.info.backend_pid)
    refused = pgtop(
        "kill", "-d", dsn, pid, "--yes", "--require-audit", environment=state
    )
    assert "audit log" in one_sentence(refused.stderr)
    assert (refused.returncode, alive(session)) == (Exit.SOME_REFUSED, True)
    assert (
        "not recorded, nothing sent" in refused.stdout,
        "not allowed" in refused.stdout,
    ) == (
        True,
        False,
    )
    done = pgtop("kill", "-d", dsn, pid, "--yes", environment=state)
    assert "audit log" in one_sentence(done.stderr)
    assert (done.returncode, alive(session)) == (Exit.DONE, False)


@pytest.mark.parametrize(
    "words",
    [
        "kill",
        "kill 4711 app:x",
        "kill --all-clients 4711",
        "kill 1 2 --started 2026-01-01T00:00:00+00:00",
        "kill 1 --started yesterday",
        "kill 1 --started 2026-01-01",
        "kill 1 --timeout soon",
        "kill 1 --escalate",
        "kill -9",
        "kill -9 4711",
        "cancel -1.5",
        "cancel 1 --changed-too",
        "budget --warn 90 --crit 80",
        "budget --role a --database b",
        "completion tcsh",
    ],
)
def test_wrong_usage(words: str) -> None:
    """A meaningless command is refused before any connection."""
    with pytest.raises(UsageError):
        parse(words.split())


def test_a_term_that_looks_like_an_option() -> None:
    """-user:web is a term after --; without it the error explains this."""
    with pytest.raises(UsageError) as error:
        parse(["kill", "-user:web"])
    assert "pgtop kill [OPTION]... -- FILTER" in error.value.advice
    assert parse(["kill", "--yes", "--", "-user:web"]) == SignalCommand(
        "kill", filter=("-user:web",), yes=True
    )


def test_a_named_server_has_its_label_and_its_guards(
    dsn: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """`pgtop kill @NAME` names the server in its plan, and keeps the guards of its table."""
    session = open_session()
    server = conninfo_to_dict(dsn)
    uri = f"postgresql://{server['user']}@/{server['dbname']}?host={server['host']}"
    uri += f"&port={server['port']}"
    text = f'[servers.main]\nuri = "{uri}"\nlabel = "PROD"\nread_only = true\n'
    Path(state["PGTOP_CONFIG"]).write_text(text)
    done = pgtop("kill", "@main", f"user:{role}", "--yes", environment=state)
    assert done.stdout.startswith("On PROD ")
    assert "read_only is set in the configuration of @main" in done.stderr
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)
    for words in (["@mian"], ["@main", "@main"], ["@main", "-h", "db2"]):
        done = pgtop("kill", *words, "1", "--yes", environment=state)
        assert one_sentence(done.stderr)
        assert done.returncode == Exit.USAGE
