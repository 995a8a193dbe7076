"""With --redact no literal of a query leaves pgtop by any way."""

import base64
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgtop.model.backend import HIDDEN_QUERY, Backend
from pgtop.model.detail import Detail, StartSetting
from pgtop.model.snapshot import IdleGroup
from pgtop.signalling.audit_log import FILE_NAME
from pgtop.signalling.protection import protection
from pgtop.sources.redacting import RedactingSource, without_literals
from tests.cli import pgtop
from tests.fakes import FakeSource
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.scenes import NOW, active, calm, client, snapshot
from tests.waiting import until

_SECRET = "open sesame"
_QUERY = (
    f"SELECT '{_SECRET}' AS word, pg_advisory_lock(4711) /* {_SECRET} */ -- {_SECRET}"
)
_SHOWN = "SELECT '?' AS word"


@pytest.fixture
def talker(dsn: str) -> Iterator[None]:
    """Yield an ordinary role's session that waits for a lock in a query with a secret."""
    with psycopg.connect(dsn, autocommit=True) as holder:
        holder.execute("CREATE ROLE talker LOGIN PASSWORD 'x'")
        holder.execute("SELECT pg_advisory_lock(4711)")
        connection = psycopg.connect(
            make_conninfo(dsn, user="talker", password="x", application_name="talker")
        )
        with closing(connection):
            connection.pgconn.send_query(_QUERY.encode())
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            until(lambda: holder.execute(waits).fetchone() == (1,), "no session waits")
            yield
        holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'talker'"
        )
        holder.execute("DROP ROLE talker")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "--json"],
        ["show", "--csv"],
        ["show", "--all"],
        ["locks", "--json"],
        ["locks"],
        ["kill", "app:talker", "--dry-run", "--json"],
        ["kill", "app:talker", "--dry-run"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("by", ["option", "file"])
@pytest.mark.usefixtures("talker")
def test_printed_output_has_no_literal(
    by: str, words: list[str], dsn: str, tmp_path: Path
) -> None:
    """Tables, JSON, CSV and plans contain no literal, whether the option or the configuration file
    demands it.
    """
    (tmp_path / "config.toml").write_text("redact = true\n")
    target = ["-d", dsn]
    if by == "option":
        done = pgtop(*words, *target, "--redact")
    else:
        done = pgtop(
            *words, *target, environment={"PGTOP_CONFIG": str(tmp_path / "config.toml")}
        )
    assert _SECRET not in done.stdout + done.stderr
    assert _SHOWN in done.stdout


def test_a_dollar_quote_with_an_undecodable_tag(dsn: str) -> None:
    """A tag may be any bytes in a database without an encoding, and the text between two of them is
    a literal.
    """
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            "CREATE DATABASE pgtop_bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
            "TEMPLATE template0"
        )
        with closing(
            psycopg.connect(make_conninfo(dsn, dbname="pgtop_bytes"))
        ) as session:
            session.pgconn.exec_(b"select $\xe9$ open sesame $\xe9$")
            done = pgtop(
                "show", "--json", "-d", dsn, "--redact", "--filter", "db:pgtop_bytes"
            )
        admin.execute("DROP DATABASE pgtop_bytes")
    assert [each["query"] for each in json.loads(done.stdout)["sessions"]] == [
        "select $$?$$"
    ]


def test_the_query_id_of_a_utility_statement_is_null(dsn: str) -> None:
    """A password could be guessed from the query_id of a utility statement; that of a SELECT does
    not depend on literals.
    """
    queries = ["ALTER ROLE postgres VALID UNTIL 'infinity'", "SELECT 'sesame'"]
    ids = []
    for query in queries:
        with closing(
            psycopg.connect(
                make_conninfo(dsn, application_name="sesame"), autocommit=True
            )
        ) as session:
            if session.info.server_version < 140_000:
                return
            session.execute("SET compute_query_id = on")
            session.execute(query)
            for option in ([], ["--redact"]):
                done = pgtop(
                    "show", "--json", "-d", dsn, "--filter", "app:sesame", *option
                )
                ids += [
                    each["query_id"] for each in json.loads(done.stdout)["sessions"]
                ]
    assert [each is None for each in ids] == [False, True, False, False]


@pytest.mark.usefixtures("talker")
def test_the_screen_shows_no_literal(dsn: str, tmp_path: Path) -> None:
    """Table, filter, detail, copy, dialog and audit log contain no secret, and no filter finds
    one."""
    command = [sys.executable, "-m", "pgtop", dsn, "--redact"]
    with Terminal(
        command, columns=160, environment={"XDG_STATE_HOME": str(tmp_path)}
    ) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("filter", "query:open", "open"))
        terminal.wait_for("No session matches query:open")
        terminal.send("/\x15app:talker\r")
        terminal.wait_for(_SHOWN)
        terminal.send("\r")
        terminal.wait_for("AS word")
        for row, name in (
            (2, "the row of"),
            (4, "the EXPLAIN of"),
            (0, "the query of"),
        ):
            terminal.send(typed("copy_menu", "j" * row, "open"))
            terminal.wait_for(name)
        terminal.wait_for("sent to the terminal by OSC 52")
        terminal.send(typed("clear"))
        terminal.wait_for(READY)
        terminal.send(typed("terminate"))
        terminal.wait_for_question("Terminate session")
        terminal.send(typed("confirm"))
        terminal.wait_for("gone after")
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        raw = terminal.raw.decode()
    copied = [
        base64.b64decode(copy).decode()
        for copy in re.findall(r"\x1b\]52;c;([^\x07\x1b]+)", raw)
    ]
    assert _SHOWN in copied[0]
    assert _SHOWN in copied[-1]
    trail = (tmp_path / "pgtop" / FILE_NAME).read_text()
    assert _SHOWN in trail
    assert not [text for text in (raw, *copied, trail) if "sesame" in text]


def test_an_audit_log_with_literals_is_masked(tmp_path: Path) -> None:
    """`pgtop audit --redact` masks literals when it prints them, and finds none."""
    entry = {
        "event": "asked", "id": "1", "at": "2026-11-22T10:00:00+00:00", "os_user": "anna",
        "server": "db1:5432",
        "as_role": "dba", "signal": "cancel", "pid": 1, "backend_start": None, "role": "web",
        "database": "shop",
        "application": "", "client": None, "query": _QUERY, "reason": "",
    }  # fmt: skip
    trail = tmp_path / "pgtop" / FILE_NAME
    trail.parent.mkdir()
    trail.write_text(json.dumps(entry) + "\n")
    for words in ([], ["--json"]):
        done = pgtop(
            "audit", "--redact", *words, environment={"XDG_STATE_HOME": str(tmp_path)}
        )
        assert _SECRET not in done.stdout
        assert _SHOWN in done.stdout
    assert (
        pgtop(
            "audit", "--redact", "sesame", environment={"XDG_STATE_HOME": str(tmp_path)}
        ).stdout
        == ""
    )


async def test_a_text_is_masked_once() -> None:
    """An unchanged backend is the same object in the next snapshot; another text makes another
    one."""
    first = active(1, "web@shop", "pool", "SELECT 1", 1.0)
    second = first._replace(query="SELECT 2, x")
    source = RedactingSource(
        FakeSource([snapshot([first]), snapshot([first]), snapshot([second]), calm()])
    )
    [shown], [again], [other] = [(await source.sample()).backends for _ in range(3)]
    assert shown.query == "SELECT ?"
    assert again is shown
    assert other.query == "SELECT ?, x"


def test_the_query_id_of_an_incomplete_text_is_null() -> None:
    """Another statement may stand behind the cut, and a text that was not yet sent may be of any
    kind.
    """
    select = client(1, "web@shop", since=60)._replace(
        query="SELECT a, b, c", query_id=7
    )
    assert without_literals(select).query_id == 7
    assert without_literals(select, size=14).query_id is None
    assert without_literals(select._replace(query=None)).query_id is None
    assert (
        without_literals(select._replace(query="ALTER ROLE web PASSWORD 'x'")).query_id
        is None
    )


def test_protection_does_not_depend_on_masked_text() -> None:
    """A table name with a quote in it hides no anti-wraparound vacuum, and hidden text is reported
    as hidden.
    """
    vacuum = Backend(
        1,
        datname="shop",
        backend_type="autovacuum worker",
        query="autovacuum: VACUUM a.it's 7 (to prevent wraparound)",
    )
    server = calm().server
    assert (
        protection(server, without_literals(vacuum)) == protection(server, vacuum) != ""
    )
    assert without_literals(Backend(1, query=HIDDEN_QUERY)).query == HIDDEN_QUERY


async def test_idle_sessions_are_masked_too() -> None:
    """The texts of idle sessions, which are kept as one group, are masked as well."""
    idle = client(1, "web@shop", since=60)._replace(query="SELECT 'sesame'")
    came = replace(snapshot([]), idle_group=IdleGroup((idle,)))
    seen = await RedactingSource(FakeSource([came])).sample()
    assert [each.query for each in (*seen.ungrouped, *seen.idle_group.backends)] == [
        "SELECT '?'"
    ]


async def test_the_settings_of_a_role_have_no_values() -> None:
    """A setting of an application's own may hold a secret."""
    backend = client(4711, "web@shop")
    source = FakeSource([snapshot([backend])])
    setting = StartSetting("app.token", "s3cret", "the setting of role web")
    detail = Detail(NOW, backend, query_is_cut=False, settings=(setting,))
    source.details[backend.identity] = detail
    seen = await RedactingSource(source).detail(backend.identity)
    assert seen is not None
    assert seen.settings == (setting._replace(value="?"),)
