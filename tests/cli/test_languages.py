"""Servers with messages in other languages, and one that warns all the time: no exit code depends
on a sentence.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from tests.cli import one_sentence, pgtop
from tests.keys import typed
from tests.message_proxy import (
    GERMAN,
    JAPANESE,
    NOISE,
    MessageProxy,
    with_sentences,
    with_warnings,
)
from tests.pty import Terminal
from tests.waiting import until

SETUP = (
    "CREATE ROLE plain LOGIN PASSWORD 'x'",
    "CREATE ROLE limited LOGIN PASSWORD 'x' CONNECTION LIMIT 0",
    "CREATE ROLE nologin PASSWORD 'x'",
    "CREATE DATABASE shut ALLOW_CONNECTIONS false",
)


@pytest.fixture(scope="module")
def strict(bindir: Path | None) -> Iterator[Cluster]:
    """Start a small server with roles and databases that refuse clients."""
    with Cluster(bindir, settings={"max_connections": "6"}) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            for statement in SETUP:
                admin.execute(statement.encode())
        yield cluster


def dsn(message_proxy: MessageProxy, **changed: str) -> str:
    options = {
        "host": "127.0.0.1",
        "port": str(message_proxy.port),
        "user": "plain",
        "password": "x",
        "dbname": "postgres",
        "sslmode": "disable",
        **changed,
    }
    return " ".join(f"{name}={value}" for name, value in options.items())


@pytest.mark.parametrize(
    "words", [GERMAN, JAPANESE, NOISE], ids=["German", "Japanese", "noise"]
)
def test_no_exit_code_depends_on_a_sentence(strict: Cluster, words: str) -> None:
    """Each refusal has its code, and the check its result, in any language."""
    with (
        MessageProxy(
            ("127.0.0.1", strict.port), with_sentences(words)
        ) as message_proxy,
        ExitStack() as slots,
    ):
        for changed, code in (
            ({"password": "wrong"}, Exit.REFUSED),
            ({"user": "nologin"}, Exit.REFUSED),
            ({"dbname": "ghost"}, Exit.REFUSED),
            ({"dbname": "shut"}, Exit.REFUSED),
            ({"user": "limited"}, Exit.FULL),
        ):
            done = pgtop("show", dsn(message_proxy, **changed))
            assert (done.returncode, done.stdout) == (code, ""), changed
            assert "\x1b" not in one_sentence(done.stderr)
        for _ in range(3):
            slots.enter_context(psycopg.connect(f"{strict.socket_dsn} user=plain"))
        done = pgtop("budget", "--warn", "50", dsn(message_proxy))
        assert done.returncode == 2
        assert done.stdout.startswith(
            "PGTOP CRITICAL - The server is full for ordinary roles"
        )


def test_waiting_for_a_slot_depends_on_no_sentence(strict: Cluster) -> None:
    """`--wait` takes the next free slot of a server with Japanese messages."""
    with (
        MessageProxy(
            ("127.0.0.1", strict.port), with_sentences(JAPANESE)
        ) as message_proxy,
        ExitStack() as slots,
    ):
        for _ in range(3):
            slots.enter_context(psycopg.connect(f"{strict.socket_dsn} user=plain"))
        call = [sys.executable, "-m", "pgtop", "show", "--wait", dsn(message_proxy)]
        with subprocess.Popen(
            call, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as waiting:
            assert waiting.stderr is not None
            assert JAPANESE in waiting.stderr.readline()
            slots.close()
            assert waiting.wait(30) == 0


def test_a_refused_login_is_seldom_retried_in_any_language(strict: Cluster) -> None:
    """After two refusals, a changed password is tried only every 30 seconds."""
    with (
        MessageProxy(
            ("127.0.0.1", strict.port), with_sentences(NOISE)
        ) as message_proxy,
        Terminal(
            [sys.executable, "-m", "pgtop", dsn(message_proxy), "--interval", "0.2"]
        ) as terminal,
        psycopg.connect(strict.socket_dsn, autocommit=True) as admin,
    ):
        terminal.wait_for("plain@postgres")
        admin.execute("ALTER ROLE plain PASSWORD 'y'")
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain'"
            )
            until(lambda: message_proxy.calls >= 3, "no further try")
            terminal.wait_for("password was refused")
            terminal.wait_for("29 s")
            terminal.wait_for("28 s")
            assert message_proxy.calls == 3
        finally:
            admin.execute("ALTER ROLE plain PASSWORD 'x'")


def test_warnings_are_not_shown(strict: Cluster) -> None:
    """The warnings of PostgreSQL 19 at the login reach neither the screen nor stderr."""
    with MessageProxy(("127.0.0.1", strict.port), with_warnings) as message_proxy:
        done = pgtop("show", dsn(message_proxy))
        assert (done.returncode, done.stderr) == (Exit.DONE, "")
        assert "RENOUNCE" not in done.stdout
        with Terminal(
            [sys.executable, "-m", "pgtop", dsn(message_proxy), "--interval", "0.2"]
        ) as terminal:
            terminal.wait_for("1-1 of 1")
            terminal.send(typed("pause"))
            terminal.wait_for("PAUSED")
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0
            assert b"RENOUNCE" not in terminal.raw
