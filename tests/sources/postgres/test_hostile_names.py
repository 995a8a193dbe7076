"""Servers of each encoding, with the worst names and texts that they accept: shown cleaned, printed
whole.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from psycopg import pq

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.signalling.audit_log import FILE_NAME
from pgtop.signalling.audit_reader import read
from pgtop.sources.postgres.encoding import decode_name
from tests.cli import pgtop
from tests.hostile_text import harmful
from tests.keys import typed
from tests.pty import Terminal

_ESCAPES = b"\x1b[31m\x1b]0;owned\x07\x7f\x01"
_NAMES = {
    "UTF8": "büro 日本\u202e\u200b\x9b2J".encode() + _ESCAPES,
    "LATIN1": b"b\xfcro \x9b2J\x85\xad" + _ESCAPES,
    "SQL_ASCII": b"b\xfcro \xff\xfe\x9b2J \xc3(" + _ESCAPES,
    "EUC_JP": "事務所".encode("euc_jp") + b"\x8f\xb0\xa1" + _ESCAPES,
    "WIN1251": "контора".encode("cp1251") + b"\x98" + _ESCAPES,
}
"""A name that a server of the encoding takes; SQL_ASCII takes any bytes."""
_BYTES = b"SELECT 1 -- \xff\xfe\xe9\x9b2J\xe2\x80\xae" + _ESCAPES
"""A query in a database without an encoding."""
_SETTINGS = {"max_connections": "20", "max_prepared_transactions": "2"}


class HostileServer(NamedTuple):
    """A server in one encoding, on which everything has the same hostile name."""

    cluster: Cluster
    encoding: str
    name: bytes

    @property
    def shown(self) -> str:
        """The name as text."""
        return decode_name(self.name, self.encoding)


class RawSession:
    """A session that sends and receives undecoded bytes."""

    def __init__(
        self, cluster: Cluster, user: bytes = b"postgres", database: bytes = b"postgres"
    ) -> None:
        known = {
            b"host": str(cluster.folder).encode(),
            b"port": str(cluster.port).encode(),
        }
        options = {
            **known,
            b"user": user,
            b"dbname": database,
            b"client_encoding": b"SQL_ASCII",
        }
        words = b" ".join(
            name + b"='" + value.replace(b"\\", b"\\\\") + b"'"
            for name, value in options.items()
        )
        self.pgconn = pq.PGconn.connect(words)
        assert self.pgconn.status == pq.ConnStatus.OK, self.pgconn.error_message

    def run(self, sql: bytes) -> None:
        result = self.pgconn.exec_(sql)
        assert result.status != pq.ExecStatus.FATAL_ERROR, result.error_message

    def start(self, sql: bytes) -> None:
        """Send a query without waiting for its answer."""
        self.pgconn.send_query(sql)

    def close(self) -> None:
        self.pgconn.finish()


@pytest.fixture(scope="module", params=_NAMES)
def server(request: pytest.FixtureRequest, bindir: Path) -> Iterator[HostileServer]:
    """Yield the server, with a role, a database, a table and a prepared transaction of that name,
    and three sessions: one holds the table, the next waits for it, and the last is in a database
    without an encoding.
    """
    encoding: str = request.param
    name = _NAMES[encoding]
    quoted = b'"' + name + b'"'
    with ExitStack() as stack:
        initdb = (f"--encoding={encoding}", "--no-locale")
        cluster = stack.enter_context(
            Cluster(bindir, settings=_SETTINGS, initdb=initdb)
        )

        def session(**where: bytes) -> RawSession:
            opened = RawSession(cluster, **where)
            stack.callback(opened.close)
            return opened

        admin = session()
        admin.run(b"CREATE ROLE " + quoted + b" LOGIN")
        admin.run(b"CREATE DATABASE " + quoted)
        admin.run(b"CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
        admin.run(
            b"CREATE TABLE "
            + quoted
            + b" (number int); GRANT ALL ON "
            + quoted
            + b" TO public"
        )
        admin.run(b"BEGIN; SELECT txid_current(); PREPARE TRANSACTION '" + name + b"'")
        holder, waiter, stranger = (
            session(user=name),
            session(user=name),
            session(user=name, database=b"bytes"),
        )
        session(user=name, database=name).run(b"SELECT '" + name + b"'")
        for each in (holder, waiter, stranger):
            each.run(b"SET application_name = '" + name + b"'")
        holder.run(b"BEGIN; LOCK TABLE " + quoted)
        waiter.start(b"BEGIN; LOCK TABLE " + quoted + b" -- " + name)
        stranger.run(_BYTES)
        yield HostileServer(cluster, encoding, name)


def _printed(*words: str) -> str:
    done = pgtop(*words)
    assert done.stderr == ""
    return done.stdout


def _sessions(server: HostileServer, *more: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(
        _printed("show", "--json", *more, server.cluster.socket_dsn)
    )["sessions"]
    return [row for row in shown if row["usename"] == server.shown]


def test_programs_get_every_name_and_text(server: HostileServer) -> None:
    """JSON has role, database and queries as they were written, whatever the database of each
    session.
    """
    rows = _sessions(server)
    assert len(rows) == 4
    assert {row["datname"] for row in rows} == {"postgres", "bytes", server.shown}
    queries = {row["query"] for row in rows}
    assert decode_name(_BYTES) in queries
    assert f"SELECT '{server.shown}'" in queries
    csv_rows = csv.DictReader(
        io.StringIO(_printed("show", "--csv", server.cluster.socket_dsn), newline="")
    )
    assert {row["query"] for row in csv_rows} >= queries


def test_locks_name_the_table_and_the_prepared_transaction(
    server: HostileServer,
) -> None:
    """JSON has the relation and the gid as they were written; the text output is cleaned."""
    done = pgtop("locks", "--json", server.cluster.socket_dsn)
    assert (done.returncode, done.stderr) == (Exit.WAITING, "")
    output = json.loads(done.stdout)
    assert [
        server.shown in node["target"] for node in output["nodes"] if node["target"]
    ] == [True]
    assert server.shown in {holder["name"] for holder in output["xmin_holders"]}
    for words in (("locks",), ("show", "--all"), ("budget",)):
        assert harmful(pgtop(*words, server.cluster.socket_dsn).stdout) == {"\n"}


def test_the_terminal_gets_no_control_of_a_name(server: HostileServer) -> None:
    """The table, the lock tree and a detail show the names without their control characters."""
    with Terminal(
        [sys.executable, "-m", "pgtop", server.cluster.socket_dsn], 160, 50
    ) as terminal:
        terminal.wait_for("LOCK TABLE")
        terminal.send("3")
        terminal.wait_for("AccessExclusive on")
        terminal.send("\r")
        terminal.wait_for("Your rights")
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == Exit.DONE
        raw = terminal.raw.decode()
    assert "owned" in raw
    assert "\x1b]0;" not in raw
    assert not harmful(raw) & set("\x01\x7f\x85\x9b\x9d\xad\u200b\u202e")


def test_a_session_of_a_hostile_role_is_killed_and_logged(
    server: HostileServer, tmp_path: Path
) -> None:
    """A session is found by its hostile role, terminated, and logged with the name as it was."""
    victim = RawSession(server.cluster, user=server.name)
    victim.run(b"SET application_name = 'victim'")
    done = pgtop(
        "kill",
        "-d",
        server.cluster.socket_dsn,
        "app:=victim",
        "--yes",
        environment={"XDG_STATE_HOME": str(tmp_path)},
    )
    victim.close()
    assert done.returncode == Exit.DONE, done.stderr
    assert not harmful(done.stdout) - {"\n"}
    [record] = read(tmp_path / "pgtop" / FILE_NAME).records
    assert record.as_dict()["role"] == server.shown
