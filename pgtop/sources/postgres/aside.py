"""Work that may hang for good, in a thread that can be left behind.

asyncio's own threads are joined when a process ends, so that one that hangs would keep the process
alive.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class Aside:
    """Runs one piece of work at a time: whatever hangs is left behind once, and not at every
    retry.
    """

    def __init__(self) -> None:
        self._ended: asyncio.Future[None] | None = None

    async def idle(self) -> None:
        """Wait until nothing runs."""
        if self._ended is not None:
            await asyncio.wait({self._ended})

    async def run(
        self, work: Callable[[], _T], discard: Callable[[_T], object] = lambda _: None
    ) -> _T:
        """Return what `work` returns or raise what it raises, once all work before it has ended.

        A result that arrives after the caller has stopped waiting goes to `discard`.
        """
        await self.idle()
        loop = asyncio.get_running_loop()
        self._ended = ended = loop.create_future()
        outcome: asyncio.Future[_T] = loop.create_future()

        def settle(result: _T | None, error: BaseException | None) -> None:
            ended.set_result(None)
            _settle(outcome, result, error, discard)

        def carry_out() -> None:
            result, error = _attempt(work)
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:  # the loop has been closed
                if error is None:
                    discard(result)  # type: ignore[arg-type]

        threading.Thread(target=carry_out, name="pgtop-connecting", daemon=True).start()
        try:
            return await outcome
        except asyncio.CancelledError:
            if outcome.done() and not outcome.cancelled() and outcome.exception() is None:
                discard(outcome.result())
            raise


def _attempt(work: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as error:  # noqa: BLE001  # is raised where the result is awaited
        return None, error


def _settle(
    outcome: "asyncio.Future[_T]",
    result: _T | None,
    error: BaseException | None,
    discard: Callable[[_T], object],
) -> None:
    if not outcome.done():
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]
    elif error is None:
        discard(result)  # type: ignore[arg-type]
