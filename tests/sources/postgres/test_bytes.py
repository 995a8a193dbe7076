"""Any bytes, sent by a server through the real driver to the real program, and what its terminal
gets.
"""

import asyncio
import re
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.demo.server import Cluster
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.pipeline import Statement
from pgtop.text.clean import clean
from tests.hostile_text import CASES, ENCODINGS, FRAGMENTS, MOVES, TEXTS, harmful
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.sources.postgres.raw_output import RawOutput
from tests.wire_proxy import ACTIVITY, Row, WireProxy

_ROWS = 100
_COLUMNS, _LINES = 220, _ROWS + 20
_DATABASES = 7_000
_FIRST_PID = 1_000_000
_TEXTS = (
    "application_name",
    "host",
    "client_hostname",
    "wait_event_type",
    "wait_event",
    "text",
)
_PID = re.compile(r" *(\d+)[ *]")
_CLIPBOARD = re.compile(r"\x1b\]52;c;[A-Za-z0-9+/=]*\x07")


class Crowd:
    """Turns pgtop's own session into `_ROWS` sessions of different roles, with any bytes in every
    text.
    """

    def __init__(self) -> None:
        self._random = Random(0)
        self._seed = 0
        self.first = _FIRST_PID

    @property
    def pids(self) -> range:
        return range(self.first, self.first + _ROWS)

    def next(self, seed: int) -> None:
        """Return another crowd, with other texts."""
        self._seed = seed
        self.first += _ROWS

    def __call__(self, row: Row) -> Iterable[Mapping[str, bytes | None]]:
        yield {}
        if row.get("application_name") == b"pgtop" and row.get("pid") is not None:
            yield from map(self._session, self.pids)
        elif row.get("rolname") == b"postgres":
            yield from (
                {
                    "oid": _oid(pid),
                    "rolname": self._text(pid, "role"),
                    "rolsuper": b"\0",
                }
                for pid in self.pids
            )
        elif row.get("datname") == b"postgres":
            for place, encoding in enumerate(ENCODINGS):
                name = self._text(place, "database")
                yield {
                    "oid": _oid(_DATABASES + place),
                    "datname": name,
                    "pg_encoding_to_char": encoding.encode(),
                }

    def _session(self, pid: int) -> Mapping[str, bytes | None]:
        state = (
            self._text(pid, "state")
            if pid % 4 == 0
            else (b"active", b"idle", b"idle in transaction")[pid % 3]
        )
        texts = {name: self._text(pid, name) for name in _TEXTS}
        database = _oid(_DATABASES + pid % len(ENCODINGS))
        return {
            **texts,
            "pid": _oid(pid),
            "usesysid": _oid(pid),
            "datid": database,
            "state": state,
        }

    def _text(self, number: int, field: str) -> bytes:
        """Return a text that stays the same from sample to sample, until the crowd changes."""
        random = Random(f"{self._seed} {number} {field}")
        parts = [
            random.choice(FRAGMENTS) if random.random() < 0.5 else random.randbytes(8)
            for _ in range(4)
        ]
        return b"".join(parts[: random.randrange(5)])


def _oid(number: int) -> bytes:
    return struct.pack(">i", number)


class CrowdedOutput(RawOutput):
    """The dashboard in a terminal, on a server with a crowd of sessions."""

    def __init__(self, terminal: Terminal, crowd: Crowd) -> None:
        super().__init__(terminal)
        self.crowd = crowd

    def show_crowd(self, seed: int) -> None:
        """Replace the crowd, and wait until each of its sessions is on the screen, in its
        columns.
        """
        self.crowd.next(seed)
        self.terminal.wait_for(lambda _: self.is_aligned())

    def is_aligned(self) -> bool:
        """Return whether each session has a line on which the column AGE ends alike."""
        lines = [
            [self.terminal.screen.buffer[y][x].data for x in range(_COLUMNS)]
            for y in range(_LINES)
        ]
        texts = ["".join(line) for line in lines]
        heading = next(
            (text for text in texts if text.lstrip().startswith("PID ")), None
        )
        if heading is None:
            return False
        by_pid = {
            pid[1]: line
            for text, line in zip(texts, lines, strict=True)
            if (pid := _PID.match(text))
        }
        rows = [by_pid.get(str(pid)) for pid in self.crowd.pids]
        start = heading.index("AGE") + 1
        output = {"".join(row[start : start + 3]) if row else "" for row in rows}
        return len(output) == 1 and bool(output.pop().strip())


@pytest.fixture(scope="module")
def output(cluster: Cluster) -> Iterator[CrowdedOutput]:
    crowd = Crowd()
    with WireProxy("127.0.0.1", cluster.port, crowd, ACTIVITY) as wire_proxy:
        dsn = make_conninfo(cluster.tcp_dsn, port=wire_proxy.port, **WireProxy.PLAIN)
        command = [sys.executable, "-m", "pgtop", "--interval", "0.2", dsn]
        with Terminal(command, _COLUMNS, _LINES) as terminal:
            terminal.wait_for(READY)
            yield CrowdedOutput(terminal, crowd)
            terminal.send(typed("quit"))
            assert terminal.wait_for_exit() == 0


@pytest.mark.nightly
# There is no smaller crowd.
@settings(max_examples=CASES // _ROWS, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_no_byte_reaches_the_terminal_and_columns_stay(
    output: CrowdedOutput, seed: int
) -> None:
    """Each session is on its line, with any bytes in all its texts, in every encoding, and no
    control sequence is sent.
    """
    output.show_crowd(seed)
    assert harmful(output.sent()) <= MOVES


@pytest.mark.parametrize(
    ("keys", "shown", "back"),
    [
        ("2", "BY ROLE", "1"),
        ("3", "HOLDS BACK", "1"),
        ("\r", "Your rights", "\x1b"),
        ("K", "Terminate session", "n"),
        ("*K", "that you tagged", "\x1b"),
        ("/app:~.\r", "filter app:~.", "\x1b"),
        ("y\r", "OSC 52", "1"),
    ],
    ids=["breakdown", "locks", "one", "dialog", "many", "filter", "copy"],
)
def test_no_byte_reaches_the_terminal_from_any_screen(
    output: CrowdedOutput, keys: str, shown: str, back: str
) -> None:
    """The same holds for every other screen, and for what is copied."""
    output.show_crowd(1)
    output.terminal.send(keys)
    output.terminal.wait_for(shown)
    output.terminal.send(back)
    output.terminal.wait_for(lambda _: output.is_aligned())
    text, copies = _CLIPBOARD.subn("", output.sent())
    assert harmful(text) <= MOVES
    assert copies == (1 if shown == "OSC 52" else 0)


@settings(max_examples=CASES // 50)
@given(TEXTS)
def test_server_messages_are_shown_cleaned(
    refusing: tuple[WireProxy, dict[str, str]], says: bytes
) -> None:
    """An error at the login or of a signal is shown with any bytes in it, and without control
    sequences.
    """
    wire_proxy, parameters = refusing
    wire_proxy.sentence = says
    for output in asyncio.run(_messages(parameters)):
        assert not harmful(output)


@pytest.fixture(scope="module")
def refusing(cluster: Cluster) -> Iterator[tuple[WireProxy, dict[str, str]]]:
    """Return a server that refuses at the login and afterwards, and how to reach it."""
    with WireProxy("127.0.0.1", cluster.port) as wire_proxy:
        known = {
            name: str(value)
            for name, value in conninfo_to_dict(cluster.tcp_dsn).items()
        }
        yield wire_proxy, {**known, "port": str(wire_proxy.port), **WireProxy.PLAIN}


async def _messages(parameters: dict[str, str]) -> list[str]:
    """Yield the messages for a missing database, for a checkpointer that takes no signal, and for a
    terminated connection.
    """
    with pytest.raises(SourceError) as at_login:
        await ServerConnection({**parameters, "dbname": "nowhere"}).connect()
    session = ServerConnection(parameters)
    with pytest.raises(SourceError) as in_session:
        async with session.acquire() as channel:
            await channel.run(Statement("SELECT nothing FROM nowhere"))
    with pytest.raises(SourceError) as at_end:
        async with session.acquire() as channel:
            await channel.run(
                Statement("SELECT pg_terminate_backend(pg_backend_pid())")
            )
    await session.close()
    return [
        clean(caught.value.failure.what) for caught in (at_login, in_session, at_end)
    ]
