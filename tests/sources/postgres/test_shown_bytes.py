"""Any bytes in locks, prepared transactions and errors of a server, and what the terminal gets of
them.
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
from tests.keys import typed
from tests.pty import Terminal
from tests.sources.postgres.raw_output import RawOutput
from tests.waiting import until
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


class Names:
    """Names and messages of the server, each with a mark to find it, and any bytes behind it."""

    def __init__(self) -> None:
        self.mark = ""
        self._random = Random(0)

    def begin(self, seed: int) -> None:
        """Start another set of names; returns their marks."""
        self.mark = f"Tale{seed}"
        self._random = Random(seed)
        self._names: dict[str, bytes] = {}

    def words(self) -> bytes:
        """Return the mark, and any bytes behind it."""
        parts = [
            self._random.choice(
                (self._random.choice(FRAGMENTS), self._random.randbytes(8))
            )
            for _ in range(4)
        ]
        return self.mark.encode() + b" " + b"".join(parts)

    def __call__(self, row: Row) -> Iterable[Mapping[str, bytes | None]]:
        if not self.mark or row.get("application_name") == b"pgtop":
            yield {}
            return
        output = [name for name in _NAMES if row.get(name) is not None]
        for name in output:
            # A gid that changes is another transaction.
            self._names.setdefault(name, self.words())
        yield {name: self._names[name] for name in output}


class NamedOutput(RawOutput):
    """The dashboard, on a server with such names."""

    def __init__(
        self, terminal: Terminal, wire_proxy: WireProxy, names: Names, server: Cluster
    ) -> None:
        super().__init__(terminal)
        self._wire_proxy = wire_proxy
        self._tale = names
        self._server = server

    def begin(self, seed: int) -> str:
        """Start another set of names; returns their marks."""
        self._tale.begin(seed)
        self._wire_proxy.sentence = self._tale.words()
        return self._tale.mark

    def execute(self, statement: str) -> None:
        """Execute this on the server in another session."""
        with psycopg.connect(self._server.socket_dsn, autocommit=True) as admin:
            admin.execute(statement.encode())


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    """Return a server on which one session waits for a table, and one for a prepared
    transaction."""
    with Cluster(bindir, settings=_SETTINGS) as running, ExitStack() as stack:

        def session(
            statement: str, **where: str
        ) -> psycopg.Connection[tuple[object, ...]]:
            connection = psycopg.connect(running.socket_dsn, autocommit=True, **where)  # type: ignore[arg-type]
            stack.enter_context(closing(connection))  # whatever still runs on it
            connection.execute(statement.encode())
            return connection

        admin = session(_SETUP)
        admin.execute(
            "BEGIN; INSERT INTO orders VALUES (1); PREPARE TRANSACTION 'left behind'"
        )
        waiter = session(
            "BEGIN", user="app", dbname="postgres", application_name="waiter"
        )
        waiter.pgconn.send_query(b"LOCK TABLE orders")
        yield running


@pytest.fixture(scope="module")
def output(server: Cluster) -> Iterator[NamedOutput]:
    names = Names()
    with WireProxy("127.0.0.1", server.port, names) as wire_proxy:
        dsn = make_conninfo(
            server.tcp_dsn,
            port=wire_proxy.port,
            user="watcher",
            password="x",
            **WireProxy.PLAIN,
        )
        with Terminal(
            [sys.executable, "-m", "pgtop", "--interval", "0.2", dsn], 200, 50
        ) as terminal:
            terminal.wait_for("LOCK TABLE orders")
            yield NamedOutput(terminal, wire_proxy, names, server)
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0


_seeds = st.integers(0, 2**32)
_END_PGTOP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'pgtop'"
)


def _end_session(output: NamedOutput, words: str) -> bool:
    """End the session of pgtop; return whether the screen shows the words after that."""
    output.execute(_END_PGTOP)
    return output.terminal.shows_within(words, 3)


@settings(max_examples=10, phases=[Phase.generate])
@given(_seeds)
def test_locks_and_prepared_transactions_are_shown_cleaned(
    output: NamedOutput, seed: int
) -> None:
    """The lock tree, the xmin holders and the detail of a waiter name relation and gid, without
    control sequences.
    """
    terminal = output.terminal
    mark = output.begin(seed)
    # Before the tree is open: another gid is another row.
    terminal.wait_for(f"for prepared transaction {mark}")
    terminal.send("3")
    terminal.wait_for(
        lambda seen: f"on {mark}" in seen.text and seen.text.count(mark) > 2
    )
    terminal.send("\x1b[H\x1b[B\r")  # the root, and below it the waiter
    terminal.wait_for(lambda seen: "Your rights" in seen.text and mark in seen.text)
    terminal.send(typed("clear"))
    terminal.wait_for(lambda seen: "Your rights" not in seen.text)
    terminal.send("1")
    terminal.wait_for(lambda seen: "HOLDS BACK VACUUM" not in seen.text)
    assert harmful(output.sent()) <= MOVES


@settings(max_examples=5, phases=[Phase.generate])
@given(_seeds)
def test_messages_of_a_closed_session_are_shown_cleaned(
    output: NamedOutput, seed: int
) -> None:
    """The messages with which a server ends pgtop's session, or refuses its login, are shown
    without control sequences.
    """
    terminal = output.terminal
    ended = output.begin(seed)
    # A query that crosses the end resets the line, and the message is lost with it.
    until(lambda: _end_session(output, f"terminated: {ended}"), "no message was shown")
    output.execute("ALTER ROLE watcher NOLOGIN")
    refused = output.begin(seed + 1)
    output.execute(_END_PGTOP)
    terminal.wait_for(lambda seen: refused in seen.text and "next try in" in seen.text)
    output.execute("ALTER ROLE watcher LOGIN")
    terminal.wait_for(lambda seen: "next try in" not in seen.text)
    assert harmful(output.sent()) <= MOVES
