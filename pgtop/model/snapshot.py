"""One instant of one server. The header and the rows of a frame come from the same snapshot, so
they never disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pgtop.model.alike import ACCOUNT, Alike
from pgtop.model.backend import CLIENT_BACKEND, CLIENT_READ, IDLE, Backend
from pgtop.model.cost import Cost
from pgtop.model.locks import LockState
from pgtop.model.running import LatestResult
from pgtop.model.section import Section
from pgtop.model.server import SeenOn, Server
from pgtop.model.timestamp import Instant

ReadingT = TypeVar("ReadingT")


@dataclass(frozen=True, eq=False)
class IdleGroup:
    """Client backends that have been idle for some seconds. Successive snapshots share the same
    object as long as the same backends are idle.

    On a server with hundreds of sessions most are in this group. Everything derived from the group
    is computed once and cached under the object itself.
    """

    backends: tuple[Backend, ...] = ()

    @cached_property
    def by_pid(self) -> Mapping[int, Backend]:
        return {backend.pid: backend for backend in self.backends}

    @cached_property
    def accounts(self) -> tuple[Alike, ...]:
        """The backends of each role, database and type."""
        return ACCOUNT.alike(self.backends)


NO_IDLE_GROUP = IdleGroup()


@dataclass(frozen=True, eq=False)
class _BackendsByWork:
    """The backends outside the idle group, by the work that they need.

    Each is computed once, also if a snapshot gets its locks and sections only later: a pass over
    all backends takes 0.02 ms and more.
    """

    backends: tuple[Backend, ...]

    @cached_property
    def busy(self) -> tuple[Backend, ...]:
        return tuple(
            [b for b in self.backends
             if b.state != IDLE or b.wait_event != CLIENT_READ or b.backend_type != CLIENT_BACKEND]
        )  # fmt: skip

    @cached_property
    def busy_clients(self) -> tuple[Backend, ...]:
        return tuple(
            [b for b in self.busy if b.backend_type == CLIENT_BACKEND or b.is_client]
        )

    @cached_property
    def processes(self) -> tuple[Backend, ...]:
        others = [b for b in self.busy if b.backend_type != CLIENT_BACKEND]
        return tuple([b for b in others if not b.is_client])

    @cached_property
    def waiting(self) -> tuple[Backend, ...]:
        return tuple(
            [b for b in self.busy if b.wait_event_type == "Lock" or b.blocked_by]
        )

    @cached_property
    def by_pid(self) -> Mapping[int, Backend]:
        return {backend.pid: backend for backend in self.backends}


@dataclass(frozen=True)
class Snapshot:
    """The server's answer at `taken_at`, by its own clock."""

    taken_at: Instant
    server: Server
    ungrouped: tuple[Backend, ...]
    """All backends outside the idle group."""
    cost: Cost = field(default_factory=Cost)
    locks: LockState = field(default_factory=LockState)
    idle_group: IdleGroup = NO_IDLE_GROUP
    sections: Mapping[str, Section[Any]] = field(default_factory=dict)
    """The results of the probes of the requested topics, by the name of the probe."""
    text_bytes: int = 1 << 20
    """The maximum length of each query that was requested; a text of this length may be cut."""
    are_queries_masked: bool = False
    """True if `?` in a query may stand for any literal."""

    @property
    def seen_on(self) -> SeenOn:
        """The run of the server, and the time."""
        return SeenOn(self.server.run, self.taken_at)

    @cached_property
    def backends(self) -> tuple[Backend, ...]:
        """All backends."""
        return (*self.ungrouped, *self.idle_group.backends)

    @cached_property
    def busy(self) -> tuple[Backend, ...]:
        """All backends except idle clients that wait for nothing but their next command.

        Most of thousands of sessions are such idle clients. A search for work, waits or secrets
        can skip them.
        """
        return self._by_work.busy

    @cached_property
    def busy_clients(self) -> tuple[Backend, ...]:
        """The busy backends that hold a slot, as far as this role can know."""
        return self._by_work.busy_clients

    @cached_property
    def processes(self) -> tuple[Backend, ...]:
        """The backends that hold no slot; all of them are busy."""
        return self._by_work.processes

    @cached_property
    def accounts(self) -> tuple[Alike, ...]:
        """The backends of each role, database and type, those of the idle group apart."""
        return (*ACCOUNT.alike(self.ungrouped), *self.idle_group.accounts)

    @cached_property
    def waiting(self) -> tuple[Backend, ...]:
        """The busy backends that wait for a lock, or have known blockers."""
        return self._by_work.waiting

    def reading(self, name: str, kind: type[ReadingT]) -> ReadingT | None:
        """Return the data of a section, which are of this kind; None without any."""
        section = self.sections.get(name)
        data = None if section is None else section.data
        return data if isinstance(data, kind) else None

    def at(self, pid: int) -> Backend | None:
        """Return the backend of this pid."""
        return self._by_pid.get(pid) or self.idle_group.by_pid.get(pid)

    @cached_property
    def _by_pid(self) -> Mapping[int, Backend]:
        return self._by_work.by_pid

    @cached_property
    def _by_work(self) -> _BackendsByWork:
        return _newest_by_work.of(
            self.ungrouped, compute=lambda: _BackendsByWork(self.ungrouped)
        )


_newest_by_work: LatestResult[_BackendsByWork] = LatestResult()
