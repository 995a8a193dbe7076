"""The event loop of this process: asyncio's own, except that no exit waits for its threads.

asyncio runs blocking work, such as its own name look-ups, in threads that must end before Python
exits. A name server that is gone blocks such a thread for up to a minute, and a home folder on a
dead file system blocks it forever.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Loop(asyncio.SelectorEventLoop):
    """An event loop that ends although one of its threads still works."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Run `func` in the executor, or without one in a thread that ends with the process.

        asyncio.to_thread and getaddrinfo pass no executor.
        https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor
        """
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        result: Future[_T] = Future()
        result.set_running_or_notify_cancel()  # cancelling the wait does not stop the thread

        def work() -> None:
            try:
                result.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  # raised where the result is awaited
                result.set_exception(error)

        threading.Thread(target=work, name="pgtop-aside", daemon=True).start()
        return asyncio.wrap_future(result, loop=self)
