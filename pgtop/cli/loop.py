"""The event loop of this process: asyncio's own, but for work in threads that nobody has to wait
for.

asyncio lends such work, its own look-ups of names among it, to threads before whose end neither its
own comes nor Python's. A name server that has gone away with the network keeps one for up to a
minute, and a home on a file system that hangs for ever: either would keep this process alive with
it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Loop(asyncio.SelectorEventLoop):
    """Ends while a thread of its own still works."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """What asyncio.to_thread and getaddrinfo call with None: then in a thread that ends with
        the process.

        https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor
        """
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        work: Future[_T] = Future()
        work.set_running_or_notify_cancel()  # who stops waiting does not stop the thread

        def carry_out() -> None:
            try:
                work.set_result(func(*args))
            except Exception as error:  # noqa: BLE001  # is raised where the result is awaited
                work.set_exception(error)

        threading.Thread(target=carry_out, name="pgtop-aside", daemon=True).start()
        return asyncio.wrap_future(work, loop=self)
