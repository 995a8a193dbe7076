"""The text that the user must type before a plan is executed."""

from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.signalling.consent import TYPE_COUNT_ABOVE, Cause, Requirement, requirement
from pgtop.signalling.planning import make_plan, plan_for_one
from tests.scenes import client, not_privileged, snapshot


def _plan_of(count: int) -> Plan:
    sessions = [client(pid, "web@shop") for pid in range(1, count + 1)]
    return make_plan(Signal.TERMINATE, sessions, snapshot(sessions))


def test_a_few_sessions_need_a_yes() -> None:
    """Up to the limit nothing must be typed, and any text is accepted."""
    required = requirement(_plan_of(TYPE_COUNT_ABOVE))
    assert required == Requirement()
    assert required.is_met_by("")


def test_many_sessions_need_their_number() -> None:
    """Above the limit only the exact number is accepted."""
    count = TYPE_COUNT_ABOVE + 1
    required = requirement(_plan_of(count))
    assert required == Requirement(str(count), Cause.MANY)
    assert [
        required.is_met_by(text) for text in (str(count), "", "1", f"{count}0")
    ] == [
        True,
        False,
        False,
        False,
    ]


def test_a_protected_session_needs_its_pid() -> None:
    """The reason of the protection does not matter; one session of another kind needs a yes."""
    session = client(7, "web@shop")
    scene = snapshot([session])
    plan = plan_for_one(Signal.TERMINATE, session, scene, lambda _: "it is important")
    assert requirement(plan) == Requirement("7", Cause.PROTECTED)
    assert requirement(plan_for_one(Signal.TERMINATE, session, scene)) == Requirement()


def test_a_session_with_a_hidden_start_needs_its_pid_typed() -> None:
    """The next session under the same pid would look the same."""
    scene = not_privileged()
    hidden = next(
        each for each in scene.backends if each.hidden and each.usename == "web"
    )
    required = requirement(plan_for_one(Signal.TERMINATE, hidden, scene))
    assert required == Requirement(str(hidden.pid), Cause.UNIDENTIFIED)


def test_a_protected_session_among_many_needs_the_number() -> None:
    """Planning never makes such a plan; if one came, a mere yes would not be enough."""
    plan = _plan_of(2)
    first = plan.targets[0]._replace(protection="it is important")
    delicate = plan._replace(targets=(first, *plan.targets[1:]))
    assert requirement(delicate) == Requirement("2", Cause.MANY)
