"""One question at a time, and of those that come meanwhile only the newest: so a server that hangs
is asked once.

A question under way is never broken off, as that would cost the connection; where it came too late
its answer is dropped.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

WantedT = TypeVar("WantedT")
FoundT = TypeVar("FoundT")


class LatestRequest(Generic[WantedT, FoundT]):
    """What was wanted last, `ask`ed for and then `take`n."""

    def __init__(
        self, ask: Callable[[WantedT], Awaitable[FoundT]], take: Callable[[WantedT, FoundT], None]
    ) -> None:
        self._ask = ask
        self._take = take
        self._wanted: WantedT | None = None
        self._asking = False

    async def want(self, wanted: WantedT) -> None:
        """Ask for it, at once or as soon as the question under way is answered."""
        self._wanted = wanted
        if self._asking:
            return
        self._asking = True
        try:
            await self._ask_on()
        finally:
            self._asking = False

    def forget(self) -> None:
        """Nothing is wanted any more, whatever the answer."""
        self._wanted = None

    async def _ask_on(self) -> None:
        while (asked := self._wanted) is not None:
            found = await self._ask(asked)
            if self._wanted is asked:
                self._wanted = None
                self._take(asked, found)
