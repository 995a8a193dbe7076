"""Any bytes in what a server tells of locks, prepared transactions and errors, and what the
terminal gets of it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from tests.hostile_text import FRAGMENTS, MOVES, harmful
from tests.pty import Terminal
from tests.sources.postgres.raw_output import Glass
from tests.wire_proxy import Row, WireProxy

_NAMES = ("rolname", "datname", "application_name", "text", "gid", "case")
"""Columns that hold what strangers chose; `case` is what a relation is called."""
_SETTINGS = {"max_connections": "20", "max_prepared_transactions": "2"}
_SETUP = """
    CREATE ROLE watcher LOGIN SUPERUSER PASSWORD 'x';
    CREATE ROLE app LOGIN;
    CREATE TABLE orders (number int);
    GRANT ALL ON orders TO app;
"""


class Tale:
    """Every name and every sentence of the server begins with a mark, to be found, and goes on with
    anything.
    """

    def __init__(self) -> None:
        self.mark = ""
        self._random = Random(0)

    def begin(self, seed: int) -> None:
        """Tell another one."""
        self.mark = f"Tale{seed}"
        self._random = Random(seed)
        self._names: dict[str, bytes] = {}

    def words(self) -> bytes:
        """The mark, and any bytes behind it."""
        parts = [
            self._random.choice((self._random.choice(FRAGMENTS), self._random.randbytes(8)))
            for _ in range(4)
        ]
        return self.mark.encode() + b" " + b"".join(parts)

    def __call__(self, row: Row) -> Iterable[Mapping[str, bytes | None]]:
        if not self.mark or row.get("application_name") == b"pgtop":
            yield {}
            return
        told = [name for name in _NAMES if row.get(name) is not None]
        for name in told:
            self._names.setdefault(name, self.words())  # a gid that changes is another transaction
        yield {name: self._names[name] for name in told}


class Told(Glass):
    """The dashboard, on a server that tells a tale."""

    def __init__(
        self, terminal: Terminal, wire_proxy: WireProxy, tale: Tale, server: Cluster
    ) -> None:
        super().__init__(terminal)
        self._wire_proxy = wire_proxy
        self._tale = tale
        self._server = server

    def begin(self, seed: int) -> str:
        """Another tale; returns what each of its names begins with."""
        self._tale.begin(seed)
        self._wire_proxy.sentence = self._tale.words()
        return self._tale.mark

    def ask(self, statement: str) -> None:
        """Do this on the server, behind pgtop's back."""
        with psycopg.connect(self._server.socket_dsn, autocommit=True) as admin:
            admin.execute(statement.encode())


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    """Somebody waits for a table, and somebody for a prepared transaction."""
    with Cluster(bindir, settings=_SETTINGS) as running, ExitStack() as stack:

        def session(statement: str, **where: str) -> psycopg.Connection[tuple[object, ...]]:
            made = psycopg.connect(running.socket_dsn, autocommit=True, **where)  # type: ignore[arg-type]
            stack.enter_context(closing(made))  # whatever still runs on it
            made.execute(statement.encode())
            return made

        admin = session(_SETUP)
        admin.execute("BEGIN; INSERT INTO orders VALUES (1); PREPARE TRANSACTION 'left behind'")
        waiter = session("BEGIN", user="app", dbname="postgres", application_name="waiter")
        waiter.pgconn.send_query(b"LOCK TABLE orders")
        yield running


@pytest.fixture(scope="module")
def told(server: Cluster) -> Iterator[Told]:
    tale = Tale()
    with WireProxy("127.0.0.1", server.port, tale) as wire_proxy:
        dsn = make_conninfo(
            server.tcp_dsn, port=wire_proxy.port, user="watcher", password="x", **WireProxy.PLAIN
        )
        with Terminal(
            [sys.executable, "-m", "pgtop", "--interval", "0.2", dsn], 200, 50
        ) as terminal:
            terminal.wait_for("LOCK TABLE orders")
            yield Told(terminal, wire_proxy, tale, server)
            terminal.send("q")
            assert terminal.wait_for_exit() == 0


_seeds = st.integers(0, 2**32)


@settings(max_examples=20, phases=[Phase.generate])
@given(_seeds)
def test_locks_and_prepared_transactions_are_told_tame(told: Told, seed: int) -> None:
    """The tree of waiters, what holds back and the page of a waiter name relation and gid, and do
    not act.
    """
    terminal = told.terminal
    mark = told.begin(seed)
    terminal.wait_for(
        f"root prepared transaction {mark}"
    )  # before the tree is open: another gid is another row
    terminal.send("3")
    terminal.wait_for(lambda seen: f"on {mark}" in seen.text and seen.text.count(mark) > 2)
    terminal.send("\x1b[H\x1b[B\r")  # the root, and below it the waiter
    terminal.wait_for(lambda seen: "Your rights" in seen.text and f"on {mark}" in seen.text)
    terminal.send("\x1b")
    terminal.wait_for(lambda seen: "Your rights" not in seen.text)
    terminal.send("1")
    terminal.wait_for(lambda seen: "WHO HOLDS BACK VACUUM" not in seen.text)
    assert harmful(told.sent()) <= MOVES


@settings(max_examples=5, phases=[Phase.generate])
@given(_seeds)
def test_sentences_are_told_tame(told: Told, seed: int) -> None:
    """So are those with which a server ends our session, and refuses us at its door."""
    terminal = told.terminal
    ended = told.begin(seed)
    told.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    )
    terminal.wait_for(f"ended: {ended}")
    told.ask("ALTER ROLE watcher NOLOGIN")
    refused = told.begin(seed + 1)
    told.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtop'"
    )
    terminal.wait_for(lambda seen: refused in seen.text and "next try in" in seen.text)
    told.ask("ALTER ROLE watcher LOGIN")
    terminal.wait_for(lambda seen: "next try in" not in seen.text)
    assert harmful(told.sent()) <= MOVES
