"""Rows that no PostgreSQL server sends are the server's error, which is shown and retried, never a
bug.
"""

import asyncio
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.commands import locks, show
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal, SignalRequest
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.shapes import AnswerError, load
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.table.options import TableOptions
from pgtop.table.sessions import arrange_sessions
from pgtop.view import csv_report
from pgtop.view.locks import arrange_locks
from tests.cli import one_sentence, pgtop
from tests.sources.postgres.sampler_helpers import LOCKS_TOO
from tests.wire_proxy import ACTIVITY, Row, WireProxy

_INFINITY, _MINUS_INFINITY = b"\x7f" + b"\xff" * 7, b"\x80" + bytes(7)
_VALUES = (
    None, b"", b"\0", b"\xff" * 4, b"\xff" * 8, _INFINITY, _MINUS_INFINITY, bytes(4), bytes(8),
    b"Lock", b"idle",
    b"client backend", b"walsender", b"parallel worker", b"abc", b"\xff\xfe", b"x" * 5000,
    struct.pack(">iiIii", 1, 0, 23, 2**31 - 1, 1), struct.pack(">iiIiiii", 1, 0, 23, 1, 1, 4, -7),
    struct.pack(">iiIiiii", 2, 0, 23, 1, 1, 1, 1), struct.pack(">iiIiii", 1, 1, 23, 1, 1, -1),
)  # fmt: skip


class Liar:
    """A wire that changes some values of some rows, leaves rows out and doubles them, at random,
    except in the login.
    """

    def __init__(self) -> None:
        self._random: Random | None = None

    def begin(self, seed: int | None) -> None:
        self._random = None if seed is None else Random(seed)

    def __call__(self, row: Row) -> Iterable[Mapping[str, bytes | None]]:
        random = self._random
        if random is None or random.random() < 0.7:
            return ({},)
        if random.random() < 0.1:
            return random.choice([(), ({}, {})])
        names = random.sample(sorted(row), k=min(len(row), random.choice([1, 1, 2, 5])))
        return ({name: _other(row[name], random) for name in names},)


def _other(value: bytes | None, random: Random) -> bytes | None:
    """Return another value; often one of the same length, so that it can be read."""
    if value and random.random() < 0.5:
        return random.choice(
            [
                random.randbytes(len(value)),
                value[:-1],
                value + b"\0",
                b"\xff" + value[1:],
            ]
        )
    return random.choice(_VALUES)


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    """Start a server where a session waits for another one, and a transaction is prepared."""
    with (
        Cluster(bindir, settings={"max_prepared_transactions": "2"}) as running,
        ExitStack() as stack,
    ):
        holder, waiter = (
            stack.enter_context(psycopg.connect(running.socket_dsn, autocommit=True))
            for _ in range(2)
        )
        holder.execute("CREATE TABLE held (number int)")
        holder.execute("BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'gid'")
        holder.execute("BEGIN; LOCK held IN ACCESS SHARE MODE")
        waiter.execute("BEGIN")
        waiter.pgconn.send_query(b"LOCK held")
        yield running
        waiter.close()


def test_an_answer_in_text_is_the_servers_error(server: Cluster) -> None:
    """A statement without a shape, too, gets its rows in binary."""
    with psycopg.connect(server.socket_dsn) as connection:
        result = connection.pgconn.exec_(b"SELECT 1")
    with pytest.raises(AnswerError, match="in text"):
        load(result, None)


@pytest.fixture(scope="module")
def liar(server: Cluster) -> Iterator[tuple[Liar, dict[str, str]]]:
    lies = Liar()
    with WireProxy("127.0.0.1", server.port, lies, ACTIVITY) as wire_proxy:
        dsn = make_conninfo(server.tcp_dsn, port=wire_proxy.port, **WireProxy.PLAIN)
        yield lies, {name: str(value) for name, value in conninfo_to_dict(dsn).items()}


@pytest.fixture(scope="module")
def session(
    liar: tuple[Liar, dict[str, str]],
) -> Iterator[tuple[ServerConnection, asyncio.Runner]]:
    connection = ServerConnection(liar[1])
    with asyncio.Runner() as runner:
        yield connection, runner
        runner.run(connection.close())


@settings(max_examples=40, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_any_rows_are_refused_or_shown(
    liar: tuple[Liar, dict[str, str]],
    session: tuple[ServerConnection, asyncio.Runner],
    seed: int,
) -> None:
    """The rows are refused as the server's error, or everything derived from them can be shown."""
    lies, (connection, runner) = liar[0], session
    lies.begin(None)
    runner.run(connection.connect())
    lies.begin(seed)
    source, signaller = PostgresSource(connection), PostgresSignaller(connection)

    async def use() -> None:
        for _ in range(3):
            with suppress(SourceError):
                snapshot = await source.sample(LOCKS_TOO)
                _show(DerivedSnapshot.of(snapshot))
                request = SignalRequest(
                    Signal.CANCEL, snapshot.backends[0], seen_on=snapshot.seen_on
                )
                await source.detail(snapshot.backends[-1].identity)
                await signaller.check_all([request])
        absent = SignalRequest(Signal.CANCEL, Backend(pid=1, usesysid=10))
        assert len(await signaller.send_all([absent])) == 1

    runner.run(use())


def _show(derived: DerivedSnapshot) -> None:
    """Render everything that is ever printed of a snapshot."""
    table = arrange_sessions(derived, TableOptions(show_background=True))
    assert show.as_json(derived, derived.snapshot.backends)
    assert csv_report.as_csv(derived, derived.snapshot.backends)
    assert show.page(table, 200)
    assert locks.page(arrange_locks(derived), 200)
    assert locks.as_json(arrange_locks(derived))


def test_the_command_line_blames_the_server(liar: tuple[Liar, dict[str, str]]) -> None:
    """A time outside the calendar gives exit code 3 and one sentence."""
    with WireProxy(
        "127.0.0.1", int(liar[1]["port"]), _at_infinity, ACTIVITY
    ) as wire_proxy:
        dsn = make_conninfo(**{**liar[1], "port": str(wire_proxy.port)})
        liar[0].begin(None)
        for command in ("show", "locks", "budget"):
            done = pgtop(command, dsn)
            assert done.returncode == Exit.NO_CONNECTION
            assert "a number or a time that cannot be" in one_sentence(done.stderr)


def _at_infinity(row: Row) -> Iterable[Mapping[str, bytes | None]]:
    return ({"backend_start": _INFINITY},) if row.get("backend_start") else ({},)


def test_words_that_pgtop_does_not_know(liar: tuple[Liar, dict[str, str]]) -> None:
    """A vendor's server or a later version may have unknown wait events, and types and states that
    are no text.
    """
    with WireProxy(
        "127.0.0.1", int(liar[1]["port"]), _as_a_vendor, ACTIVITY
    ) as wire_proxy:
        dsn = make_conninfo(**{**liar[1], "port": str(wire_proxy.port)})
        liar[0].begin(None)
        done = pgtop("show", "--all", dsn)
        assert (done.returncode, done.stderr) == (Exit.DONE, "")
        assert "Buffer:Shared" in done.stdout
        assert "\\xff\\xfe p" in done.stdout
        [seen] = {
            row["wait_event"]
            for row in json.loads(pgtop("show", "--json", "--all", dsn).stdout)[
                "sessions"
            ]
        }
        assert seen == "Shared"
        for command in ("locks", "budget"):
            assert pgtop(command, dsn).stderr == ""


def _as_a_vendor(row: Row) -> Iterable[Mapping[str, bytes | None]]:
    if row.get("backend_type") is None:
        return ({},)
    kind = (
        row["backend_type"]
        if row["backend_type"] == b"client backend"
        else b"\xff\xfe process"
    )
    return (
        {"wait_event_type": b"Buffer", "wait_event": b"Shared", "backend_type": kind},
    )


def test_sessions_that_were_never_shown(liar: tuple[Liar, dict[str, str]]) -> None:
    """A server that leaves out sessions from the first sample on is refused."""
    with WireProxy(
        "127.0.0.1", int(liar[1]["port"]), _leaving_out, ACTIVITY
    ) as wire_proxy:
        dsn = make_conninfo(**{**liar[1], "port": str(wire_proxy.port)})
        liar[0].begin(None)
        done = pgtop("show", dsn)
    assert done.returncode == Exit.NO_CONNECTION
    assert "never showed" in one_sentence(done.stderr)


def _leaving_out(row: Row) -> Iterable[Mapping[str, bytes | None]]:
    is_first = "idlers" in row and row["pid"] is None
    return ({"idlers": struct.pack(">iq", 7, 7)},) if is_first else ({},)
