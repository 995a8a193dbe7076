"""The frozen list of sessions to signal. Targets can be removed, never added.

A plan says of every backend that it was made from whether it is a target or left out, and why.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import Backend, BackendId
from pgtop.model.server import SeenOn, Server
from pgtop.model.signal import Signal, SignalRequest
from pgtop.model.timestamp import Instant


class ExclusionReason(StrEnum):
    """Why a backend is left out."""

    PROTECTED = "protected"
    HIDDEN = "hidden"
    NOTHING_RUNS = "nothing to cancel"
    # the filter is neither true nor false of it, as something that it asks is not known
    UNDECIDED = "undecided"
    CHANGED = "changed"


class Change(StrEnum):
    """What has happened to a target since it was planned."""

    ENDED = "ended"
    QUERY = "another query"
    TRANSACTION = "another transaction"
    PROTECTED = "protected now"
    NAME = "another application name"
    LOGIN = "logged in"
    HIDDEN = "hidden now"
    DOUBTFUL = "perhaps another session"
    ELSEWHERE = "perhaps on another server"


MOVED_ON = frozenset({Change.QUERY, Change.TRANSACTION, Change.NAME, Change.LOGIN})
"""It is the same session still, which may be asked for as it is now."""


class Target(NamedTuple):
    """A backend as it was seen.

    `pinned`: only while it is at the same query and transaction. `renamed_too`: also under another
    application name.
    """

    backend: Backend
    refusal: str = ""
    """Why the server will refuse, or may, going on from "it"; clean before showing."""
    remedy: str = ""
    """What would change that, where something would."""
    protection: str = ""
    """Why it is protected, where it is a target nevertheless: alone, by name."""
    only_if_unchanged: bool = True
    even_if_renamed: bool = False

    @property
    def identity(self) -> BackendId:
        return self.backend.identity

    @property
    def needs_pid(self) -> bool:
        """True if its pid must be typed: it is protected, or the next session of its pid would look
        the same.
        """
        return bool(self.protection) or self.backend.hidden

    def request(self, signal: Signal, seen_on: SeenOn) -> SignalRequest:
        """The order that signals this target and nothing else."""
        return SignalRequest(
            signal, self.backend, self.only_if_unchanged, seen_on, self.even_if_renamed
        )


class Excluded(NamedTuple):
    """A backend that is not signalled, and why; `reason` goes on from "it": clean before
    showing.
    """

    backend: Backend
    why: ExclusionReason
    reason: str


class Plan(NamedTuple):
    """One signal to many. The targets stand in the order of what ending them would cost, most
    first.
    """

    signal: Signal
    server: Server
    seen_at: Instant
    """When the targets were seen on it."""
    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...] = ()
    frees: int = 0
    """Sessions outside the plan that wait for its targets alone."""
    understood: str = ""
    """The filter that chose the targets, in plain words that go on from "sessions"; "" if none
    did.
    """

    @property
    def seen_on(self) -> SeenOn:
        """The run of the server on which the targets were seen, and when."""
        return SeenOn(self.server.run, self.seen_at)

    @property
    def requests(self) -> tuple[SignalRequest, ...]:
        """One for each target."""
        return tuple(target.request(self.signal, self.seen_on) for target in self.targets)

    @property
    def refusals(self) -> tuple[Target, ...]:
        """The targets that the server will refuse, as far as can be known."""
        return tuple(target for target in self.targets if target.refusal)

    def reasons(self) -> Mapping[tuple[ExclusionReason, str], int]:
        """Count those left out for each reason, the most frequent first."""
        return dict(Counter((left.why, left.reason) for left in self.excluded).most_common())

    def without(self, identities: Collection[BackendId]) -> "Plan":
        """The plan less some of its targets."""
        return self._replace(
            targets=tuple(target for target in self.targets if target.identity not in identities)
        )
