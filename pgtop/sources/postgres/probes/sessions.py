"""The sessions, and the locks that they wait for at the same instant: every snapshot has both.

How idle sessions are left out of the answer. Most sessions of a busy server do nothing, and
nothing of them changes, so the server does not send their rows. A session has no row if it has
been idle (`idle`, `idle in transaction`, and waiting for its client) since before the previous
snapshot, holds no snapshot of its own (the age of `backend_xmin` grows while a session sleeps) and
was complete when it was read. The server only names it by pid and start, and it is taken from
memory. Clients that have been idle for GROUPING_AFTER are not even named one by one: the server
sends a digest of them all. As long as the digest stays the same, the snapshot has the same
`IdleGroup` object, and everything derived from the group stays cached.

The trap: a field of `Backend` that can change while a session is idle, and that does not make the
server send the row again, would be shown as it was. `state_change` covers what the session itself
does. Names of roles and databases can change without it: they belong to the facts, and when facts
are read all rows are sent. `tests/sources/postgres/test_idle_sessions.py` has an entry for each
field of `Backend` and refuses a field without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from pgtop.model.backend import CLIENT_BACKEND, CLIENT_READ, IDLE, Backend
from pgtop.model.cost import Cost
from pgtop.model.locks import LockState
from pgtop.model.running import RunningPids
from pgtop.model.section import LOCKS, Section, Topic
from pgtop.model.server import Server
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.probes.activity import EVERYTHING, Changes
from pgtop.sources.postgres.probes.lock_target import NO_NAMES, Names
from pgtop.sources.postgres.probes.locks import carry_over
from pgtop.sources.postgres.probes.locks.answers import read
from pgtop.sources.postgres.probes.locks.schedule import LockPollPlan, LockPollSchedule
from pgtop.sources.postgres.probes.locks.statements import statements
from pgtop.sources.postgres.probes.session_memory import SessionMemory
from pgtop.sources.postgres.shapes import AnswerError, Rows

GROUPING_AFTER = 5 * MICROSECONDS
"""A client that has been idle for so long usually remains idle: the group changes seldom."""

SLACK = MICROSECONDS // 10
"""A statement takes its start time a moment before others can see it."""

Owner: TypeAlias = tuple[int | None, int | None]
"""The oids of a backend's database and role."""


def _is_incomplete(backend: Backend) -> bool:
    """Return whether a session has no text, or was busy although it has nothing to do."""
    is_resting = backend.wait_event == CLIENT_READ
    if backend.query is None:
        is_idle = backend.state == IDLE and backend.backend_type == CLIENT_BACKEND
        return not (is_idle and is_resting)
    return backend.between_commands and not is_resting


_incomplete = RunningPids(_is_incomplete)


class SessionReply(NamedTuple):
    """The answers to the statements for the sessions, in part still as rows."""

    taken_at: Instant
    pid: int
    """The backend that answered."""
    started_at: Instant
    """When its server was started."""
    seconds: float
    """Duration on the server."""
    rows: Rows
    idle: tuple[Backend, ...]
    """Idle sessions that have no row and are not in the group."""
    idle_group: IdleGroup
    lock_rows: Sequence[Rows]

    @property
    def owners(self) -> set[Owner]:
        return {activity.owner(row) for row in self.rows}


class SessionReader:
    """Reads the sessions over one connection, and remembers what need not be sent again."""

    def __init__(
        self, features: Features, text_bytes: int, relation_names: Names = NO_NAMES
    ) -> None:
        self.last: Snapshot | None = None
        """The previous snapshot; None if the next one can reuse nothing."""
        self._features = features
        self._text_bytes = text_bytes
        self._memory = SessionMemory(text_bytes)
        self._relation_names = relation_names
        self._digest = b""
        self._idle_group = NO_IDLE_GROUP
        self._schedule = LockPollSchedule()
        self._plan = LockPollPlan()

    def plan(self, topics: frozenset[Topic]) -> None:
        """Begin a poll."""
        plan = self._schedule.plan(self.last, LOCKS in topics)
        self._plan = plan.permitted(self._features)

    def plan_without_locks(self, why: str) -> None:
        """Begin a poll that leaves out locks, as they could not be read in the previous one."""
        self._plan = LockPollPlan(reads_blockers=False, failure=why)

    @property
    def has_locks(self) -> bool:
        """True if the poll reads locks."""
        return self._plan.reads_blockers

    def statements(
        self, server: Server | None, *, are_all_sent: bool
    ) -> list[Statement]:
        """Return the statements for one transaction; `are_all_sent`: idle sessions have a row, too,
        as the names of roles and databases may have changed.
        """
        last = self.last
        plan = self._plan
        changes = EVERYTHING
        is_any_hidden = True
        if last is not None:
            changes = self._changes_since(last, are_all_sent)
            is_any_hidden = not last.server.rights.reads_all
        sessions = activity.activity(
            self._features,
            self._text_bytes,
            changes=changes,
            reads_blockers=plan.reads_blockers,
            blockers_reused=plan.blockers_reused,
            is_any_hidden=is_any_hidden,
        )
        return [sessions, *statements(plan, self._features, server)]

    def _changes_since(self, last: Snapshot, are_all_sent: bool) -> Changes:
        """Return what has changed since the previous snapshot, and what was not complete in it: a
        session without a text, or one that was busy although it has nothing to do.
        """
        incomplete = list(_incomplete.of(last.ungrouped))
        since = last.taken_at - SLACK
        if are_all_sent:
            return Changes(since, digest=self._digest, again=incomplete)
        return Changes(
            since=since,
            idle_since=since,
            grouped_since=(last.taken_at // GROUPING_AFTER - 1) * GROUPING_AFTER,
            digest=self._digest,
            again=incomplete,
        )

    def reply(self, answers: Sequence[Rows]) -> SessionReply | None:
        """Return the reply, or None if it does not fit the previous snapshot: that is then dropped,
        and the poll must be repeated.

        Raises AnswerError.
        """
        rows, *lock_rows = answers
        end = activity.read_end(rows)
        pid, taken_at = activity.read_instant(rows)
        idle_group = self._idle_group_at(end)
        idle = self._memory.named_idle(end.idle)
        is_restart = self._is_set_back_or_restarted(taken_at, end.started_at)
        if is_restart:
            # it may be an hour until that clock reaches the end of a rest
            self._schedule = LockPollSchedule()
        if is_restart or idle_group is None or idle is None:
            self._forget()
            return None
        seconds = seconds_between(taken_at, end.at)
        return SessionReply(
            taken_at, pid, end.started_at, seconds, rows, idle, idle_group, lock_rows
        )

    def _is_set_back_or_restarted(self, taken_at: Instant, started_at: Instant) -> bool:
        """Return whether the server's clock was set back, or another run answers: a pooler may lead
        to another server.
        """
        if self.last is None:
            return False
        return (
            taken_at < self.last.taken_at or started_at != self.last.server.started_at
        )

    def _forget(self) -> None:
        """Drop the previous snapshot. Raises AnswerError if there is none: the server has left out
        sessions that it never showed.
        """
        if self.last is None:
            raise AnswerError("The server left out sessions that it never showed.")
        self.last = None
        self._plan = self._plan.without_reuse()

    def snapshot(
        self,
        reply: SessionReply,
        server: Server,
        received: int | None,
        sections: Mapping[str, Section[Any]],
    ) -> Snapshot:
        """Return the snapshot, and remember it; `received`: the bytes of all answers."""
        last = self.last
        plan = self._plan
        answers = read(
            plan,
            reply.lock_rows,
            server,
            self._features.encoding,
            self._relation_names,
        )
        backends = (*self._memory.read(reply.rows, server), *reply.idle)
        backends, reused = carry_over.with_blockers(backends, plan, answers, last)
        snapshot = Snapshot(
            reply.taken_at,
            server,
            backends,
            Cost(reply.seconds, received),
            idle_group=reply.idle_group,
            sections=sections,
            text_bytes=self._text_bytes,
        )
        locks = carry_over.with_known_waits(answers.state, plan, last, snapshot.waiting)
        self._schedule = self._schedule.after(
            snapshot, plan, reply.seconds + answers.seconds
        )
        self._memory.remember(reply.rows, snapshot)
        locks = locks._replace(reused=reused)
        self.last = replace(snapshot, locks=self._noted(locks))
        return self.last

    def _noted(self, locks: LockState) -> LockState:
        """Add what was refused, failed or is postponed."""
        refusal = self._features.lock_refusal
        return locks._replace(
            note=refusal or self._schedule.note or self._relation_names.note,
            failure=refusal or self._schedule.failure,
            unread=self._features.holder_refusal,
        )

    def _idle_group_at(self, end: activity.End) -> IdleGroup | None:
        """Return the previous idle group if its digest is the same, else a new one."""
        if end.digest != self._digest:
            backends = self._memory.named(end.grouped)
            if backends is None:
                return None
            self._digest = end.digest
            self._idle_group = IdleGroup(backends)
        return self._idle_group
