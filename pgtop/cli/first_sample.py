"""The first sample of a server, awaited again and again with `--wait`."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from pgtop.cli import output
from pgtop.model.failure import LOGIN_REFUSED, FailureKind
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


async def first_sample(
    source: Source,
    wait: bool,
    connecting: Callable[[], AbstractContextManager[None]] | None = None,
) -> Snapshot:
    """Return the first snapshot; with `wait`, keep trying where that can help. Raises SourceError.

    `connecting` surrounds the first try. Without it, a message announces a slow one.
    """
    before: FailureKind | None = None
    first_try = connecting or _announced
    while True:
        try:
            with nullcontext() if before else first_try():
                return await source.sample()
        except SourceError as error:
            failure = error.failure
            if not wait or failure.kind not in RETRIED:
                raise
        if failure.kind is not before:
            output.report(failure.what, "Trying again until it works; Ctrl-C stops.")
        gc.enable()  # this may last for days
        await asyncio.sleep(_pause(failure.kind, before))
        before = failure.kind


def _pause(kind: FailureKind, before: FailureKind | None) -> float:
    """Return the seconds until the next try."""
    if kind in LOGIN_REFUSED:
        return _PAUSE_AFTER_REFUSED_LOGIN
    return _PAUSE if before else _FIRST_PAUSE


@contextmanager
def _announced() -> Iterator[None]:
    """Show a message once connecting takes a while."""
    timer = asyncio.get_running_loop().call_later(_QUIET, _show_connecting)
    try:
        yield
    finally:
        timer.cancel()


def _show_connecting() -> None:
    """Show it to a user at a terminal, but in no script's log."""
    if sys.stderr is not None and sys.stderr.isatty():
        output.report("Connecting …")
