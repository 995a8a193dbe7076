"""The frozen list of sessions to signal. Targets can be removed, never added.

A plan lists every backend that it was made from: as a target, or as excluded with the reason.
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
    """The reason to exclude a backend from a plan."""

    PROTECTED = "protected"
    HIDDEN = "hidden"
    NOTHING_RUNS = "nothing to cancel"
    UNDECIDED = "undecided"  # the filter needs a value that is not known
    CHANGED = "changed"


class Change(StrEnum):
    """The change of a target since it was planned."""

    ENDED = "ended"
    QUERY = "another query"
    TRANSACTION = "another transaction"
    PROTECTED = "protected now"
    NAME = "another application name"
    LOGIN = "logged in"
    HIDDEN = "hidden now"
    DOUBTFUL = "perhaps another session"
    ELSEWHERE = "perhaps on another server"


MOVED_ON = frozenset(
    {
        Change.QUERY,
        Change.TRANSACTION,
        Change.NAME,
        Change.LOGIN,
    }
)
"""Changes of what is still the same session: the user can confirm it as it is now."""


class Target(NamedTuple):
    """A backend to signal, as it was seen."""

    backend: Backend
    refusal: str = ""
    """Why the server will or may refuse, in words after "it". Clean before showing."""
    remedy: str = ""
    """The order that would lift the refusal, if there is one."""
    protection: str = ""
    """Why it is protected. A protected target is alone in its plan: the user has named it."""
    only_if_unchanged: bool = True
    """True if only the same query and transaction may be signalled."""
    even_if_renamed: bool = False
    """True if the session may have changed its application name."""

    @property
    def identity(self) -> BackendId:
        """The identity of the backend."""
        return self.backend.identity

    def request(self, signal: Signal, seen_on: SeenOn) -> SignalRequest:
        """Return the request that signals this target and nothing else."""
        return SignalRequest(
            signal,
            self.backend,
            self.only_if_unchanged,
            seen_on,
            self.even_if_renamed,
        )


class Excluded(NamedTuple):
    """A backend that is not signalled, and why."""

    backend: Backend
    reason: ExclusionReason
    explanation: str
    """Words for the reason. Clean before showing."""


class Plan(NamedTuple):
    """One signal to one session or many."""

    signal: Signal
    server: Server
    seen_at: Instant
    """When the targets were seen on the server."""
    targets: tuple[Target, ...]
    """The most consequential first."""
    excluded: tuple[Excluded, ...] = ()
    frees: int = 0
    """Sessions outside the plan that wait only for its targets."""
    understood: str = ""
    """The filter that selected the targets, in plain words after "sessions"; "" without one."""

    @property
    def seen_on(self) -> SeenOn:
        """The server instance on which the targets were seen, and when."""
        return SeenOn(self.server.run, self.seen_at)

    @property
    def requests(self) -> tuple[SignalRequest, ...]:
        """One request for each target."""
        return tuple(
            target.request(self.signal, self.seen_on) for target in self.targets
        )

    @property
    def refusals(self) -> tuple[Target, ...]:
        """The targets that the server will refuse, as far as that can be known."""
        return tuple(target for target in self.targets if target.refusal)

    def exclusions(self) -> Mapping[tuple[ExclusionReason, str], int]:
        """Count the excluded backends by reason and explanation, the most frequent first."""
        pairs = ((each.reason, each.explanation) for each in self.excluded)
        return dict(Counter(pairs).most_common())

    def without(self, identities: Collection[BackendId]) -> "Plan":
        """Return the plan without some of its targets."""
        kept = tuple(
            target for target in self.targets if target.identity not in identities
        )
        return self._replace(targets=kept)
