"""A password on the command line does not stay on the list of processes."""

import sys
from pathlib import Path

import pytest

from pgtop.cli.arguments import masked
from pgtop.demo.server import Cluster
from tests.cli import one_sentence, pgtop
from tests.pty import Terminal


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://anna:open%20sesame@db1:5432/shop", "postgresql://anna:xxxxxxxxxxxxx@db1:5432/shop"),
        ("postgres://:pw@/shop", "postgres://:xx@/shop"),
        ("postgres://anna:p?w#@/shop?password=pw", "postgres://anna:xxxx@/shop?password=xx"),
        ("postgresql://db1/shop?user=anna&password=pw&port=1", "postgresql://db1/shop?user=anna&password=xx&port=1"),
        ("host=db1 password=pw dbname=shop", "host=db1 password=xx dbname=shop"),
        ("password = 'open \\' sesame' host=db1", "password = xxxxxxxxxxxxxxxx host=db1"),
        ("host=db1 password=a password=b", "host=db1 password=x password=x"),
        ("password=open\\ sesame host=db1", "password=xxxxxxxxxxxx host=db1"),
        ("host='db1'password=pw", "host='db1'password=xx"),
        ("postgresql://db1/?pass%77ord=pw", "postgresql://db1/?pass%77ord=xx"),
        ("postgresql://db1/?password=p#w&sslmode=require", "postgresql://db1/?password=xxx&sslmode=require"),
        ("host=db1 sslpassword=pw password=pw", "host=db1 sslpassword=xx password=xx"),
        ("postgresql://db1/?sslpassword=pw&oauth_client_secret=pw&port=1",
         "postgresql://db1/?sslpassword=xx&oauth_client_secret=xx&port=1"),
        ("scram_client_key=a2V5 scram_server_key='a2V5' sslkey=key",
         "scram_client_key=xxxx scram_server_key=xxxxxx sslkey=key"),
        ("dbname=shop", "xxxxxxxxxxx"),
    ],
)  # fmt: skip
def test_secrets_alone_are_masked(given: str, shown: str) -> None:
    """Whichever way libpq lets them be written; where none is recognised, everything is masked."""
    assert masked(given.encode()).decode() == shown


@pytest.mark.parametrize("form", ["{}", "-d{}", "--dbname={}"])
@pytest.mark.parametrize("written", ["uri", "conninfo", "key"])
def test_ps_does_not_show_it(written: str, form: str, cluster: Cluster) -> None:
    """`ps` shows the place while pgtop runs, and no password, which still opens the connection, nor another secret."""
    ways = {
        "uri": f"postgresql://postgres:{cluster.password}@127.0.0.1:{cluster.port}/postgres",
        "conninfo": cluster.tcp_dsn,
        "key": f"{cluster.socket_dsn} sslpassword={cluster.password}",
    }
    with Terminal([sys.executable, "-m", "pgtop", form.format(ways[written])]) as terminal:
        terminal.wait_for("q quit")
        shown = Path(f"/proc/{terminal.pid}/cmdline").read_text()  # where ps has it from
        terminal.send("q")
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
        "postgresql://anna:sesame@127.0.0.1:1/db",
        "host=h password=open sesame",
        "host=h password=open sesame=1",
        "password=sesame host=127.0.0.1 port=1",
        "postgresql+psycopg://anna:sesame@127.0.0.1:1/db",
        "postgresql+psycopg://anna:sesame@127.0.0.1:1/db?sslmode=require",
        "jdbc:postgresql://anna:sesame@127.0.0.1:1/db",
        "postgresqll://anna:sesame@127.0.0.1:1/db",
        "postgresql:/anna:sesame@127.0.0.1:1/db",
        "postgresql//anna:sesame@127.0.0.1:1/db",
        "POSTGRESQL+asyncpg://anna:sesame@127.0.0.1:1/db",
        "host=h oauth_client_secret=open sesame",
        "host=h scram_client_key=open sesame=1",
    ],
)
def test_no_error_quotes_it(string: str) -> None:
    """Whatever is wrong with a connection string, or with the server that it names, the password is not told."""
    done = pgtop("show", string)
    assert done.returncode in (2, 3)
    assert "same" not in one_sentence(done.stderr)


def test_without_a_password_the_error_is_exact() -> None:
    """Where there is nothing to hide, the wrong part is named."""
    assert '"nokey"' in pgtop("show", "host=h nokey=1").stderr
