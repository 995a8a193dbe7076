"""Results that the consumers of a snapshot share: the screen and the history read the same budget
and the same locks.
"""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

from pgtop.model.snapshot import Snapshot

ResultT = TypeVar("ResultT")

_KEPT = 4
"""Snapshots whose results are kept: the newest ones of a few servers."""


class OncePerSnapshot(Generic[ResultT]):
    """The results of one computation for the newest snapshots."""

    def __init__(self) -> None:
        self._results: tuple[tuple[ref[Snapshot], ResultT], ...] = ()

    def of(self, snapshot: Snapshot, compute: Callable[[], ResultT]) -> ResultT:
        """Return the result for `snapshot`, computing it only for the first consumer."""
        for known, result in self._results:
            if known() is snapshot:
                return result
        result = compute()
        self._results = ((ref(snapshot), result), *self._results[: _KEPT - 1])
        return result
