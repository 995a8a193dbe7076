"""The first sample of a server, awaited again and again with `--wait`."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Protocol

from pgtop.cli import output
from pgtop.model.failure import LOGIN_REFUSED, Failure, FailureKind
from pgtop.model.section import Topic
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Source, SourceError

RETRIED = frozenset(
    {
        FailureKind.FULL,
        FailureKind.STARTING,
        FailureKind.STOPPING,
        FailureKind.UNREACHABLE,
        FailureKind.SLOW,
        FailureKind.LOGIN,
    }
)
"""Failures that may end while pgtop waits."""

_FIRST_PAUSE = 1.0
_PAUSE = 2.0
_PAUSE_AFTER_REFUSED_LOGIN = 30.0
"""Seconds between the tries of --wait. Servers lock an account after several refused logins."""
_QUIET = 0.5
"""Seconds of connecting without a message."""


class Waiting(Protocol):
    """Shows the wait for the first sample, in place of messages."""

    def connecting(self) -> AbstractContextManager[None]:
        """Return what surrounds each try."""
        ...

    async def retry_after(self, failure: Failure, tries: int, seconds: float) -> None:
        """Return when the next try is due, or requested."""
        ...


class Messages:
    """Reports a slow first try, and each new reason to wait, in one sentence."""

    def __init__(self) -> None:
        self._tries = 0
        self._reported: FailureKind | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Show a message once the first try takes a while."""
        timer = asyncio.get_running_loop().call_later(_QUIET, self._show_connecting)
        try:
            yield
        finally:
            timer.cancel()

    async def retry_after(self, failure: Failure, tries: int, seconds: float) -> None:
        """Report a failure of another kind than the last, and sleep."""
        self._tries = tries
        if failure.kind is not self._reported:
            output.report(failure.what, "Trying again until it works; Ctrl-C stops.")
        self._reported = failure.kind
        await asyncio.sleep(seconds)

    def _show_connecting(self) -> None:
        """Show it to a user at a terminal, but in no script's log."""
        is_terminal = sys.stderr is not None and sys.stderr.isatty()
        if is_terminal and not self._tries:
            output.report("Connecting …")


async def first_sample(
    source: Source, wait: bool, waiting: Waiting | None = None
) -> Snapshot:
    """Return the first snapshot; with `wait`, keep trying where that can help. Raises SourceError.

    `waiting` shows what pgtop waits for; without it, messages do.
    """
    shown = waiting or Messages()
    before: FailureKind | None = None
    for tries in count(1):
        try:
            with shown.connecting():
                return await source.sample()
        except SourceError as error:
            failure = error.failure
            if not wait or failure.kind not in RETRIED:
                raise
        gc.enable()  # this may last for days
        await shown.retry_after(failure, tries, _pause(failure.kind, before))
        before = failure.kind
    raise AssertionError("the tries never end")


async def sample_of(source: Source, topics: frozenset[Topic], wait: bool) -> Snapshot:
    """Return a sample for these topics, and close the source. Raises SourceError.

    The first sample has shown what there is to read for them.
    """
    try:
        await first_sample(source, wait)
        return await source.sample(topics)
    finally:
        await source.close()


def _pause(kind: FailureKind, before: FailureKind | None) -> float:
    """Return the seconds until the next try."""
    if kind in LOGIN_REFUSED:
        return _PAUSE_AFTER_REFUSED_LOGIN
    return _PAUSE if before else _FIRST_PAUSE
