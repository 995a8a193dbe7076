"""`pgtop kill` as a role that may signal sessions and sees no start of them: what it compares, says
and wants typed.
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
    """How a role with pg_signal_backend alone connects."""
    name = f"{role}_weak"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_signal_backend").format(sql.Identifier(name))
        )
        yield make_conninfo(dsn, user=name)
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@contextmanager
def _asked(dsn: str, pid: int, state: dict[str, str]) -> Iterator[Terminal]:
    with Terminal([*PGTOP, "kill", "-d", dsn, str(pid)], 120, 30, environment=state) as terminal:
        terminal.wait_for(f"Type {pid} to go on")
        yield terminal


def test_yes_never_covers_a_session_whose_start_is_hidden(
    weak: str, open_session: Opener, state: dict[str, str]
) -> None:
    """It may be another session under the same pid: nothing is sent, and the words say what does
    it.
    """
    session = open_session()
    done = pgtop("kill", "-d", weak, str(session.info.backend_pid), "--yes", environment=state)
    assert "--yes never covers such a session: name it alone, on a terminal" in one_sentence(
        done.stderr
    )
    assert (done.returncode, alive(session)) == (Exit.SOME_REFUSED, True)


def test_a_session_whose_start_is_hidden_wants_its_pid_typed(
    weak: str, open_session: Opener, state: dict[str, str]
) -> None:
    """What cannot be compared is said before and after, and a mere y is no consent."""
    session = open_session()
    pid = session.info.backend_pid
    with _asked(weak, pid, state) as terminal:
        assert (
            f"Its start, client and type are hidden from this role: {_COMPARED} can be"
            in terminal.text
        )
        terminal.send("y\n")
        assert terminal.wait_for_exit() == Exit.NOT_CONFIRMED
    assert alive(session)
    with _asked(weak, pid, state) as terminal:
        terminal.send(f"{pid}\n")
        terminal.wait_for(f"its start was hidden, so {_COMPARED} were compared")
        assert terminal.wait_for_exit() == Exit.DONE
    assert not alive(session)


@pytest.mark.skipif(not may_choose_pids(), reason="only root on Linux may say which pid comes next")
def test_a_reused_pid_of_the_same_role_is_spared(
    dsn: str, weak: str, role: str, open_session: Opener, state: dict[str, str]
) -> None:
    """The session ends while the question is open, and its pid goes to another of its role: that
    one lives.
    """
    victim = open_session(application_name="old")
    pid = victim.info.backend_pid
    with _asked(weak, pid, state) as terminal:
        victim.close()
        parameters = conninfo_to_dict(make_conninfo(dsn, user=role, application_name="new"))
        with session_with_pid(
            pid, {name: str(value) for name, value in parameters.items()}
        ) as heir:
            terminal.send(f"{pid}\n")
            terminal.wait_for("it may be another session")
            assert terminal.wait_for_exit() == Exit.SOME_REFUSED
            assert alive(heir)


@pytest.mark.parametrize("replication", ["true", "database"])
def test_a_hidden_walsender_is_protected(
    dsn: str, weak: str, role: str, open_session: Opener, state: dict[str, str], replication: str
) -> None:
    """Its type is hidden; that it is a walsender, with a database or without, every role can
    know.
    """
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(sql.Identifier(role)))
    session = open_session(replication=replication)
    done = pgtop("kill", "-d", weak, str(session.info.backend_pid), "--yes", environment=state)
    assert "it streams WAL to a standby or a subscriber" in done.stderr
    assert done.returncode == Exit.SOME_REFUSED
    with _asked(weak, session.info.backend_pid, state) as terminal:
        assert "It is protected." in terminal.text
        terminal.send("y\n")
        assert terminal.wait_for_exit() == Exit.NOT_CONFIRMED
    session.execute("IDENTIFY_SYSTEM")  # it lives
