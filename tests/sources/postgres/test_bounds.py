"""Every answer of a server is bounded in bytes and time: nothing that it sends blocks pgtop or
fills its memory.
"""

import asyncio
import itertools
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from pgtop.model.backend import BackendId
from pgtop.model.signal import ReplyStatus, Signal, SignalRequest
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.pipeline import command, run
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.impostor import (
    BEGUN,
    DONE,
    NOTICE,
    Impostor,
    Script,
    Send,
    columns,
    message,
    row,
)
from tests.keys import READY, typed
from tests.pty import Terminal

INT4, TEXT = 23, 25
_SECONDS = 0.5
_MEMORY = 80 << 10  # KiB above what the program has: 150 MiB in all


def sending(*parts: bytes) -> Script:
    """Return a script that sends these messages, and then nothing."""

    async def script(send: Send) -> None:
        for part in parts:
            await send(part)

    return script


def repeating(
    *head: bytes, each: bytes | Callable[[int], bytes], pause: float = 0.0
) -> Script:
    """Return a script that sends these messages, and repeats the last one without end."""

    async def script(send: Send) -> None:
        await send(b"".join(head))
        for number in itertools.count():
            await send(each if isinstance(each, bytes) else each(number))
            await asyncio.sleep(pause)

    return script


def _settings(number: int) -> bytes:
    """Return settings with names that were never sent before."""
    return b"".join(
        message(b"S", b"p%d.%d\0v\0" % (number, each)) for each in range(100)
    )


GIGABYTE = b"\x3f\xff\xff\xffM"
"""The length of a message, and the first of its bytes."""

SCRIPTS: dict[str, Script] = {
    "a copy from us": sending(BEGUN + message(b"G", b"\1\0\0")),
    "a copy to us": sending(BEGUN + message(b"H", b"\1\0\0")),
    "a copy both ways": sending(BEGUN + message(b"W", b"\1\0\0")),
    "endless rows": repeating(BEGUN, columns(INT4), each=row(b"\0\0\0\1") * 4000),
    "endless rows of nothing": repeating(
        BEGUN, columns(*[TEXT] * 1600), each=row(*[None] * 1600) * 40
    ),
    "endless rows without columns": repeating(BEGUN, columns(), each=row() * 9000),
    "an endless row": repeating(
        BEGUN, columns(TEXT), b"D\x3f\xff\xff\xff\0\1\x3f\xff\xff\0", each=bytes(65536)
    ),
    "an endless notice": repeating(BEGUN, b"N" + GIGABYTE, each=b"x" * 65536),
    "endless notices": repeating(BEGUN, each=NOTICE * 1000),
    "a notice now and then": repeating(BEGUN, each=NOTICE, pause=_SECONDS / 4),
    "a row now and then": repeating(
        BEGUN, columns(INT4), each=row(b"\0\0\0\1"), pause=_SECONDS / 4
    ),
    "endless settings": repeating(BEGUN, each=_settings),
    "endless notifications": repeating(
        BEGUN, each=message(b"A", b"\0\0\0\1c\0p\0") * 1000
    ),
    "65,535 columns": sending(
        BEGUN, columns(*[INT4] * 65_535), row(*[b"\0\0\0\1"] * 65_535), DONE
    ),
    "silence": sending(),
    "half a message": sending(BEGUN + b"T\0\0\0"),
    "noise": sending(bytes(range(256)) * 64),
    "too many answers": sending(BEGUN + DONE * 9),
}


@pytest.fixture
async def impostor(
    parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Impostor]:
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", _SECONDS)
    async with Impostor(parameters).listening() as listening:
        yield listening


def memory(which: str, process: int | str = "self") -> int:
    """Return the KiB that a process has (VmRSS), or had at most (VmHWM)."""
    [size] = re.findall(
        rf"{which}:\s+(\d+)", Path(f"/proc/{process}/status").read_text()
    )
    return int(size)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


class Bounds:
    """Measures time, memory and the longest pause of the event loop while it is open."""

    async def __aenter__(self) -> None:
        _forget_peak()
        self._memory, self._began = memory("VmRSS"), time.monotonic()
        self._longest = 0.0
        self._turning = asyncio.create_task(self._turn())

    async def _turn(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self._longest = max(self._longest, time.monotonic() - before)

    async def __aexit__(self, *_: object) -> None:
        self._turning.cancel()
        took, grown = time.monotonic() - self._began, memory("VmHWM") - self._memory
        assert took < 10 * _SECONDS
        assert grown < _MEMORY
        assert self._longest < 0.4  # 0.2 s on a machine of its own


@pytest.mark.parametrize("name", SCRIPTS)
async def test_an_endless_sample_is_abandoned(impostor: Impostor, name: str) -> None:
    """A server that sends anything but an answer causes a failure in words, and the next sample
    succeeds.
    """
    source = PostgresSource(ServerConnection(impostor.parameters))
    await source.sample()
    impostor.script = SCRIPTS[name]
    async with Bounds():
        with pytest.raises(SourceError):
            await source.sample()
    impostor.script = None
    assert (await source.sample()).backends
    await source.close()


_LOGGED_IN = message(b"R", b"\0\0\0\0")
_READY = message(b"Z", b"I")


@pytest.mark.parametrize("kind", [b"N", b"D", b"E"])
async def test_a_gigabyte_is_refused_as_soon_as_it_is_announced(
    impostor: Impostor, kind: bytes
) -> None:
    """A message that announces a gigabyte ends the connection before libpq reads into the room it
    has made.
    """
    source = PostgresSource(ServerConnection(impostor.parameters))
    await source.sample()
    impostor.script = sending(BEGUN + columns(TEXT) + kind + GIGABYTE)
    with pytest.raises(SourceError, match="takes too much memory"):
        await source.sample()
    await source.close()


async def test_a_gigabyte_behind_an_answer_is_refused(impostor: Impostor) -> None:
    """A gigabyte announced behind an answer is refused before the next answer is read."""
    session = ServerConnection(impostor.parameters)
    await session.connect()
    setting = message(b"S", b"is_superuser\0off\0")
    impostor.script = sending(
        BEGUN + columns() + DONE + _READY + setting + b"N" + GIGABYTE
    )
    with pytest.raises(SourceError, match="takes too much memory"):
        async with session.acquire() as channel:
            await run(channel.connection, [command("SELECT")])
    await session.close()


@pytest.mark.parametrize(
    "head", [_LOGGED_IN, _LOGGED_IN + message(b"K", bytes(8)) + _READY]
)
async def test_a_gigabyte_in_a_greeting_is_refused(
    impostor: Impostor, head: bytes
) -> None:
    """A gigabyte announced within the login, or right behind it, is refused."""
    impostor.script = sending(head + b"N" + GIGABYTE)
    with pytest.raises(SourceError, match="greeting is longer than 1 MiB"):
        await ServerConnection(
            {**impostor.parameters, "connect_timeout": "2"}
        ).connect()


@pytest.mark.parametrize(
    "name", ["a copy to us", "endless rows", "a notice now and then"]
)
async def test_every_other_endless_answer_is_abandoned(
    impostor: Impostor, name: str
) -> None:
    """Details, signals, looks at their effect and the first statements after a login are bounded,
    too.
    """
    session = ServerConnection(impostor.parameters)
    source, signaller = PostgresSource(session), PostgresSignaller(session)
    snapshot = await source.sample()
    request = SignalRequest(
        Signal.CANCEL, snapshot.backends[0], seen_on=snapshot.seen_on
    )
    impostor.script = SCRIPTS[name]
    async with Bounds():
        with pytest.raises(SourceError):
            await source.detail(BackendId(1, None))
    impostor.script = None
    await session.connect()
    impostor.script = SCRIPTS[name]
    async with Bounds():
        assert [reply.status for reply in await signaller.send_all([request])] == [
            ReplyStatus.UNKNOWN
        ]
    impostor.script = None
    await session.connect()
    impostor.script = SCRIPTS[name]
    async with Bounds():
        with pytest.raises(SourceError):
            await signaller.check_all([request])
    await session.close()


@pytest.mark.parametrize(
    "name", ["endless rows of nothing", "an endless notice", "a copy to us"]
)
async def test_the_dashboard_survives_endless_answers(
    impostor: Impostor, name: str
) -> None:
    """Keys are answered, memory stays below 150 MiB, and the server is shown once it
    answers again.
    """
    await asyncio.to_thread(_watch, impostor, SCRIPTS[name])


def _watch(impostor: Impostor, script: Script) -> None:
    command = [
        sys.executable,
        "-m",
        "pgtop",
        "--interval",
        "0.2",
        make_conninfo(**impostor.parameters),
    ]
    with Terminal(command, 100, 30) as terminal:
        terminal.wait_for(READY)
        impostor.script, impostor.at = script, b"WITH activity AS"
        for _ in range(3):
            terminal.wait_for("next try in")
            terminal.send(typed("help"))
            terminal.wait_for("finds a key")
            terminal.send(typed("clear"))
            terminal.wait_for(lambda seen: "finds a key" not in seen.text)
        impostor.script = None
        terminal.wait_for(lambda seen: "next try in" not in seen.text)
        assert memory("VmHWM", terminal.child.pid) < 150 << 10
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
