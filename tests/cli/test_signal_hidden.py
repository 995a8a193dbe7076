"""`pgtop kill` as a role that may signal sessions without seeing their start: comparison, words and
confirmation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.cli.exit_codes import Exit
from tests.cli import PGTOP, one_sentence, pgtop
from tests.cli.sessions import Opener, alive
from tests.pty import Terminal
from tests.sources.postgres.signal_helpers import may_choose_pids, session_with_pid

_COMPARED = "only pid, role, database and application name"


@pytest.fixture
def weak(dsn: str, role: str) -> Iterator[str]:
    """Yield the connection string of a role that has only pg_signal_backend."""
    name = f"{role}_weak"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_signal_backend").format(
                sql.Identifier(name)
            )
        )
        yield make_conninfo(dsn, user=name)
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@contextmanager
def _question(dsn: str, pid: int, state: dict[str, str]) -> Iterator[Terminal]:
    with Terminal(
        [*PGTOP, "kill", "-d", dsn, str(pid)], 120, 30, environment=state
    ) as terminal:
        terminal.wait_for(f"Type {pid} to signal it anyway")
        yield terminal


def test_yes_never_covers_a_session_with_a_hidden_start(
    weak: str, open_session: Opener, state: dict[str, str]
) -> None:
    """Such a session may be another one: nothing is sent, and the message says what is
    needed.
    """
    session = open_session()
    done = pgtop(
        "kill", "-d", weak, str(session.info.backend_pid), "--yes", environment=state
    )
    assert (
        "--yes never covers such a session: name it alone, on a terminal"
        in one_sentence(done.stderr)
    )
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)


def test_a_session_with_a_hidden_start_needs_its_pid(
    weak: str, open_session: Opener, state: dict[str, str]
) -> None:
    """The missing comparison is stated before and after, and a mere y is no consent."""
    session = open_session()
    pid = session.info.backend_pid
    with _question(weak, pid, state) as terminal:
        assert (
            f"Its start, client and type are hidden from this role: {_COMPARED} can be"
            in terminal.text
        )
        terminal.send("y\n")
        assert terminal.wait_for_exit() == Exit.NOT_CONFIRMED
    assert alive(session)
    with _question(weak, pid, state) as terminal:
        terminal.send(f"{pid}\n")
        terminal.wait_for(f"its start was hidden, so {_COMPARED} were compared")
        assert terminal.wait_for_exit() == Exit.DONE
    assert not alive(session)


@pytest.mark.skipif(
    not may_choose_pids(), reason="only root on Linux may say which pid comes next"
)
def test_a_reused_pid_of_the_same_role_is_spared(
    dsn: str, weak: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """The session ends while the question is open, and its pid goes to another one of its role,
    which lives.
    """
    victim = open_session(application_name="old")
    pid = victim.info.backend_pid
    with _question(weak, pid, state) as terminal:
        victim.close()
        parameters = conninfo_to_dict(
            make_conninfo(dsn, user=role, application_name="new")
        )
        with session_with_pid(
            pid, {name: str(value) for name, value in parameters.items()}
        ) as heir:
            terminal.send(f"{pid}\n")
            terminal.wait_for("it may be another session")
            assert terminal.wait_for_exit() == Exit.SOME_REFUSED
            assert alive(heir)


@pytest.mark.parametrize("replication", ["true", "database"])
def test_a_hidden_walsender_is_protected(
    dsn: str,
    weak: str,
    role: str,
    open_session: Opener,
    state: dict[str, str],
    replication: str,
) -> None:
    """A walsender with a hidden type is recognisable for every role, with a database or without."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(sql.Identifier(role)))
    session = open_session(replication=replication)
    done = pgtop(
        "kill", "-d", weak, str(session.info.backend_pid), "--yes", environment=state
    )
    assert "it streams WAL to a standby or a subscriber" in done.stderr
    assert done.returncode == Exit.SOME_REFUSED
    with _question(weak, session.info.backend_pid, state) as terminal:
        assert "It is protected." in terminal.text
        terminal.send("y\n")
        assert terminal.wait_for_exit() == Exit.NOT_CONFIRMED
    session.execute("IDENTIFY_SYSTEM")  # it lives
