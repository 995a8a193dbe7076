"""Every refusal of a server has a kind, a sentence and advice."""

import asyncio
import locale
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from pgtop.model.failure import Failure, FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.dialing import LoginFailed, Refusal
from pgtop.sources.postgres.failures import explain

SETUP = (
    "CREATE ROLE plain LOGIN",
    "CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
    "CREATE ROLE nologin",
    "CREATE DATABASE small CONNECTION LIMIT 0",
    "CREATE DATABASE closed",
    "REVOKE CONNECT ON DATABASE closed FROM public",
    "CREATE DATABASE shut ALLOW_CONNECTIONS false",
)


@pytest.fixture(scope="module")
def guarded(bindir: Path | None) -> Iterator[dict[str, str]]:
    """Yield the parameters of a small server with roles and databases that refuse connections."""
    with Cluster(bindir, settings={"max_connections": "6"}) as cluster:
        hba = cluster.data / "pg_hba.conf"
        hba.write_text("local all nologin trust\nlocal all limited trust\nlocal closed all trust\n"
                       "local sealed all reject\n" + hba.read_text())  # fmt: skip
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
            for statement in SETUP:
                connection.execute(statement.encode())
        yield {
            name: str(value)
            for name, value in conninfo_to_dict(cluster.socket_dsn).items()
        }


async def failure_of(parameters: dict[str, str]) -> Failure:
    session = ServerConnection(parameters)
    with pytest.raises(SourceError) as caught:
        await session.connect()
    await session.close()
    return caught.value.failure


@pytest.mark.parametrize(
    ("changed", "kind", "what", "advice"),
    [
        ({"user": "ghost"}, FailureKind.DENIED, 'role "ghost" does not exist', "-U"),
        ({"user": "nologin"}, FailureKind.DENIED, "not permitted to log in", "-U"),
        (
            {"dbname": "ghost"},
            FailureKind.DENIED,
            'no such database: database "ghost"',
            "any",
        ),
        (
            {"dbname": "shut"},
            FailureKind.DENIED,
            "not currently accepting connections",
            "another",
        ),
        ({"dbname": "sealed"}, FailureKind.DENIED, "pg_hba.conf", "pg_hba.conf"),
        (
            {"dbname": "closed", "user": "plain"},
            FailureKind.DENIED,
            "permission denied",
            "another database",
        ),
        (
            {"user": "limited"},
            FailureKind.FULL,
            "role is at its connection limit",
            "Other roles",
        ),
        (
            {"dbname": "small", "user": "plain"},
            FailureKind.FULL,
            "database is at its",
            "any other database",
        ),
        (
            {"host": "127.0.0.1"},
            FailureKind.PASSWORD,
            "requires a password",
            "PGPASSWORD",
        ),
        (
            {"host": "127.0.0.1", "password": "x"},
            FailureKind.PASSWORD,
            "password was refused",
            "-W",
        ),
        (
            {"host": "127.0.0.1", "sslmode": "require"},
            FailureKind.OTHER,
            "SSL",
            "sslmode",
        ),
        ({"host": "/nowhere"}, FailureKind.UNREACHABLE, "socket", "-h localhost"),
        (
            {"host": "127.0.0.1", "port": "1"},
            FailureKind.UNREACHABLE,
            "Nothing listens",
            "-p",
        ),
        ({"host": "nowhere.invalid"}, FailureKind.UNREACHABLE, "name is unknown", "-h"),
        (
            {"target_session_attrs": "standby"},
            FailureKind.OTHER,
            "required kind",
            "target_session_attrs",
        ),
        (
            {"sslmode": "on"},
            FailureKind.USAGE,
            'sslmode: invalid sslmode value: "on"',
            "verify-full",
        ),
        (
            {"channel_binding": "on"},
            FailureKind.USAGE,
            "invalid channel_binding value",
            "libpq-connect",
        ),
        (
            {"ssl_min_protocol_version": "3"},
            FailureKind.USAGE,
            "parameter is invalid",
            "libpq-connect",
        ),
        (
            {"connect_timeout": "soon"},
            FailureKind.USAGE,
            "bad value for connect_timeout",
            "libpq-connect",
        ),
        (
            {"service": "nowhere"},
            FailureKind.OTHER,
            "service is unknown",
            "pg_service.conf",
        ),
        (
            {"host": "127.0.0.1,127.0.0.1", "port": "1,2"},
            FailureKind.UNREACHABLE,
            "None of 2",
            "-p",
        ),
    ],
    ids=str,
)
async def test_every_refusal_has_kind_words_and_advice(
    guarded: dict[str, str],
    changed: dict[str, str],
    kind: FailureKind,
    what: str,
    advice: str,
) -> None:
    """A refusal by a real server or network has a kind, a sentence and advice."""
    failure = await failure_of({**guarded, **changed})
    assert failure.kind is kind
    assert what in failure.what
    assert advice in failure.advice
    assert "\n" not in failure.what


async def test_the_host_nearest_to_success_is_reported(guarded: dict[str, str]) -> None:
    """If one host has a bad port and another rejects the password, the password is reported."""
    hosts = {
        "host": "127.0.0.1,127.0.0.1",
        "port": f"{guarded['port']},1",
        "password": "x",
    }
    failure = await failure_of({**guarded, **hosts})
    assert failure.kind is FailureKind.PASSWORD
    assert failure.what.startswith("None of 2 addresses accepted the connection.")


@pytest.fixture
async def full(guarded: dict[str, str]) -> AsyncIterator[AsyncExitStack]:
    """Take every slot for ordinary roles; a test may take more on the stack."""
    async with AsyncExitStack() as stack:
        for _ in range(3):
            taken = ServerConnection({**guarded, "user": "plain"})
            stack.push_async_callback(taken.close)
            await connected(taken)
        yield stack


async def connected(session: ServerConnection) -> None:
    """Connect, once the server has freed the slots of earlier tests."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await session.connect()
            except SourceError as error:
                assert error.failure.kind is FailureKind.FULL  # noqa: PT017
                await asyncio.sleep(0.01)


@pytest.mark.usefixtures("full")
async def test_full_for_ordinary_roles(guarded: dict[str, str]) -> None:
    """With only reserved slots left, an ordinary role learns which roles can still connect, and a
    superuser connects.
    """
    failure = await failure_of({**guarded, "user": "plain"})
    assert failure.kind is FailureKind.FULL
    assert failure.advice.startswith("Superusers can still connect")
    superuser = ServerConnection(guarded)
    await superuser.connect()
    await superuser.close()


async def test_full_for_all(guarded: dict[str, str], full: AsyncExitStack) -> None:
    """With all slots taken, a superuser gets that failure, too, without the advice to use --wait:
    the dashboard shows it as well, and waits anyway.
    """
    for _ in range(3):
        taken = ServerConnection(guarded)
        full.push_async_callback(taken.close)
        await connected(taken)
    failure = await failure_of(guarded)
    assert failure.kind is FailureKind.FULL
    assert failure.advice.startswith("No role can connect")
    assert "--wait" not in failure.advice


async def answer_and_leave(answer: bytes) -> Failure:
    """Return the failure at a port that sends this answer and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await failure_of(
            {"host": "127.0.0.1", "port": str(port), "user": "x", "dbname": "x"}
        )
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "kinds", "what"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            {FailureKind.OTHER},
            "Another program than PostgreSQL",
        ),
        # Starts like a message.
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            {FailureKind.OTHER, FailureKind.UNREACHABLE},
            "",
        ),
        (b"", {FailureKind.UNREACHABLE}, "cut"),
    ],
)
async def test_another_program_answers(
    answer: bytes, kinds: set[FailureKind], what: str
) -> None:
    """A port of another program is reported, whether libpq sees its answer or the end first."""
    failure = await answer_and_leave(answer)
    assert failure.kind in kinds
    assert what in failure.what


async def test_a_silent_port_is_abandoned() -> None:
    """A port that accepts the connection and stays silent is abandoned after connect_timeout."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = str(silent.getsockname()[1])
        failure = await failure_of(
            {"host": "127.0.0.1", "port": port, "connect_timeout": "2"}
        )
    assert failure.kind is FailureKind.SLOW


AT = 'connection to server at "db", port 5432 failed: '


def refused(
    *texts: str, needs_password: bool = False, missing_file: str = ""
) -> Failure:
    """Return the failure when each address was refused with one of these messages of libpq."""
    return explain(
        LoginFailed(
            [Refusal(text.encode(), needs_password) for text in texts], missing_file
        )
    )


@pytest.mark.parametrize(
    ("message", "routine", "kind", "what"),
    [
        (
            "57P03: %s",
            "ProcessStartupPacket",
            FailureKind.STARTING,
            "accepts no connections now",
        ),
        ("53300: %s", "InitProcess", FailureKind.FULL, "server is full:"),
        ("53300: %s", "ProcessStartupPacket", FailureKind.FULL, "server is full:"),
        ("53300: %s", "InitPostgres", FailureKind.FULL, "full for ordinary roles"),
        ("53300: %s", "InitializeSessionUserId", FailureKind.FULL, "role is at its"),
        ("53300: %s", "CheckMyDatabase", FailureKind.FULL, "database is at its"),
        ("53300: %s", "", FailureKind.FULL, "No connection slot is free"),
        ("28P01: %s", "auth_failed", FailureKind.PASSWORD, "password was refused"),
        ("28000: %s", "auth_failed", FailureKind.DENIED, "refuses this role from here"),
        (
            "28000: %s",
            "ClientAuthentication",
            FailureKind.DENIED,
            "refuses this role from here",
        ),
        (
            "28000: %s",
            "InitializeSessionUserId",
            FailureKind.DENIED,
            "refuses this role:",
        ),
        ("3D000: %s", "InitPostgres", FailureKind.DENIED, "no such database"),
        ("42501: %s", "CheckMyDatabase", FailureKind.DENIED, "may not do that"),
        ("55000: %s", "CheckMyDatabase", FailureKind.DENIED, "may not do that"),
        # A login trigger.
        (
            "P0001: %s",
            "exec_stmt_raise",
            FailureKind.DENIED,
            "login was refused",
        ),
        ("22023: %s", "set_config_option", FailureKind.OTHER, ""),
        ("XX000: %s", "whatever", FailureKind.OTHER, ""),
        ("08P01: %s", "", FailureKind.LOGIN, "pooler"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        "データベースシステムは起動しています",
        "starting up, too many clients",
        "x: y",
        "",
    ],
)
def test_the_language_does_not_decide_the_cause(
    message: str, routine: str, kind: FailureKind, what: str, words: str
) -> None:
    """SQLSTATE and routine decide the cause of a refused login in any language; an English message
    makes it more exact.
    """
    if message.startswith("08") and "clients" in words:
        return  # a pooler's own words
    location = f"LOCATION:  {routine}, file.c:12\n" if routine else ""
    for severity in ("FATAL", "致命的エラー", "VERHÄNGNIS: böse"):
        failure = refused(
            f"{AT}{severity}:  {message % words}\nDETAIL:  Näheres\n{location}"
        )
        assert failure.kind is kind
        assert words in failure.what
        assert "starting up" in words or what in failure.what
        assert "Näheres" not in failure.what
        assert message[:5] not in failure.what


@pytest.mark.parametrize(
    ("words", "kind", "what"),
    [
        ("no more connections allowed (max_client_conn)", FailureKind.FULL, "full"),
        (
            "client connections exceeded (max_user_client_connections)",
            FailureKind.FULL,
            "full",
        ),
        ("sorry, too many clients already", FailureKind.FULL, "full"),
        (
            "server login failed: FATAL sorry, too many clients already",
            FailureKind.FULL,
            "full",
        ),
        (
            "server login failed: FATAL the database system is starting up",
            FailureKind.STARTING,
            "starting",
        ),
        (
            "server login failed: wrong password type",
            FailureKind.UNREACHABLE,
            "cannot reach",
        ),
        (
            "server login has been failing, try again later (server_login_retry)",
            FailureKind.UNREACHABLE,
            "cannot",
        ),
        ("pgbouncer cannot connect to server", FailureKind.UNREACHABLE, "cannot reach"),
        ("client_login_timeout (server down)", FailureKind.UNREACHABLE, "cannot reach"),
        ("query_wait_timeout", FailureKind.SLOW, "no free server connection"),
        ("pooler is shutting down", FailureKind.STOPPING, "shutting down"),
        ("no such database: shop", FailureKind.DENIED, "no such database"),
        ('database "shop" does not exist', FailureKind.DENIED, "no such database"),
        ("SASL authentication failed", FailureKind.PASSWORD, "password"),
        ("no such user", FailureKind.PASSWORD, "password"),
        (
            "unsupported startup parameter: options",
            FailureKind.USAGE,
            "does not accept a parameter",
        ),
        ("tut mir leid, schon zu viele Verbindungen", FailureKind.LOGIN, "pooler"),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_messages_of_poolers(
    words: str, kind: FailureKind, what: str, inside: bool
) -> None:
    """A pooler's message is recognized at login and within a session, where all have one
    SQLSTATE.
    """
    failure = (
        explain(psycopg.errors.ProtocolViolation(words))
        if inside
        else refused(f"{AT}FATAL:  08P01: {words}\n")
    )
    assert failure.kind is kind
    assert what in failure.what


@pytest.mark.parametrize(
    ("texts", "kind", "what"),
    [
        ([AT + "No route to host"], FailureKind.UNREACHABLE, "network"),
        ([AT + "timeout expired"], FailureKind.SLOW, "No answer"),
        ([f'{AT}could not load private key file "/k": bad decrypt\n{AT}FATAL:  28000: no entry'],
         FailureKind.OTHER, "TLS file on this machine"),
        ([f'{AT}FATAL:  28000: no entry\n{AT}private key file "/k" has group or world access'],
         FailureKind.OTHER, "TLS file on this machine"),
        ([AT + "Connection refused", AT + "FATAL:  28P01: no"], FailureKind.PASSWORD, "None of 2"),
        ([""], FailureKind.OTHER, ""),
    ],
)  # fmt: skip
def test_messages_of_libpq(texts: list[str], kind: FailureKind, what: str) -> None:
    """The messages of libpq itself are in English: nothing in this process sets another
    language.
    """
    assert locale.setlocale(locale.LC_MESSAGES) == "C"
    failure = refused(*texts)
    assert failure.kind is kind
    assert what in failure.what


def test_a_missing_client_certificate_is_reported() -> None:
    """Without it libpq connects anyway, and the server's refusal alone would send the user to
    pg_hba.conf.
    """
    failure = refused(
        f"{AT}FATAL:  28000: connection requires a valid client certificate",
        missing_file="/c.crt",
    )
    assert "/c.crt does not exist" in failure.what
    assert "pg_hba" not in failure.advice
    assert (
        refused(f"{AT}Connection refused", missing_file="/c.crt").kind
        is FailureKind.UNREACHABLE
    )


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("28P01", FailureKind.PASSWORD),
        ("28000", FailureKind.DENIED),
        ("3D000", FailureKind.DENIED),
        ("42501", FailureKind.DENIED),
        ("53300", FailureKind.FULL),
        ("55P03", FailureKind.SLOW),
        ("57014", FailureKind.SLOW),
        ("57P01", FailureKind.TERMINATED),
        ("57P02", FailureKind.TERMINATED),
        ("57P03", FailureKind.STARTING),
        ("57P05", FailureKind.TERMINATED),
        ("22012", FailureKind.OTHER),
    ],
)
def test_sqlstates(sqlstate: str, kind: FailureKind) -> None:
    """A SQLSTATE decides the kind, whatever the language of the message; the message is shown."""
    failure = explain(
        psycopg.errors.lookup(sqlstate)("auf gut Deutsch: too many clients")
    )
    assert failure.kind is kind
    assert "auf gut Deutsch" in failure.what


def test_a_missing_privilege_within_a_session() -> None:
    """A role that is connected does not get the advice to use another database."""
    failure = explain(
        psycopg.errors.InsufficientPrivilege(
            "permission denied for function pg_lock_status"
        )
    )
    assert (
        failure.what
        == "This role lacks a privilege: permission denied for function pg_lock_status"
    )
    assert (
        failure.advice
        == "Grant the role the privilege that the message names, or connect as another role (-U)."
    )


@given(st.text())
def test_any_message_is_explained_in_one_line(text: str) -> None:
    """Every message has an explanation, and it is one line."""
    for failure in (
        explain(psycopg.OperationalError(text)),
        refused(text),
        refused(f"{AT}F:  08P01: {text}"),
    ):
        assert "\n" not in failure.what
