"""The words of plans and proposals about the sessions to end."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import AUTOVACUUM_WORKER, IDLE_IN_TRANSACTION_ABORTED
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.signalling.planning import make_plan, plan_for_one
from pgtop.signalling.protection import protection
from pgtop.signalling.rights import is_another_pgtop
from pgtop.view.confirmation import propose
from pgtop.view.plan import facts, title
from tests.scenes import active, busy


def test_another_pgtop_is_known_by_its_name() -> None:
    """Another session named pgtop is reported as such, and is not protected."""
    scene = busy()
    own = active(scene.server.pid, "monitor@postgres", "pgtop", "SELECT 1", 1.0)
    other = active(4711, "anna@postgres", "pgtop", "SELECT 1", 1.0)
    assert [is_another_pgtop(scene.server, each) for each in (own, other)] == [
        False,
        True,
    ]
    assert protection(scene.server, other) == ""
    plan = make_plan(Signal.TERMINATE, [other], scene)
    assert "another pgtop" in "".join(span.text for row in facts(plan) for span in row)
    lines = propose(
        plan_for_one(Signal.TERMINATE, other, scene), DerivedSnapshot.of(scene)
    ).lines(200)
    assert "another pgtop" in "".join(span.text for row in lines for span in row)


def test_a_failed_transaction_is_counted_among_those_rolled_back() -> None:
    """A failed transaction has no start, and is open until its client rolls it back."""
    scene = busy()
    session = active(4711, "anna@shop", "psql", "SELECT 1", 1.0)
    failed = session._replace(state=IDLE_IN_TRANSACTION_ABORTED, xact_start=None)
    words = _facts(make_plan(Signal.TERMINATE, [failed], scene))
    assert "1 open transaction will be rolled back (1 failed before)" in words


def test_a_share_of_several_sessions_is_in_the_plural() -> None:
    scene = busy()
    session = active(4711, "anna@shop", "psql", "SELECT 1", 1.0)
    plan = make_plan(Signal.TERMINATE, [session], scene)
    words = title(plan, "that you tagged", 4)
    assert words == "Terminate 1 of 4 sessions that you tagged?"
    assert title(plan, "of role web", 1) == "Terminate 1 session of role web?"


def test_reasons_of_several_sessions_are_in_the_plural() -> None:
    """Skipped sessions with one reason are counted, and the reason is about all of them."""
    scene = busy()
    session = active(4711, "anna@shop", "psql", "SELECT 1", 1.0)
    worker = session._replace(backend_type=AUTOVACUUM_WORKER)
    workers = [worker, worker._replace(pid=4712)]
    words = _facts(make_plan(Signal.TERMINATE, workers, scene))
    assert words == [
        "2 skipped, protected: they are background processes of the server"
    ]


def test_a_role_that_sees_only_some_waiters_frees_at_least_those() -> None:
    """Waiters hidden from the role may be missing from the count."""
    scene = busy()
    plan = make_plan(Signal.TERMINATE, scene.backends, scene)._replace(frees=2)
    for reads_all, words in (
        (True, "frees 2 waiters"),
        (False, "frees at least 2 waiters"),
    ):
        rights = plan.server.rights._replace(reads_all=reads_all)
        server = plan.server._replace(rights=rights)
        assert words in _facts(plan._replace(server=server))


def _facts(plan: Plan) -> list[str]:
    return ["".join(span.text for span in row) for row in facts(plan)]
