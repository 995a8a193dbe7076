"""The targets of a plan, their order, the excluded sessions and the reasons."""

from dataclasses import replace

import pytest

from pgtop.model.backend import CLIENT_BACKEND, IDLE, IDLE_IN_TRANSACTION, Backend
from pgtop.model.plan import Change, ExclusionReason, Plan
from pgtop.model.server import Rights
from pgtop.model.signal import ENDING, Signal
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.consent import needs_pid
from pgtop.signalling.planning import (
    changes,
    make_plan,
    plan_for_one,
    refresh_plan,
    without_changed,
)
from tests.scenes import active, busy, calm, client, not_privileged, server, snapshot

_HOLDER = active(1, "web@shop", "psql", "UPDATE x", 5.0)


def test_the_most_consequential_are_first() -> None:
    """Sessions that have written are first, then open transactions, the oldest first."""
    writer = client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=5)._replace(
        backend_xid=7
    )
    old, young = (
        client(pid, "web@shop", state=IDLE_IN_TRANSACTION, xact=age)
        for pid, age in ((2, 60), (3, 6))
    )
    idle = client(4, "web@shop", state=IDLE, since=9_000)
    plan = make_plan(
        Signal.TERMINATE,
        [idle, young, old, writer],
        snapshot([idle, young, old, writer]),
    )
    assert [target.backend.pid for target in plan.targets] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("blocked", "frees"),
    [
        ({2: (1,)}, 1),
        ({2: (1,), 3: (2,)}, 2),
        ({2: (1, 9)}, 0),
        ({2: (9,), 3: (2,)}, 0),
        ({2: (1, 3), 3: (2,)}, 0),
        ({2: (1, 0)}, 0),
        ({1: (2,)}, 0),
    ],
)
def test_waiters_only_for_targets_become_free(
    blocked: dict[int, tuple[int, ...]], frees: int
) -> None:
    """A plan frees the sessions that wait only for its targets, directly or through one another."""
    others = [active(pid, "web@shop", "psql", "UPDATE x", 4.0) for pid in (2, 3, 9)]
    every = [b._replace(blocked_by=blocked.get(b.pid, ())) for b in (_HOLDER, *others)]
    assert make_plan(Signal.TERMINATE, every[:1], snapshot(every)).frees == frees


def test_hidden_sessions_are_never_one_of_many() -> None:
    """A hidden session may be a walsender: only the role's own sessions are targets, and the grant
    is named.
    """
    scene = not_privileged()
    plan = make_plan(Signal.TERMINATE, scene.backends, scene)
    assert not any(target.backend.hidden for target in plan.targets)
    hidden = [left for left in plan.excluded if left.reason is ExclusionReason.HIDDEN]
    assert hidden
    assert all(
        "grant pg_read_all_stats to monitor" in left.explanation for left in hidden
    )


def test_a_hidden_session_names_each_missing_right() -> None:
    """A role that may neither see nor signal the session reads both grants."""
    scene = not_privileged()
    scene = replace(scene, server=scene.server._replace(rights=Rights()))
    [hidden, *_] = [
        each for each in scene.backends if each.hidden and each.usename == "web"
    ]
    [excluded] = make_plan(Signal.TERMINATE, [hidden], scene).excluded
    grants = (
        "grant pg_read_all_stats to monitor, and grant pg_signal_backend to monitor"
    )
    assert excluded.explanation.endswith(grants)


def test_every_selected_session_is_listed() -> None:
    """Each selected session is once a target or excluded with a reason."""
    scene = busy()
    for signal in ENDING:
        plan = make_plan(signal, scene.backends, scene)
        listed = [
            *(target.backend for target in plan.targets),
            *(left.backend for left in plan.excluded),
        ]
        assert sorted(b.pid for b in listed) == sorted(b.pid for b in scene.backends)
        assert all(left.explanation for left in plan.excluded)


def test_a_guard_protects_one_of_many_and_asks_about_one_alone() -> None:
    """A guarded session is excluded from many; alone it is a target with its protection."""
    scene = snapshot([_HOLDER])
    plan = make_plan(Signal.TERMINATE, [_HOLDER], scene, lambda _: "it is important")
    assert (plan.targets, plan.excluded[0].explanation) == ((), "it is important")
    [alone] = plan_for_one(
        Signal.TERMINATE, _HOLDER, scene, lambda _: "it is important"
    ).targets
    assert alone.protection == "it is important"


def test_an_expected_refusal_is_a_target() -> None:
    """The server has the last word: the signal is sent, and the plan states its refusal."""
    scene = snapshot([_HOLDER])
    scene = replace(
        scene,
        server=scene.server._replace(
            rights=scene.server.rights._replace(signals_all=False)
        ),
    )
    [target] = make_plan(Signal.TERMINATE, [_HOLDER], scene).targets
    assert (target.refusal, target.remedy) == (
        "belongs to web",
        "grant pg_signal_backend to monitor",
    )


def test_a_session_that_is_logging_in_is_never_one_of_many() -> None:
    """Until the server knows its role, the session may be a superuser's or a protected role's."""
    scene = calm()
    starting = Backend(999, 1, state="starting", backend_type=CLIENT_BACKEND)
    plan = make_plan(
        Signal.TERMINATE,
        (starting,),
        replace(scene, ungrouped=(*scene.backends, starting)),
    )
    assert not plan.targets
    assert [left.reason for left in plan.excluded] == [ExclusionReason.HIDDEN]


def _two() -> tuple[Snapshot, Plan]:
    scene = snapshot([client(1, "web@shop"), client(2, "web@shop")])
    return scene, make_plan(Signal.TERMINATE, scene.backends, scene)


def test_another_server_is_no_end() -> None:
    """After a failover no session counts as ended and a refreshed plan is empty; after a restart
    all have ended.
    """
    scene, plan = _two()
    there = replace(
        scene, ungrouped=(), server=server(address="10.0.0.9:5432", started_at=1)
    )
    assert set(changes(plan, there).values()) == {Change.ELSEWHERE}
    assert refresh_plan(plan, there).targets == ()
    assert {left.reason for left in refresh_plan(plan, there).excluded} == {
        ExclusionReason.CHANGED
    }
    restarted = replace(
        scene, ungrouped=(), server=server(started_at=scene.taken_at + 1)
    )
    assert set(changes(plan, restarted).values()) == {Change.ENDED}


def test_a_role_that_became_a_superuser_is_excluded() -> None:
    """Current rights and the filters of --protect are compared."""
    scene, plan = _two()
    roles = {
        oid: role._replace(superuser=True) for oid, role in scene.server.roles.items()
    }
    later = replace(scene, server=scene.server._replace(roles=roles))
    assert set(changes(plan, later).values()) == {Change.PROTECTED}
    guarded = changes(
        plan, scene, lambda backend: "it is important" if backend.pid == 1 else ""
    )
    assert {backend_id.pid: change for backend_id, change in guarded.items()} == {
        1: Change.PROTECTED
    }
    assert [left.reason for left in refresh_plan(plan, later).excluded] == [
        ExclusionReason.PROTECTED
    ] * 2


def test_a_start_that_became_hidden_is_no_end() -> None:
    """A role that lost pg_read_all_stats cannot decide; a session of another role is another
    session.
    """
    scene, plan = _two()
    one, two = (
        Backend(pid=b.pid, usesysid=b.usesysid, datid=b.datid) for b in scene.backends
    )
    later = replace(scene, ungrouped=(one, two._replace(usesysid=99)))
    assert {
        backend_id.pid: change for backend_id, change in changes(plan, later).items()
    } == {
        1: Change.HIDDEN,
        2: Change.ENDED,
    }


def test_another_name_is_another_client_unless_the_same_query_runs() -> None:
    """A pooler may have given the session to another client; a query may change its own session's
    name.
    """
    scene, plan = _two()
    loose = plan._replace(
        targets=tuple(
            target._replace(only_if_unchanged=False) for target in plan.targets
        )
    )
    one, two = (b._replace(application_name="another") for b in scene.backends)
    later = replace(scene, ungrouped=(one._replace(query_start=scene.taken_at), two))
    assert changes(loose, later) == {one.identity: Change.NAME}
    assert refresh_plan(loose, later).targets[0].backend.application_name == "another"
    even_if_renamed = plan._replace(
        targets=tuple(
            t._replace(only_if_unchanged=False, even_if_renamed=True)
            for t in plan.targets
        )
    )
    assert changes(even_if_renamed, later) == {}
    assert all(
        target.even_if_renamed
        for target in refresh_plan(even_if_renamed, later).targets
    )


def test_a_completed_login_is_the_same_session() -> None:
    """Since 18 a session is visible before its role is known: it has not ended, and can be
    confirmed again.
    """
    scene = calm()
    starting = Backend(999, 1, state="starting", backend_type=CLIENT_BACKEND)
    plan = plan_for_one(Signal.TERMINATE, starting, scene)
    later = replace(
        scene,
        ungrouped=(*scene.backends, client(999, "web@shop")._replace(backend_start=1)),
    )
    assert changes(plan, later) == {starting.identity: Change.LOGIN}


@pytest.mark.parametrize(
    ("now", "change"),
    [
        ({}, None),
        ({"application_name": "another"}, Change.DOUBTFUL),
        ({"backend_type": "walsender"}, Change.DOUBTFUL),
        ({"datid": 16_402}, Change.ENDED),
        ({"usesysid": 16_503}, Change.ENDED),
        ({"backend_start": 1}, Change.HIDDEN),
    ],
)
def test_a_hidden_session_is_compared_by_all_visible_columns(
    now: dict[str, object], change: Change | None
) -> None:
    """A session never changes role or database; with another name or type it may be another one.
    Its pid must be typed.
    """
    scene = not_privileged()
    hidden = next(b for b in scene.backends if b.usename == "web")
    plan = plan_for_one(Signal.TERMINATE, hidden, scene)
    assert needs_pid(plan.targets[0])
    later = hidden._replace(**now)  # type: ignore[arg-type]  # real columns
    rest = tuple(later if b is hidden else b for b in scene.backends)
    assert changes(plan, replace(scene, ungrouped=rest)).get(hidden.identity) is change


def test_changed_targets_are_listed_as_excluded() -> None:
    """Each changed target moves to the excluded sessions with its change."""
    _, plan = _two()
    left = without_changed(plan, {plan.targets[0].identity: Change.QUERY})
    assert left.targets == plan.targets[1:]
    assert [(each.backend, each.reason) for each in left.excluded] == [
        (plan.targets[0].backend, ExclusionReason.CHANGED)
    ]
    assert "another query" in left.excluded[0].explanation
