"""From sessions that were chosen to a plan: who is signalled, who is left out, and what has changed since.

A plan only ever shrinks, or is made anew by whoever asks again. What is protected is never one of many.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from pgtop.analysis.blocking import forest
from pgtop.analysis.rights import protection, right_to_signal
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend, BackendId
from pgtop.model.plan import Change, LeftOut, Plan, Target, Why
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot

Guard: TypeAlias = Callable[[Backend], str]
"""Why the user wants a backend protected, going on from "it", or "" where they do not."""


def unguarded(_: Backend) -> str:
    """Nobody but those whom pgtop itself protects."""
    return ""


def plan(
    signal: Signal, chosen: Iterable[Backend], snapshot: Snapshot, guard: Guard = unguarded, *, pinned: bool = True
) -> Plan:
    """The plan to signal the chosen backends of `snapshot`; `pinned` ones only while they do what they do there."""
    targets: list[Target] = []
    left_out: list[LeftOut] = []
    for backend in chosen:
        reason = _reason_to_leave_out(signal, backend, snapshot.server, guard)
        if reason:
            left_out.append(LeftOut(backend, *reason))
        else:
            targets.append(_target(snapshot.server, backend, pinned=pinned))
    ordered = tuple(sorted(targets, key=_consequence(snapshot)))
    return Plan(signal, snapshot.server, ordered, tuple(left_out), _frees(ordered, snapshot))


def plan_for_one(signal: Signal, backend: Backend, snapshot: Snapshot, guard: Guard = unguarded) -> Plan:
    """The plan for a backend that was named, alone: it is the target, and says why it is protected if it is."""
    server = snapshot.server
    protected = protection(server, backend) or guard(backend)
    target = _target(server, backend, protected, pinned=False)
    return Plan(signal, server, (target,), (), _frees((target,), snapshot))


def changes(planned: Plan, snapshot: Snapshot) -> Mapping[BackendId, Change]:
    """Of each target that is not any more as it was planned, what has happened to it."""
    now = {(backend.identity, backend.usesysid): backend for backend in snapshot.backends}
    found = ((t.identity, _change(t, now.get((t.identity, t.backend.usesysid)))) for t in planned.targets)
    return {identity: change for identity, change in found if change is not None}


def asked_again(planned: Plan, snapshot: Snapshot, guard: Guard = unguarded) -> Plan:
    """The plan with its targets as they are now: those that have ended leave, those that changed are taken as they are.

    A terminate is then for the session whatever it does, a cancel for the query that it runs now.
    """
    now = {backend.identity: backend for backend in snapshot.backends}
    moved = {identity for identity, change in changes(planned, snapshot).items() if change is not Change.ENDED}
    still = [now[target.identity] for target in planned.targets if target.identity in now]
    renewed = plan(planned.signal, still, snapshot, guard)
    terminate = planned.signal is Signal.TERMINATE
    loose = moved | {target.identity for target in planned.targets if not target.pinned}
    targets = tuple(replace(t, pinned=not (terminate and t.identity in loose)) for t in renewed.targets)
    return replace(renewed, targets=targets, left_out=(*planned.left_out, *renewed.left_out))


def _reason_to_leave_out(signal: Signal, backend: Backend, server: Server, guard: Guard) -> tuple[Why, str] | None:
    if protected := protection(server, backend) or guard(backend):
        return Why.PROTECTED, protected
    if backend.usesysid is None and backend.backend_type == CLIENT_BACKEND:
        return Why.HIDDEN, "it is still logging in: whose it is is not known yet"
    if backend.hidden:  # perhaps a walsender, perhaps busy with something else by now: neither could be told
        return Why.HIDDEN, f"this role may not see what it is: grant pg_read_all_stats to {server.user}"
    if signal is Signal.CANCEL and (backend.state == IDLE or backend.in_transaction_idle):
        return Why.NOTHING_RUNS, "it runs no query"
    return None


def _target(server: Server, backend: Backend, protected: str = "", *, pinned: bool) -> Target:
    right = right_to_signal(server, backend)
    if right.allowed:
        return Target(backend, protection=protected, pinned=pinned)
    return Target(backend, right.reason, right.remedy, protected, pinned)


def _change(target: Target, now: Backend | None) -> Change | None:
    before = target.backend
    if now is None:
        return Change.ENDED
    if not target.pinned:
        return None
    if now.query_start != before.query_start:
        return Change.QUERY
    return Change.TRANSACTION if now.xact_start != before.xact_start else None


def _consequence(snapshot: Snapshot) -> Callable[[Target], tuple[object, ...]]:
    """Sorts first who has written and would be rolled back, then open transactions; the oldest of each first."""

    def key(target: Target) -> tuple[object, ...]:
        backend = target.backend
        since = backend.xact_start or backend.query_start or backend.state_change or snapshot.taken_at
        return (
            backend.backend_xid is None, backend.xact_start is None, since, backend.pid,
        )  # fmt: skip

    return key


def _frees(targets: Iterable[Target], snapshot: Snapshot) -> int:
    """How many others wait, in the end, for nobody but targets."""
    return len(forest(snapshot).only(*(target.backend.pid for target in targets)))
