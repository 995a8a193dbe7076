"""Passwords on the command line: hidden from the list of processes, and quoted by no error."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from psycopg import pq

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.filters import filter_for_signals
from pgtop.cli.args.options import parse
from pgtop.cli.argv_secrets import SECRETS, masked
from pgtop.cli.connection_string import parameters_of
from pgtop.demo.server import Cluster
from pgtop.errors import UsageError
from pgtop.sources.postgres import connection_log
from pgtop.sources.postgres.option_checks import refusal
from tests.cli import pgtop
from tests.keys import READY, typed
from tests.pty import Terminal


@pytest.mark.parametrize(
    ("text", "masked_text"),
    [
        (
            "postgresql://anna:open%20sesame@db1:5432/shop",
            "postgresql://anna:xxxxxxxxxxxxx@db1:5432/shop",
        ),
        ("postgres://:pw@/shop", "postgres://:xx@/shop"),
        (
            "postgres://anna:p?w#@/shop?password=pw",
            "postgres://anna:xxxx@/shop?password=xx",
        ),
        (
            "postgresql://db1/shop?user=anna&password=pw&port=1",
            "postgresql://db1/shop?user=anna&password=xx&port=1",
        ),
        ("host=db1 password=pw dbname=shop", "host=db1 password=xx dbname=shop"),
        (
            "password = 'open \\' sesame' host=db1",
            "password = xxxxxxxxxxxxxxxx host=db1",
        ),
        ("host=db1 password=a password=b", "host=db1 password=x password=x"),
        ("password=open\\ sesame host=db1", "password=xxxxxxxxxxxx host=db1"),
        ("host='db1'password=pw", "host='db1'password=xx"),
        ("postgresql://db1/?pass%77ord=pw", "postgresql://db1/?pass%77ord=xx"),
        (
            "postgresql://db1/?password=p#w&sslmode=require",
            "postgresql://db1/?password=xxx&sslmode=require",
        ),
        ("host=db1 sslpassword=pw password=pw", "host=db1 sslpassword=xx password=xx"),
        (
            "postgresql://db1/?sslpassword=pw&oauth_client_secret=pw&port=1",
            "postgresql://db1/?sslpassword=xx&oauth_client_secret=xx&port=1",
        ),
        (
            "scram_client_key=a2V5 scram_server_key='a2V5' sslkey=key",
            "scram_client_key=xxxx scram_server_key=xxxxxx sslkey=key",
        ),
        ("dbname=shop", "xxxxxxxxxxx"),
    ],
)
def test_only_secrets_are_masked(text: str, masked_text: str) -> None:
    """Every way to write a secret that libpq knows; without a known one, all is masked."""
    assert masked(text.encode()).decode() == masked_text


@pytest.mark.parametrize("form", ["{}", "-d{}", "--dbname={}"])
@pytest.mark.parametrize("written", ["uri", "conninfo", "key"])
def test_ps_shows_no_secret(written: str, form: str, cluster: Cluster) -> None:
    """While pgtop runs, `ps` shows the server, but neither the password, which still opens the
    connection, nor another secret.
    """
    ways = {
        "uri": f"postgresql://postgres:{cluster.password}@127.0.0.1:{cluster.port}/postgres",
        "conninfo": cluster.tcp_dsn,
        "key": f"{cluster.socket_dsn} sslpassword={cluster.password}",
    }
    with Terminal(
        [sys.executable, "-m", "pgtop", form.format(ways[written])]
    ) as terminal:
        terminal.wait_for(READY)
        shown = Path(f"/proc/{terminal.pid}/cmdline").read_text()  # the source of ps
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
    assert str(cluster.port) in shown
    assert cluster.password not in shown


@pytest.mark.parametrize(
    "string",
    [
        "postgresql://anna:se%zzsame@h/db",
        "postgresql://anna:sesame@[h/db",
        "postgresql://anna:ses same@h:1/db",
        "postgresql://anna:sesame/x@h/db",
        "postgresql://anna:sesame@h:9x9/db",
        "postgresql://anna:x@sesame@127.0.0.1:1/db",
        "host=h password=open sesame",
        "host=h password=open sesame=1",
        "postgresql+psycopg://anna:sesame@127.0.0.1:1/db",
        "postgresql+psycopg://anna:sesame@127.0.0.1:1/db?sslmode=require",
        "jdbc:postgresql://anna:sesame@127.0.0.1:1/db",
        "postgresqll://anna:sesame@127.0.0.1:1/db",
        "postgresql:/anna:sesame@127.0.0.1:1/db",
        "postgresql//anna:sesame@127.0.0.1:1/db",
        "POSTGRESQL+asyncpg://anna:sesame@127.0.0.1:1/db",
        "host=h oauth_client_secret=open sesame",
        "host=h scram_client_key=open sesame=1",
        '"postgresql://anna:sesame@127.0.0.1:1/db"',
        " postgresql://anna:sesame@127.0.0.1:1/db",
        "postgresql://anna:sesame@127.0.0.1:1/db\n",
        "POSTGRESQL://anna:sesame@127.0.0.1:1/db",
        "postgresql://anna:sesame",
        "postgresql://anna:12/sesame@127.0.0.1:1/db",
        "postgresql://anna/sesame@127.0.0.1:1/db",
        "psql postgresql://anna:sesame@127.0.0.1:1/db",
        "anna:sesame@127.0.0.1/db",
        "anna:sesame@127.0.0.1",
        "//anna:sesame@127.0.0.1/db",
        "host=127.0.0.1;password=sesame",
        "user=anna;password=sesame",
        "dbname=shop;password=sesame",
        "sslmode=require;password=sesame",
        "Server=127.0.0.1;Port=1;Password=sesame",
        "export PGPASSWORD=sesame",
        "127.0.0.1/db?password=sesame",
        "host=127.0.0.1 sesame",
        "password:sesame",
        "host=127.0.0.1 pasword=sesame",
        "127.0.0.1:1:shop:anna:sesame",
        "anna/sesame@127.0.0.1:1/shop",
        '{"host": "127.0.0.1", "password": "sesame"}',
    ],
)
def test_nothing_of_a_malformed_string_is_quoted_or_sent(string: str) -> None:
    """A malformed string is refused anywhere before a byte is sent, and no error has a part of
    it.
    """
    for words in (
        [string],
        ["show", string],
        ["show", "-d", string],
        ["show", "-h", string],
        ["show", "-U", string],
        ["show", "-p", string],
        ["budget", f"--dbname={string}"],
        ["locks", "-U", "x", string],
    ):
        with pytest.raises(UsageError) as caught:
            parameters_of(getattr(parse(words), "connection"))  # noqa: B009
        assert "same" not in f"{caught.value.what} {caught.value.advice}"


@pytest.mark.parametrize(
    "words",
    [
        ["completion", "{}"],
        ["audit", "{}"],
        ["demo", "{}"],
        ["kill", "{}", "--dry-run"],
        ["cancel", "db:x", "{}"],
        ["kill", "db:x", "--reason", "{}"],
        ["show", "--filter", "{}"],
        ["show", "--sort={}"],
        ["--theme", "{}"],
        ["--interval", "{}"],
        ["budget", "--role", "{}"],
        ["budget", "--warn", "{}"],
        ["show", "--x{}"],
        ["kill", "4711", "--protect", "{}"],
        ["audit", "--since", "{}"],
        ["show", "one", "{}"],
        ["-h", "{}"],
    ],
)
def test_a_connection_string_in_the_wrong_place_is_not_quoted(words: list[str]) -> None:
    """No command, option or filter repeats a connection string with a password."""
    for string in (
        "postgresql://anna:sesame@h/db",
        "postgresql:/anna:sesame@h/db",
        "host=h password=sesame",
        "host=h pasword=sesame",
    ):
        _, message = understood([word.format(string) for word in words])
        assert "same" not in message
        assert message or words[0] in ("kill", "cancel"), (
            "elsewhere the string has no meaning"
        )


@pytest.mark.parametrize(
    "option",
    ["-Wsesame", "--password=sesame", "-W=sesame", "-wsesame", "--no-password=sesame"],
)
@pytest.mark.parametrize(
    "command",
    [[], ["show"], ["kill", "4711"], ["budget"], ["budget", "--warn", "80"], ["locks"]],
)
def test_a_password_after_an_option_without_a_value_is_not_quoted(
    command: list[str], option: str
) -> None:
    """Other programs take the password there; pgtop refuses it and does not repeat it."""
    _, message = understood([*command, option])
    assert message
    assert "same" not in message


@pytest.mark.parametrize(
    "word",
    ["postgres//anna:sesame@h", "127.0.0.1:1:*:*:sesame", "port:5432:anna/sesame@h"],
)
def test_a_filter_that_may_be_a_connection_string_is_not_quoted(word: str) -> None:
    """The error about such a filter gives the position, and no more."""
    with pytest.raises(UsageError) as caught:
        filter_for_signals([word])
    assert "same" not in f"{caught.value.what} {caught.value.advice}"


MARK = "Zq7kW"
"""Stands for a password, and occurs nowhere else."""
URIS = st.sampled_from(
    [
        f"postgresql://anna:{MARK}@db1:5432/shop",
        f"postgres://anna:{MARK}@db1/shop?sslmode=require",
        f"host=db1 user=anna password={MARK} dbname=shop",
    ]
)
EDITS = st.tuples(
    st.integers(0, 60),
    st.sampled_from(["", "drop", "twice"]),
    st.sampled_from([*" \n'\"@:/;=?#&%[]\\", "//", "a"]),
)


@given(
    URIS,
    st.lists(EDITS, max_size=3),
    st.sampled_from(["{}", "-d{}", "-h{}", "-U{}", "--port={}", "--dbname={}"]),
)
@example(
    f"host=db1 user=anna password={MARK} dbname=shop",
    [(14, "", "'"), (45, "drop", "'")],
    "{}",
)
@settings(max_examples=1000)
def test_no_typing_error_betrays_a_password(
    uri: str, edits: list[tuple[int, str, str]], form: str
) -> None:
    """After any typing errors, the password is in no parameter but the password, and in no
    message.
    """
    for at, what, sign in edits:
        at = min(at, len(uri))
        end = at + 1 if what == "drop" else at
        uri = uri[:at] + sign * (2 if what == "twice" else 1) + uri[end:]
    assume(MARK in uri and not _is_lost(uri))
    parameters, message = understood(["show", form.format(uri)])
    assert MARK not in message
    parameters.pop("password", None)
    assert MARK not in " ".join(parameters.values())


def understood(words: list[str]) -> tuple[dict[str, str], str]:
    """Return the parameters of the words, or the message about them."""
    try:
        return parameters_of(
            getattr(parse(words), "connection", ConnectionOptions())
        ), ""
    except UsageError as error:
        return {}, f"{error.what} {error.advice}"


def _is_lost(uri: str) -> bool:
    """Return whether the password cannot be recognised: a part of a name, or a name or path
    itself.
    """
    return not re.search(rf"[:=]\W*{MARK}", uri)


def test_a_wrong_keyword_is_quoted_if_there_is_no_password() -> None:
    """With nothing to hide, the message quotes the wrong keyword."""
    assert '"nokey"' in pgtop("show", "host=h nokey=1").stderr


def test_an_application_may_have_any_name() -> None:
    """PGAPPNAME may have a sign of connection strings in it, but no password."""
    assert refusal({"application_name": "job=4711"}) == ""
    assert refusal({"application_name": "postgresql://anna:sesame@h/db"})


def test_a_uri_without_a_password_hides_no_mistake() -> None:
    """A word that is wrong is quoted beside the URI of a pooler."""
    words = ["record", "--redact", "--pooler", "postgresql://watch@db1:6432/pgbouncer"]
    with pytest.raises(UsageError) as refused:
        parse(words)
    assert "--redact" in refused.value.what


def test_every_secret_of_libpq_is_known() -> None:
    """Libpq marks what must not be shown; the log masks the same keywords as the command line."""
    marked = {
        option.keyword.decode()
        for option in pq.Conninfo.parse(b"")
        if option.dispchar == b"*"
    }
    assert marked <= SECRETS == set(connection_log.SECRETS)
