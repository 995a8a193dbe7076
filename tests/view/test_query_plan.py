"""The page of a plan marks the step that costs most, and shows why there is no plan."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.query_plan import NoPlan, QueryPlan
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line
from pgtop.view.copies import Copy
from pgtop.view.query_plan import first_match, marked, most_expensive, plan_lines

_PLAN = (
    "Sort  (cost=500.00..512.50 rows=5000 width=8)",
    "  Sort Key: o.note",
    "  ->  Hash Join  (cost=10.00..193.00 rows=5000 width=8)",
    "        Hash Cond: (o.id = i.order_id)",
    "        ->  Seq Scan on orders o  (cost=0.00..155.00 rows=10000 width=8)",
    "        ->  Hash  (cost=5.00..5.00 rows=400 width=4)",
    "              ->  Seq Scan on items i  (cost=0.00..4.00 rows=400 width=4)",
    "  SubPlan 1",
    "    ->  Result  (cost=0.00..0.01 rows=1 width=4)",
)
_NONE = Copy("", "the EXPLAIN", "EXPLAIN takes no such statement")


def _text(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_the_most_expensive_step_is_marked() -> None:
    """A step's own cost is that without the steps right below it."""
    step = most_expensive(_PLAN)
    assert step is not None
    assert (step.line, f"{step.share:.0%}") == (0, "62%")
    shown = _text(plan_lines(QueryPlan(_PLAN, "web", "app"), _NONE, False, 90))
    assert [text for text in shown if "most of the cost" in text] == [
        f"{_PLAN[0]}  most of the cost: 62%"
    ]
    assert "Planned now by web, names looked up in app." in shown[0]


def test_a_plan_of_one_step_has_no_mark() -> None:
    """There is nothing to compare it with."""
    assert most_expensive(_PLAN[-1:]) is None


def test_a_reason_stands_above_what_to_do_by_hand() -> None:
    """Without a plan the page has the reason, the advice, and the EXPLAIN or why there is none."""
    plan = NoPlan("dba has powerful rights", "Name a weak login.")
    shown = _text(plan_lines(plan, _NONE, False, 80))
    assert shown == [
        "No plan: dba has powerful rights.",
        "Name a weak login.",
        "",
        "There is no EXPLAIN to run by hand: EXPLAIN takes no such statement.",
    ]


def test_a_search_marks_a_word() -> None:
    """Capitals do not matter."""
    lines = plan_lines(QueryPlan(_PLAN, "web", "app"), _NONE, False, 200)
    shown = marked(lines, "hash join")
    index = first_match(shown)
    assert index is not None
    assert "Hash Join" in [
        span.text for span in shown[index] if span.tone is Tone.MATCH
    ]
    assert first_match(marked(lines, "nowhere")) is None


@given(st.lists(st.text(max_size=60), max_size=30), st.integers(1, 120))
def test_any_plan_fits_the_screen(texts: list[str], width: int) -> None:
    """All that a server sends is cleaned, and no line is wider than the screen."""
    plan = QueryPlan((*texts, *_PLAN), "\x1b[2J", "\x9b\n")
    for text in _text(plan_lines(plan, _NONE, False, width)):
        assert text.isprintable()
