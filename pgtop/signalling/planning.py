"""Plans from selected sessions: the targets, the excluded, and what has changed since.

A plan only shrinks, unless the user asks for it again. A protected session is never one of many.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from pgtop.analysis.forest_builder import build_forest
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend, BackendId
from pgtop.model.plan import MOVED_ON, Change, Excluded, ExclusionReason, Plan, Target
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.protection import Guard, protection, unguarded
from pgtop.signalling.rights import grant, right_to_signal

Changes: TypeAlias = Mapping[BackendId, Change]
"""The targets that have changed."""


# Making a plan.


def make_plan(
    signal: Signal,
    selected: Iterable[Backend],
    snapshot: Snapshot,
    guard: Guard = unguarded,
    *,
    only_if_unchanged: bool = True,
    even_if_renamed: bool = False,
    understood: str = "",
) -> Plan:
    """Return the plan to signal the selected backends of `snapshot`.

    `understood` is the filter that selected them, in plain words.
    """
    server = snapshot.server
    targets: list[Target] = []
    excluded: list[Excluded] = []
    for backend in selected:
        exclusion = _exclusion(
            signal,
            backend,
            server,
            guard,
        )
        if exclusion is not None:
            excluded.append(exclusion)
            continue
        target = _target(server, backend)
        targets.append(
            target._replace(
                only_if_unchanged=only_if_unchanged, even_if_renamed=even_if_renamed
            )
        )
    targets.sort(key=_consequence(snapshot))
    return Plan(
        signal,
        server,
        snapshot.taken_at,
        tuple(targets),
        tuple(excluded),
        _frees(targets, snapshot),
        understood,
    )


def plan_for_one(
    signal: Signal,
    backend: Backend,
    snapshot: Snapshot,
    guard: Guard = unguarded,
) -> Plan:
    """Return the plan for one session that the user named: a target even if it is protected."""
    server = snapshot.server
    target = _target(server, backend)._replace(
        protection=protection(server, backend, guard), only_if_unchanged=False
    )
    frees = _frees([target], snapshot)
    return Plan(
        signal,
        server,
        snapshot.taken_at,
        (target,),
        (),
        frees,
    )


def plan_for_named(
    signal: Signal,
    named: Iterable[Backend],
    snapshot: Snapshot,
    guard: Guard = unguarded,
    *,
    is_alone: bool,
) -> Plan:
    """Return the plan for sessions that the user named by pid.

    A protected or hidden session is a target only if it `is_alone`, so that its pid can be typed.
    """
    backends = list(named)
    plan = make_plan(
        signal,
        backends,
        snapshot,
        guard,
        only_if_unchanged=False,
    )
    needs_pid = any(
        each.reason is not ExclusionReason.NOTHING_RUNS for each in plan.excluded
    )
    if is_alone and needs_pid:
        return plan_for_one(
            signal,
            backends[0],
            snapshot,
            guard,
        )
    return plan


def with_undecided(
    plan: Plan, undecided: Iterable[Backend], guard: Guard = unguarded
) -> Plan:
    """Return the plan with the backends that its filter could not decide on as excluded.

    Protected ones are not listed: they would be excluded anyway.
    """
    unprotected = [
        each for each in undecided if not protection(plan.server, each, guard)
    ]
    excluded = [
        Excluded(backend, ExclusionReason.UNDECIDED, _undecided(backend))
        for backend in unprotected
    ]
    return plan._replace(excluded=(*plan.excluded, *excluded))


def _undecided(backend: Backend) -> str:
    if backend.hidden:
        return "the filter asks for what this role may not see"
    return "the filter needs a value that is not known, such as the query age of an idle session"


def has_nothing_to_cancel(backend: Backend) -> bool:
    """Return whether no query runs. The server returns true for a cancel then, and does nothing."""
    return backend.state == IDLE or backend.in_transaction_idle


def _exclusion(
    signal: Signal,
    backend: Backend,
    server: Server,
    guard: Guard,
) -> Excluded | None:
    if reason := protection(server, backend, guard):
        return Excluded(backend, ExclusionReason.PROTECTED, reason)
    if backend.usesysid is None and backend.backend_type == CLIENT_BACKEND:
        explanation = "still logging in: the role is not known yet"
        return Excluded(backend, ExclusionReason.HIDDEN, explanation)
    if backend.hidden:  # perhaps a walsender, perhaps busy with another query
        return Excluded(backend, ExclusionReason.HIDDEN, _hidden_words(server, backend))
    if signal is Signal.CANCEL and has_nothing_to_cancel(backend):
        return Excluded(backend, ExclusionReason.NOTHING_RUNS, "no running query")
    return None


def _hidden_words(server: Server, backend: Backend) -> str:
    """Return what would show the session, and what would permit the signal if that is missing."""
    see = grant(server, "pg_read_all_stats")
    right = right_to_signal(server, backend)
    if right.allowed is False and right.remedy:
        return f"hidden from this role, which may not signal it either: {see}, and {right.remedy}"
    return f"hidden from this role: {see}, or name one alone and type its pid"


def _target(server: Server, backend: Backend) -> Target:
    right = right_to_signal(server, backend)
    if right.allowed:
        return Target(backend)
    return Target(backend, refusal=right.reason, remedy=right.remedy)


def _consequence(snapshot: Snapshot) -> Callable[[Target], tuple[object, ...]]:
    """Return the sort key: sessions that have written, then open transactions, oldest first."""

    def key(target: Target) -> tuple[object, ...]:
        backend = target.backend
        since = backend.xact_start or backend.query_start or backend.state_change
        return (
            backend.backend_xid is None,
            backend.xact_start is None,
            since or snapshot.taken_at,
            backend.pid,
        )

    return key


def _frees(targets: Iterable[Target], snapshot: Snapshot) -> int:
    """Return how many other sessions wait, directly or in the end, only for targets."""
    pids = [target.backend.pid for target in targets]
    return len(build_forest(snapshot).solely_blocked_by(*pids))


# Changes since.


def changes(plan: Plan, snapshot: Snapshot, guard: Guard = unguarded) -> Changes:
    """Return what has happened to the targets that are not as planned any more."""
    now = snapshot.server.run
    if not plan.seen_on.goes_on(now):
        end = Change.ENDED if plan.seen_on.is_over(now) else Change.ELSEWHERE
        return {target.identity: end for target in plan.targets}
    changed: dict[BackendId, Change] = {}
    for target in plan.targets:
        backend = snapshot.at(target.backend.pid)
        if change := _change(
            target,
            backend,
            snapshot.server,
            guard,
        ):
            changed[target.identity] = change
    return changed


def without_changed(plan: Plan, changed: Changes) -> Plan:
    """Return the plan with the changed targets moved to the excluded."""
    excluded = [
        Excluded(
            target.backend,
            ExclusionReason.CHANGED,
            _EXPLANATIONS[changed[target.identity]],
        )
        for target in plan.targets
        if target.identity in changed
    ]
    return plan.without(changed)._replace(excluded=(*plan.excluded, *excluded))


_EXPLANATIONS = {
    Change.ENDED: "it has ended",
    Change.QUERY: "it has begun another query since",
    Change.TRANSACTION: "it has begun another transaction since",
    Change.PROTECTED: "it is protected now",
    Change.NAME: "its application name has changed since",
    Change.LOGIN: "it has logged in since",
    Change.HIDDEN: "this role may not see any more whether it is the same",
    Change.DOUBTFUL: (
        "its application name or type has changed, and its start is hidden:"
        " it may be another session"
    ),
    Change.ELSEWHERE: "the connection is to another server now, or this one was restarted",
}


def refresh_plan(plan: Plan, snapshot: Snapshot, guard: Guard = unguarded) -> Plan:
    """Return the plan with its targets as they are now; ended ones are dropped.

    A terminate is then for the session whatever it does, a cancel for the query that it runs now.
    """
    changed = changes(plan, snapshot, guard)
    kept = [
        target
        for target in plan.targets
        if changed.get(target.identity) in (None, Change.PROTECTED, *MOVED_ON)
    ]
    backends = {backend.identity: backend for backend in snapshot.backends}
    selected = [backends[target.identity] for target in kept]
    refreshed = make_plan(
        plan.signal,
        selected,
        snapshot,
        guard,
        understood=plan.understood,
    )
    before = {target.identity: target for target in kept}
    targets = [
        _carried_over(
            target,
            before[target.identity],
            plan.signal,
            changed,
        )
        for target in refreshed.targets
    ]
    lost = {identity: change for identity, change in changed.items() if change in _LOST}
    excluded = (*without_changed(plan, lost).excluded, *refreshed.excluded)
    return refreshed._replace(targets=tuple(targets), excluded=excluded)


_LOST = frozenset({Change.HIDDEN, Change.DOUBTFUL, Change.ELSEWHERE})
"""Changes after which a target may be another session."""


def _carried_over(
    target: Target,
    before: Target,
    signal: Signal,
    changed: Changes,
) -> Target:
    """Return the refreshed target with the conditions that it had before."""
    has_moved_on = changed.get(before.identity) in MOVED_ON
    is_for_any_state = has_moved_on or not before.only_if_unchanged
    only_if_unchanged = signal is not Signal.TERMINATE or not is_for_any_state
    return target._replace(
        only_if_unchanged=only_if_unchanged, even_if_renamed=before.even_if_renamed
    )


def _change(
    target: Target,
    now: Backend | None,
    server: Server,
    guard: Guard,
) -> Change | None:
    before = target.backend
    if now is None or before.is_same_session(now) is False:
        return Change.ENDED
    if not before.looks_like(now):
        return Change.DOUBTFUL if before.hidden and now.hidden else Change.HIDDEN
    if not target.protection and protection(server, now, guard):
        return Change.PROTECTED
    return _moved_on(target, now)


def _moved_on(target: Target, now: Backend) -> Change | None:
    """Return what the same session has begun since, if the plan is not for that."""
    before = target.backend
    if (now.usesysid, now.datid) != (before.usesysid, before.datid):
        return Change.LOGIN
    is_same_query = now.query_start == before.query_start
    if target.only_if_unchanged and not is_same_query:
        return Change.QUERY
    if target.only_if_unchanged and now.xact_start != before.xact_start:
        return Change.TRANSACTION
    is_renamed = now.application_name != before.application_name
    if not is_renamed or target.even_if_renamed:
        return None
    has_renamed_itself = is_same_query and now.query_start is not None
    return None if has_renamed_itself else Change.NAME
