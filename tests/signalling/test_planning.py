"""Who becomes a target, who does not and why, and in which order they stand."""

from dataclasses import replace

import pytest

from pgtop.model.backend import CLIENT_BACKEND, IDLE, IDLE_IN_TRANSACTION, Backend
from pgtop.model.plan import Change, ExclusionReason, Plan
from pgtop.model.signal import Signal
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


def test_the_dearest_stand_first() -> None:
    """Those that have written, then open transactions, the oldest of each first, then the rest."""
    writer = client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=5)._replace(backend_xid=7)
    old, young = (
        client(pid, "web@shop", state=IDLE_IN_TRANSACTION, xact=age)
        for pid, age in ((2, 60), (3, 6))
    )
    idle = client(4, "web@shop", state=IDLE, since=9_000)
    made = make_plan(
        Signal.TERMINATE, [idle, young, old, writer], snapshot([idle, young, old, writer])
    )
    assert [target.backend.pid for target in made.targets] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("blocked", "frees"),
    [
        ({2: (1,)}, 1), ({2: (1,), 3: (2,)}, 2), ({2: (1, 9)}, 0), ({2: (9,), 3: (2,)}, 0), ({2: (1, 3), 3: (2,)}, 0),
        ({2: (1, 0)}, 0), ({1: (2,)}, 0),
    ],
)  # fmt: skip
def test_who_will_be_free(blocked: dict[int, tuple[int, ...]], frees: int) -> None:
    """Whoever waits for targets alone, or for those who will be free; not who waits for others
    too.
    """
    others = [active(pid, "web@shop", "psql", "UPDATE x", 4.0) for pid in (2, 3, 9)]
    every = [b._replace(blocked_by=blocked.get(b.pid, ())) for b in (_HOLDER, *others)]
    assert make_plan(Signal.TERMINATE, every[:1], snapshot(every)).frees == frees


def test_hidden_sessions_are_left_out_of_many() -> None:
    """What a role cannot see may be a walsender: only its own sessions are targets, and the grant
    is named.
    """
    scene = not_privileged()
    made = make_plan(Signal.TERMINATE, scene.backends, scene)
    assert not any(target.backend.hidden for target in made.targets)
    hidden = [left for left in made.excluded if left.reason is ExclusionReason.HIDDEN]
    assert hidden
    assert all("grant pg_read_all_stats to monitor" in left.explanation for left in hidden)


def test_everybody_is_told_of() -> None:
    """Each chosen session is a target or left out with a reason, once."""
    scene = busy()
    for signal in Signal:
        made = make_plan(signal, scene.backends, scene)
        told = [
            *(target.backend for target in made.targets),
            *(left.backend for left in made.excluded),
        ]
        assert sorted(b.pid for b in told) == sorted(b.pid for b in scene.backends)
        assert all(left.explanation for left in made.excluded)


def test_a_guard_protects_one_of_many_and_asks_about_one_alone() -> None:
    """Guarded: left out of many; alone a target that says why it is protected."""
    scene = snapshot([_HOLDER])
    made = make_plan(Signal.TERMINATE, [_HOLDER], scene, lambda _: "it is dear to me")
    assert (made.targets, made.excluded[0].explanation) == ((), "it is dear to me")
    [alone] = plan_for_one(Signal.TERMINATE, _HOLDER, scene, lambda _: "it is dear to me").targets
    assert alone.protection == "it is dear to me"


def test_what_the_server_will_refuse_is_a_target_that_says_so() -> None:
    """The server has the last word: the order goes out, and the plan foretells the answer."""
    scene = snapshot([_HOLDER])
    scene = replace(
        scene, server=scene.server._replace(rights=scene.server.rights._replace(signals_all=False))
    )
    [target] = make_plan(Signal.TERMINATE, [_HOLDER], scene).targets
    assert (target.refusal, target.remedy) == (
        "belongs to web",
        "grant pg_signal_backend to monitor",
    )


def test_a_session_that_is_logging_in_is_left_out_of_many() -> None:
    """Until the server knows whose session it is, it may be a superuser's or a protected role's."""
    scene = calm()
    starting = Backend(999, 1, state="starting", backend_type=CLIENT_BACKEND)
    made = make_plan(
        Signal.TERMINATE, (starting,), replace(scene, ungrouped=(*scene.backends, starting))
    )
    assert not made.targets
    assert [left.reason for left in made.excluded] == [ExclusionReason.HIDDEN]


def _two() -> tuple[Snapshot, Plan]:
    scene = snapshot([client(1, "web@shop"), client(2, "web@shop")])
    return scene, make_plan(Signal.TERMINATE, scene.backends, scene)


def test_another_server_is_no_end() -> None:
    """After a fail-over nobody is called ended, and asked again nobody is left; after a restart all
    have ended.
    """
    scene, made = _two()
    there = replace(scene, ungrouped=(), server=server(address="10.0.0.9:5432", started_at=1))
    assert set(changes(made, there).values()) == {Change.ELSEWHERE}
    assert refresh_plan(made, there).targets == ()
    assert {left.reason for left in refresh_plan(made, there).excluded} == {ExclusionReason.CHANGED}
    restarted = replace(scene, ungrouped=(), server=server(started_at=scene.taken_at + 1))
    assert set(changes(made, restarted).values()) == {Change.ENDED}


def test_a_role_that_became_a_superuser_is_left_out() -> None:
    """Rights are compared as they are now, and so are the filters of --protect."""
    scene, made = _two()
    roles = {oid: role._replace(superuser=True) for oid, role in scene.server.roles.items()}
    later = replace(scene, server=scene.server._replace(roles=roles))
    assert set(changes(made, later).values()) == {Change.PROTECTED}
    guarded = changes(made, scene, lambda backend: "it is dear" if backend.pid == 1 else "")
    assert {who.pid: change for who, change in guarded.items()} == {1: Change.PROTECTED}
    assert [left.reason for left in refresh_plan(made, later).excluded] == [
        ExclusionReason.PROTECTED
    ] * 2


def test_a_start_that_is_hidden_by_now_is_no_end() -> None:
    """A role that lost pg_read_all_stats cannot tell; under another role it is another session: the
    first is gone.
    """
    scene, made = _two()
    one, two = (Backend(pid=b.pid, usesysid=b.usesysid, datid=b.datid) for b in scene.backends)
    later = replace(scene, ungrouped=(one, two._replace(usesysid=99)))
    assert {who.pid: change for who, change in changes(made, later).items()} == {
        1: Change.HIDDEN,
        2: Change.ENDED,
    }


def test_another_name_is_another_client_unless_the_same_query_runs() -> None:
    """A pooler may have given the session to another client; a query may have set its own session's
    name.
    """
    scene, made = _two()
    loose = made._replace(
        targets=tuple(target._replace(only_if_unchanged=False) for target in made.targets)
    )
    one, two = (b._replace(application_name="another") for b in scene.backends)
    later = replace(scene, ungrouped=(one._replace(query_start=scene.taken_at), two))
    assert changes(loose, later) == {one.identity: Change.NAME}
    assert refresh_plan(loose, later).targets[0].backend.application_name == "another"
    even_if_renamed = made._replace(
        targets=tuple(
            t._replace(only_if_unchanged=False, even_if_renamed=True) for t in made.targets
        )
    )
    assert changes(even_if_renamed, later) == {}
    assert all(target.even_if_renamed for target in refresh_plan(even_if_renamed, later).targets)


def test_a_login_that_has_succeeded_is_the_same_session_still() -> None:
    """Since 18 a session is shown before its role is known: it has not ended, and is asked about
    again.
    """
    scene = calm()
    starting = Backend(999, 1, state="starting", backend_type=CLIENT_BACKEND)
    made = plan_for_one(Signal.TERMINATE, starting, scene)
    later = replace(
        scene, ungrouped=(*scene.backends, client(999, "web@shop")._replace(backend_start=1))
    )
    assert changes(made, later) == {starting.identity: Change.LOGIN}


@pytest.mark.parametrize(
    ("now", "change"),
    [({}, None), ({"application_name": "another"}, Change.DOUBTFUL), ({"backend_type": "walsender"}, Change.DOUBTFUL),
     ({"datid": 16_402}, Change.ENDED), ({"usesysid": 16_503}, Change.ENDED), ({"backend_start": 1}, Change.HIDDEN)],
)  # fmt: skip
def test_a_hidden_session_is_known_by_all_that_is_seen(
    now: dict[str, object], change: Change | None
) -> None:
    """A session never changes role or database; of another name or type it may be another; its pid
    is to be typed.
    """
    scene = not_privileged()
    hidden = next(b for b in scene.backends if b.usename == "web")
    made = plan_for_one(Signal.TERMINATE, hidden, scene)
    assert needs_pid(made.targets[0])
    later = hidden._replace(**now)  # type: ignore[arg-type]  # real columns
    rest = tuple(later if b is hidden else b for b in scene.backends)
    assert changes(made, replace(scene, ungrouped=rest)).get(hidden.identity) is change


def test_who_is_spared_is_told() -> None:
    """Each that changed leaves the targets and is left out with what happened to it."""
    _, made = _two()
    left = without_changed(made, {made.targets[0].identity: Change.QUERY})
    assert left.targets == made.targets[1:]
    assert [(each.backend, each.reason) for each in left.excluded] == [
        (made.targets[0].backend, ExclusionReason.CHANGED)
    ]
    assert "another query" in left.excluded[0].explanation
