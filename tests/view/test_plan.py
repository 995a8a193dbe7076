"""The words of plans and proposals about the sessions to end."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.signal import Signal
from pgtop.signalling.planning import make_plan, plan_for_one
from pgtop.signalling.protection import protection
from pgtop.signalling.rights import is_another_pgtop
from pgtop.view.confirmation import propose
from pgtop.view.plan import facts
from tests.scenes import active, busy


def test_another_pgtop_is_known_by_its_name() -> None:
    """Another session named pgtop is reported as such, and is not protected."""
    scene = busy()
    own = active(scene.server.pid, "monitor@postgres", "pgtop", "SELECT 1", 1.0)
    other = active(4711, "anna@postgres", "pgtop", "SELECT 1", 1.0)
    assert [is_another_pgtop(scene.server, each) for each in (own, other)] == [False, True]
    assert protection(scene.server, other) == ""
    plan = make_plan(Signal.TERMINATE, [other], scene)
    assert "another pgtop" in "".join(span.text for row in facts(plan) for span in row)
    lines = propose(plan_for_one(Signal.TERMINATE, other, scene), DerivedSnapshot.of(scene)).lines
    assert "another pgtop" in "".join(span.text for row in lines for span in row)
