"""The difference between two instants of one server: sessions, groups, roots of lock queues, slots.

pgtop's own session and background processes are left out: they change all the time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pgtop.analysis.breakdown import NAMES, Dimension
from pgtop.analysis.budget import Budget, budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.model.backend import WALSENDER, Backend
from pgtop.model.snapshot import Snapshot

COMPARED = (
    "state", "application_name", "xact_start", "query_start", "query", "wait_event_type",
    "wait_event", "blocked_by",
)  # fmt: skip
"""Fields of a session that may change while it lives."""
DIMENSIONS = (Dimension.ROLE, Dimension.APPLICATION, Dimension.DATABASE)


class ChangedSession(NamedTuple):
    """A session that is there at both times, and differs."""

    before: Backend
    after: Backend
    fields: tuple[str, ...]
    """Names of the fields that differ, in the order of COMPARED."""


class ChangedGroup(NamedTuple):
    """The number of sessions of a role, an application or a database at both times."""

    dimension: Dimension
    name: str
    before: int
    after: int


class Root(NamedTuple):
    """A session or prepared transaction that others wait for, without waiting itself."""

    key: Key
    waiters: int
    """Sessions that wait for it, directly or through others."""


class Difference(NamedTuple):
    """The difference between `before` and `after`."""

    before: DerivedSnapshot
    after: DerivedSnapshot
    came: tuple[Backend, ...]
    went: tuple[Backend, ...]
    changed: tuple[ChangedSession, ...]
    unchanged: int
    """Sessions that are the same at both times."""
    groups: tuple[ChangedGroup, ...]
    """The largest change first."""
    roots_before: tuple[Root, ...]
    roots_after: tuple[Root, ...]
    budget_before: Budget
    budget_after: Budget
    is_restarted: bool
    """True if the two are not from the same run of the server: no session lives on."""

    @property
    def is_empty(self) -> bool:
        """True if nothing differs but the time."""
        slots = (self.budget_before.used, self.budget_before.max_connections)
        slots_after = (self.budget_after.used, self.budget_after.max_connections)
        sessions = (self.came, self.went, self.changed, self.groups)
        return (
            not any(sessions)
            and self.roots_before == self.roots_after
            and slots == slots_after
            and not self.is_restarted
        )


def difference(before: DerivedSnapshot, after: DerivedSnapshot) -> Difference:
    """Return what differs between two instants."""
    is_same_run = before.snapshot.seen_on.goes_on(after.snapshot.server.run)
    earlier = _sessions(before.snapshot)
    later = _sessions(after.snapshot)
    pairs = _pairs(earlier, later) if is_same_run else {}
    changed = [_changed(earlier[pid], later[pid]) for pid in pairs]
    differing = tuple([session for session in changed if session.fields])
    came = [later[pid] for pid in later if pid not in pairs]
    went = [earlier[pid] for pid in earlier if pid not in pairs]
    return Difference(
        before=before,
        after=after,
        came=tuple(came),
        went=tuple(went),
        changed=differing,
        unchanged=len(changed) - len(differing),
        groups=_groups(earlier, later),
        roots_before=_roots(before),
        roots_after=_roots(after),
        budget_before=budget(before.snapshot),
        budget_after=budget(after.snapshot),
        is_restarted=not is_same_run,
    )


def _sessions(snapshot: Snapshot) -> dict[int, Backend]:
    """Return client sessions and walsenders by pid, without pgtop's own."""
    own = snapshot.server.pid
    return {
        backend.pid: backend
        for backend in sorted(snapshot.backends, key=lambda backend: backend.pid)
        if (backend.is_client or backend.backend_type == WALSENDER)
        and backend.pid != own
    }


def _pairs(
    earlier: Mapping[int, Backend], later: Mapping[int, Backend]
) -> dict[int, None]:
    """Return the pids of the sessions that are there at both times, as far as this role can see."""
    common = [pid for pid in earlier if pid in later]
    return dict.fromkeys(pid for pid in common if earlier[pid].looks_like(later[pid]))


def _changed(before: Backend, after: Backend) -> ChangedSession:
    differing = [
        name for name in COMPARED if getattr(before, name) != getattr(after, name)
    ]
    return ChangedSession(before, after, tuple(differing))


def _groups(
    earlier: Mapping[int, Backend], later: Mapping[int, Backend]
) -> tuple[ChangedGroup, ...]:
    groups = []
    for dimension in DIMENSIONS:
        name_of = NAMES[dimension]
        before = Counter(map(name_of, earlier.values()))
        after = Counter(map(name_of, later.values()))
        groups += [
            ChangedGroup(dimension, name, before[name], after[name])
            for name in sorted(before.keys() | after.keys())
            if before[name] != after[name]
        ]
    return tuple(sorted(groups, key=lambda group: -abs(group.after - group.before)))


def _roots(derived: DerivedSnapshot) -> tuple[Root, ...]:
    roots: Sequence[Root] = [
        Root(root.key, root.total_waiters) for root in derived.forest.roots
    ]
    return tuple(roots)
