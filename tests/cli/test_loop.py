"""Work in threads, such as name look-ups, that no exit waits for."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pgtop.cli.loop import Loop
from tests.waiting import PATIENCE

_DEAF = """
import socket, sys, time
def never(*_, **__):
    sys.stderr.write("looking up\\n"); sys.stderr.flush(); time.sleep(3600)
socket.getaddrinfo = never
from pgtop.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "words", [["show"], ["locks"], ["budget"], ["kill", "1", "--yes"]]
)
def test_a_dead_name_server_does_not_delay_the_exit(words: Sequence[str]) -> None:
    """SIGTERM ends the process while it still looks up the name of the server."""
    call = [sys.executable, "-c", _DEAF, *words, "-w", "-h", "db1.example.net"]
    with subprocess.Popen(
        call, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"looking up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_an_error_of_a_look_up_is_raised_where_it_is_awaited() -> None:
    """Errors of the network and of the name itself both reach the code that awaits them."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        for name, error in (
            ("no.such.invalid", socket.gaierror),
            ("x" * 64 + ".example", UnicodeError),
        ):
            with pytest.raises(error):
                runner.run(_look_up(name))
        assert runner.run(_look_up("127.0.0.1"))[0][4] == ("127.0.0.1", 5432)


async def _look_up(name: str) -> list[Any]:
    return await asyncio.get_running_loop().getaddrinfo(name, 5432)


def test_a_thread_returns_or_raises_to_the_code_that_awaits_it() -> None:
    """Without a pool the thread ends with the process; a pool that is passed is used."""

    async def threads() -> tuple[bool, str]:
        aside = await asyncio.to_thread(threading.current_thread)
        with ThreadPoolExecutor(1, "pool") as pool:
            pooled = await asyncio.get_running_loop().run_in_executor(
                pool, threading.current_thread
            )
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        return aside.daemon, pooled.name

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(threads()) == (True, "pool_0")
