"""Servers of each encoding, with the worst names and texts that they take: shown tame, printed
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


class Town(NamedTuple):
    """A server in one encoding, and the one name that everything there has."""

    cluster: Cluster
    encoding: str
    name: bytes

    @property
    def shown(self) -> str:
        """The name as text."""
        return decode_name(self.name, self.encoding)


class Raw:
    """A session that takes and sends bytes as they are."""

    def __init__(
        self, cluster: Cluster, user: bytes = b"postgres", database: bytes = b"postgres"
    ) -> None:
        known = {b"host": str(cluster.folder).encode(), b"port": str(cluster.port).encode()}
        given = {**known, b"user": user, b"dbname": database, b"client_encoding": b"SQL_ASCII"}
        words = b" ".join(
            name + b"='" + value.replace(b"\\", b"\\\\") + b"'" for name, value in given.items()
        )
        self.pgconn = pq.PGconn.connect(words)
        assert self.pgconn.status == pq.ConnStatus.OK, self.pgconn.error_message

    def run(self, sql: bytes) -> None:
        result = self.pgconn.exec_(sql)
        assert result.status != pq.ExecStatus.FATAL_ERROR, result.error_message

    def start(self, sql: bytes) -> None:
        """Send it and do not wait."""
        self.pgconn.send_query(sql)

    def close(self) -> None:
        self.pgconn.finish()


@pytest.fixture(scope="module", params=_NAMES)
def town(request: pytest.FixtureRequest, bindir: Path) -> Iterator[Town]:
    """The server: a role, a database, a table and a prepared transaction of that name, and sessions
    of theirs.

    One holds the table, the other waits for it, the third is in a database without an encoding.
    """
    encoding: str = request.param
    name = _NAMES[encoding]
    quoted = b'"' + name + b'"'
    with ExitStack() as stack:
        initdb = (f"--encoding={encoding}", "--no-locale")
        cluster = stack.enter_context(Cluster(bindir, settings=_SETTINGS, initdb=initdb))

        def session(**where: bytes) -> Raw:
            opened = Raw(cluster, **where)
            stack.callback(opened.close)
            return opened

        admin = session()
        admin.run(b"CREATE ROLE " + quoted + b" LOGIN")
        admin.run(b"CREATE DATABASE " + quoted)
        admin.run(b"CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
        admin.run(
            b"CREATE TABLE " + quoted + b" (number int); GRANT ALL ON " + quoted + b" TO public"
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
        yield Town(cluster, encoding, name)


def _printed(*words: str) -> str:
    done = pgtop(*words)
    assert done.stderr == ""
    return done.stdout


def _sessions(town: Town, *more: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(
        _printed("show", "--json", *more, town.cluster.socket_dsn)
    )["sessions"]
    return [row for row in shown if row["usename"] == town.shown]


def test_programs_get_every_name_and_text(town: Town) -> None:
    """JSON has role, database and queries as they were written, whatever database each session is
    in.
    """
    rows = _sessions(town)
    assert len(rows) == 4
    assert {row["datname"] for row in rows} == {"postgres", "bytes", town.shown}
    queries = {row["query"] for row in rows}
    assert decode_name(_BYTES) in queries
    assert f"SELECT '{town.shown}'" in queries
    csv_rows = csv.DictReader(
        io.StringIO(_printed("show", "--csv", town.cluster.socket_dsn), newline="")
    )
    assert {row["query"] for row in csv_rows} >= queries


def test_locks_name_the_table_and_the_prepared_transaction(town: Town) -> None:
    """In JSON the relation and the gid are as they were written; for people all of it is tame."""
    done = pgtop("locks", "--json", town.cluster.socket_dsn)
    assert (done.returncode, done.stderr) == (Exit.WAITING, "")
    told = json.loads(done.stdout)
    assert [town.shown in node["target"] for node in told["nodes"] if node["target"]] == [True]
    assert town.shown in {holder["name"] for holder in told["xmin_holders"]}
    for words in (("locks",), ("show", "--all"), ("budget",)):
        assert harmful(pgtop(*words, town.cluster.socket_dsn).stdout) == {"\n"}


def test_the_terminal_gets_none_of_it(town: Town) -> None:
    """The dashboard, the tree of waiters and a whole session show the names, and no control of
    theirs is written.
    """
    with Terminal([sys.executable, "-m", "pgtop", town.cluster.socket_dsn], 160, 50) as terminal:
        terminal.wait_for("LOCK TABLE")
        terminal.send("3")
        terminal.wait_for("AccessExclusive on")
        terminal.send("\r")
        terminal.wait_for("Your rights")
        terminal.send("q")
        assert terminal.wait_for_exit() == Exit.DONE
        raw = terminal.raw.decode()
    assert "owned" in raw
    assert "\x1b]0;" not in raw
    assert not harmful(raw) & set("\x01\x7f\x85\x9b\x9d\xad\u200b\u202e")


def test_the_trail_and_the_kill_name_it(town: Town, tmp_path: Path) -> None:
    """A session is found by its hostile role, ended, and written down as it was."""
    victim = Raw(town.cluster, user=town.name)
    victim.run(b"SET application_name = 'victim'")
    done = pgtop(
        "kill",
        "-d",
        town.cluster.socket_dsn,
        "app:=victim",
        "--yes",
        environment={"XDG_STATE_HOME": str(tmp_path)},
    )
    victim.close()
    assert done.returncode == Exit.DONE, done.stderr
    assert not harmful(done.stdout) - {"\n"}
    [record] = read(tmp_path / "pgtop" / FILE_NAME).records
    assert record.as_dict()["role"] == town.shown
