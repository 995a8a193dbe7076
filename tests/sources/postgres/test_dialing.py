"""The connection options, read as libpq reads them, and a connecting thread that may be late."""

import asyncio
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import DiagnosticField

from pgtop.demo.server import Cluster
from pgtop.model.connecting import ConnectSteps
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres.background import BackgroundThread
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.conninfo import (
    ResolvedOptions,
    attempts,
    conninfo,
    password_for,
    resolve,
)
from pgtop.sources.postgres.dialing import dial
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.failures import explain
from pgtop.sources.postgres.option_checks import refusal
from pgtop.sources.postgres.pg_connection import PgConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.waiting import PATIENCE, until


async def test_a_late_result_is_discarded() -> None:
    """The thread discards a result for which no task waits, and the next work starts after that."""
    background, gate, discarded = BackgroundThread(), threading.Event(), list[int]()

    def work() -> int:
        gate.wait(PATIENCE)
        return 7

    late = asyncio.create_task(background.run(work, discarded.append))
    await asyncio.sleep(0)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    following = asyncio.create_task(background.run(lambda: len(discarded)))
    await asyncio.sleep(0)
    assert not following.done()
    gate.set()
    assert await following == 1
    assert discarded == [7]


async def test_an_interrupted_login_holds_no_slot(cluster: Cluster) -> None:
    """A login that is interrupted at any moment leaves no session."""
    options = {
        "host": str(cluster.folder),
        "port": str(cluster.port),
        "user": "postgres",
        "dbname": "postgres",
        "application_name": "left behind",
    }
    for delay in (0.0, 0.001, 0.003, 0.01, 0.03):
        dialing = dial(BackgroundThread(), ResolvedOptions(options), ConnectSteps())
        task = asyncio.create_task(dialing)
        await asyncio.sleep(delay)
        if not task.cancel():
            task.result().finish()
        await asyncio.wait({task})
    with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'left behind'"
        until(lambda: admin.execute(query).fetchone() == (0,), "a session is left")


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("@pgtop", False), ("/tmp/a@b", False), ("/tmp/a b", False), ("db1,db2", False),
        ("::1", False), ("fe80::1%eth0", False), ("bücher.example", False), ("a@b", True),
        ("db1:5432", True), ("db 1", True), ("/tmp,a:b@c", True), ("//a:b@c/d", True),
        ("h;password=x", True), ("@a:b@c", True),
    ],
)  # fmt: skip
def test_which_values_can_be_a_host(host: str, refused: bool) -> None:
    """A host is a name, an address, a socket's folder or an abstract socket, or several of them."""
    assert bool(refusal({"host": host})) == refused


@pytest.mark.parametrize(
    "name",
    [b"with an @ in it", b"with blank", b"of: colons", b"b\xc3\xbcro", b"b\xfcro"],
)
async def test_a_socket_in_a_folder_of_any_name(
    cluster: Cluster, tmp_path: Path, name: bytes
) -> None:
    """An @ or a blank in a folder's name has no meaning, as in psql. The folder is shown as text,
    and leads a second connection to the same server.
    """
    folder = os.fsencode(tmp_path / os.fsdecode(name))
    os.symlink(cluster.folder, folder)
    session = ServerConnection(
        {
            "host": os.fsdecode(folder),
            "port": str(cluster.port),
            "user": "postgres",
            "dbname": "postgres",
        }
    )
    snapshot = await PostgresSource(session).sample()
    assert snapshot.server.host == decode_name(folder)
    async with session.acquire():
        sibling = session.to_database("template1")
    await sibling.connect()
    await sibling.close()
    await session.close()


async def test_a_role_of_any_name(parameters: dict[str, str], connect: Connect) -> None:
    """A role's name in UTF-8 reaches the server and comes back."""
    name = "pgtop_jürgen"
    admin = await connect()
    await admin.execute(f'CREATE ROLE "{name}" SUPERUSER LOGIN')
    try:
        session = ServerConnection({**parameters, "user": name})
        snapshot = await PostgresSource(session).sample()
        assert snapshot.server.user == name
        await session.close()
    finally:
        await admin.execute(f'DROP ROLE "{name}"')


@pytest.mark.parametrize(("port", "number"), [(b"6432", 6432), (b"", 5432)])
def test_a_port_set_to_nothing_is_the_usual_one(port: bytes, number: int) -> None:
    """As in libpq, which before 16 returns what was set."""
    pgconn: Any = SimpleNamespace(port=port)
    assert PgConnection(pgconn).port == number


def test_the_reason_for_the_end_is_kept_in_any_language() -> None:
    """The words of the server stay as they are, and its warnings are no reason."""
    words = "завершение подключения"
    pgconn: Any = SimpleNamespace()
    connection = PgConnection(pgconn)
    fields = {
        DiagnosticField.SEVERITY_NONLOCALIZED: b"FATAL",
        DiagnosticField.SQLSTATE: b"57P01",
        DiagnosticField.MESSAGE_PRIMARY: words.encode(),
    }
    warning = {**fields, DiagnosticField.SEVERITY_NONLOCALIZED: b"WARNING"}
    pgconn.notice_handler(SimpleNamespace(error_field=warning.get))
    assert connection.fatal_error is None
    pgconn.notice_handler(SimpleNamespace(error_field=fields.get))
    assert connection.fatal_error is not None
    failure = explain(connection.fatal_error)
    assert (failure.kind, words in failure.what) == (FailureKind.TERMINATED, True)


async def test_an_abstract_socket(cluster: Cluster) -> None:
    """-h @NAME reaches Linux's sockets without a file."""
    name = f"pgtop-{os.getpid()}"
    server = await asyncio.start_unix_server(
        lambda reader, writer: _carry(
            reader, writer, f"{cluster.folder}/.s.PGSQL.{cluster.port}"
        ),
        f"\0{name}/.s.PGSQL.{cluster.port}",
    )
    session = ServerConnection(
        {
            "host": f"@{name}",
            "port": str(cluster.port),
            "user": "postgres",
            "dbname": "postgres",
        }
    )
    await session.connect()
    await session.close()
    server.close()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> None:
    far_reader, far_writer = await asyncio.open_unix_connection(path)
    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize(
    ("lines", "password"),
    [
        ("db1:5432:shop:web:right", "right"),
        ("*:*:*:*:right", "right"),
        ("#*:*:*:*:wrong\ndb2:*:*:*:wrong\n*:*:*:web:right\n*:*:*:*:late", "right"),
        ("db1:5433:*:*:wrong", None),
        (r"*:*:*:*:ri\:g\\ht:rest", r"ri:g\ht"),
        (r"d\b1:*:*:*:right", "right"),
        ("*:*:*:right", None),
        ("\r\n*:*:*:*:right\r\n", "right"),
        ("", None),
    ],
)
def test_the_password_file_is_read_as_libpq_reads_it(
    lines: str, password: str | None
) -> None:
    """The first matching line counts, with its backslashes resolved."""
    options = {"host": "db1", "port": "5432", "dbname": "shop", "user": "web"}
    assert password_for(options, lines) == password


def test_a_password_file_that_others_can_read_is_ignored(tmp_path: Path) -> None:
    """Such a file is ignored, as libpq does."""
    path = tmp_path / "passwords"
    path.write_text("*:*:*:*:right")
    for mode, password in ((0o600, "right"), (0o640, None), (0o604, None)):
        path.chmod(mode)
        assert password_for({"user": "web", "passfile": str(path)}, None) == password


def test_the_command_line_overrides_service_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line overrides the service, which overrides the variables; the first of several
    lines in the file counts.
    """
    path = tmp_path / "services"
    path.write_text(
        "# services\n[other]\nport=1\n[mine]\nport=2\nport=3\n\nuser=web\nhost=a\n[mine]\nport=4\n"
    )
    for name, value in {
        "PGSERVICEFILE": str(path),
        "PGSERVICE": "mine",
        "PGPORT": "5",
        "PGUSER": "x",
        "PGAPPNAME": "y",
    }.items():
        monkeypatch.setenv(name, value)
    options = resolve({"host": "b"}).options
    assert {name: options[name] for name in ("host", "port", "user", "application_name")} == {
        "host": "b", "port": "2", "user": "web", "application_name": "y",
    }  # fmt: skip
    assert "service" not in options
    for wrong in (
        "[mine]\ncolour=blue",
        "[mine]\nport",
        "[mine]\nservice=x",
        "[mine]\nldap://x/y?z",
    ):
        path.write_text(wrong)
        with pytest.raises(psycopg.OperationalError, match="service"):
            resolve({})


def test_several_hosts_and_ports() -> None:
    """Each host has its port, or all share one; lists of other lengths are refused."""
    places = [
        (each["host"], each["port"])
        for each in attempts({"host": "/a,@b", "port": "1,2"})
    ]
    assert places == [("/a", "1"), ("@b", "2")]
    assert [each["port"] for each in attempts({"host": "/a,@b", "port": "1"})] == [
        "1",
        "1",
    ]
    assert [each["hostaddr"] for each in attempts({"host": "127.0.0.1,::1"})] == [
        "127.0.0.1",
        "::1",
    ]
    kinds = [
        each["target_session_attrs"]
        for each in attempts({"target_session_attrs": "prefer-standby"})
    ]
    assert kinds == ["standby", "any"]
    with pytest.raises(psycopg.OperationalError, match="invalid port value"):
        attempts({"host": "/a,/b,/c", "port": "1,2"})


@given(
    st.dictionaries(
        st.sampled_from(["user", "dbname", "password", "options"]),
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1),
    )
)
def test_libpq_reads_what_was_written(options: dict[str, str]) -> None:
    """No quote, backslash or blank in a value changes another one."""
    parsed = psycopg.conninfo.conninfo_to_dict(conninfo(options).decode())
    assert parsed == options


async def test_a_variable_with_a_connection_string_in_it_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection string in PGHOST, PGDATABASE or PGUSER is refused, and the message quotes none
    of it.
    """
    for name in (
        "PGHOST",
        "PGDATABASE",
        "PGUSER",
        "PGPORT",
        "PGHOSTADDR",
        "PGSERVICE",
        "PGSSLMODE",
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, "postgresql://anna:sesame@127.0.0.1/db")
            with pytest.raises(SourceError) as caught:
                await ServerConnection({}).connect()
        assert caught.value.failure.kind is FailureKind.USAGE
        assert (
            "same" not in f"{caught.value.failure.what} {caught.value.failure.advice}"
        )
