"""The page of a plan: what it was made with, its steps with the most expensive one marked, or why
there is none and the EXPLAIN to run by hand.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from pgtop.keys import hint
from pgtop.model.query_plan import NoPlan, PlanLevel, QueryPlan, RunningPlan
from pgtop.table.highlight import retoned
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, plain_text, wrapped
from pgtop.view.copies import Copy

_STEP = re.compile(
    r"(?P<indent>\s*)(?:->  )?(?P<name>\S.*?)  \(cost=[\d.]+\.\.(?P<total>\d+(?:\.\d+)?) rows="
)
_LONGEST_LINE = 1_000
_MOST_LINES = 5_000
_CONTINUED = 8
"""Cells before the rest of a line that is too long."""


AnyPlan: TypeAlias = QueryPlan | RunningPlan


class PlanStep(NamedTuple):
    """A step of a plan."""

    line: int
    share: float
    """The share of the cost of the whole plan that is its own, without the steps below it."""


class _Open(NamedTuple):
    line: int
    indent: int
    total: float


def most_expensive(lines: Sequence[str]) -> PlanStep | None:
    """Return the step that costs most by itself; None for a plan with a single step.

    A step that needs only a part of what a step below it returns, such as Limit, costs less than
    that: its own cost is then 0.
    """
    costs = dict(_own_costs(lines))
    if len(costs) < 2:
        return None
    whole = sum(costs.values())
    number = max(costs, key=lambda each: costs[each])
    if not whole:
        return None
    return PlanStep(number, costs[number] / whole)


def _own_costs(lines: Sequence[str]) -> Iterator[tuple[int, float]]:
    """Yield the line of each step, and its own cost."""
    steps = [
        _Open(number, len(match["indent"]), float(match["total"]))
        for number, text in enumerate(lines)
        if (match := _STEP.match(text[:_LONGEST_LINE]))
    ]
    for place, step in enumerate(steps):
        below = _below(steps[place + 1 :], step.indent)
        yield step.line, max(0.0, step.total - sum(each.total for each in below))


def _below(later: Sequence[_Open], indent: int) -> Iterator[_Open]:
    """Yield the steps right below a step: the first one's indent is that of all."""
    first = later[0].indent if later else 0
    for step in later:
        if step.indent <= indent:
            return
        if step.indent == first:
            yield step


def plan_lines(
    plan: AnyPlan | NoPlan | None, by_hand: Copy, is_planning: bool, width: int
) -> list[Line]:
    """Return the lines of the page; `plan` is None until there is one."""
    if isinstance(plan, RunningPlan):
        return _running(plan, width)
    if isinstance(plan, QueryPlan):
        return [*_made_with(plan, width), (), *_steps(plan.lines, width)]
    lines = _beginning(plan, is_planning, width)
    if plan is not None and plan.reason == by_hand.reason and not is_planning:
        return lines
    return [*lines, (), *_by_hand(by_hand, width)]


def marked(lines: Sequence[Line], word: str) -> list[Line]:
    """Return the lines with a word marked, in capitals or not."""
    if not word:
        return list(lines)
    find = re.compile(re.escape(word), re.IGNORECASE)
    return [_marked(each, find) for each in lines]


def first_match(lines: Sequence[Line]) -> int | None:
    """Return the index of the first line in which a word is marked."""
    for index, spans in enumerate(lines):
        if any(span.tone is Tone.MATCH for span in spans):
            return index
    return None


def _marked(spans: Line, find: re.Pattern[str]) -> Line:
    text = plain_text(spans)
    places: set[int] = set()
    for match in find.finditer(text):
        places.update(range(*match.span()))
    return retoned(spans, places) if places else spans


def plan_text(plan: AnyPlan) -> str:
    """Return the plan to copy."""
    lines: Iterable[str] = ()
    if isinstance(plan, QueryPlan):
        lines = plan.lines
    else:
        lines = chain.from_iterable([level.lines for level in plan.levels])
    return "".join([f"{clean(text)}\n" for text in lines])


def _running(plan: RunningPlan, width: int) -> list[Line]:
    """Return the plans that a session runs with: for its query, and for those in its functions."""
    words = (
        "The plan that the query runs with now, from pg_show_plans."
        f" {hint('open')} has the server plan it again."
    )
    lines = wrapped(line(words, Tone.QUIET), width)
    for level in plan.levels:
        lines += [(), *_level(level, width)]
    return lines


def _level(level: PlanLevel, width: int) -> list[Line]:
    lines = _steps(level.lines, width)
    if level.level:
        title = f"In a function, level {level.level}:"
        lines.insert(0, line(title, Tone.STRONG))
    if level.is_cut:
        lines.append(line("… the rest of this plan is not shown", Tone.NOTICE))
    return lines


def _made_with(plan: QueryPlan, width: int) -> list[Line]:
    words = (
        f"Planned now by {clean(plan.planned_as)}, names looked up in {clean(plan.search_path)}."
        " The session's own settings cannot be seen, and its plan may be another."
    )
    return wrapped(line(words, Tone.QUIET), width)


def _steps(lines: Sequence[str], width: int) -> list[Line]:
    costly = most_expensive(lines)
    shown: list[Line] = []
    for number, text in enumerate(lines[:_MOST_LINES]):
        cleaned = clean(text[:_LONGEST_LINE])
        spans: Line = (Span(cleaned, Tone.PLAIN),)
        if costly is not None and costly.line == number:
            mark = f"  most of the cost: {costly.share:.0%}"
            spans = (Span(cleaned, Tone.WARN), Span(mark, Tone.WARN))
        indent = len(cleaned) - len(cleaned.lstrip()) + _CONTINUED
        shown += wrapped(spans, width, min(indent, width // 2))
    more = len(lines) - _MOST_LINES
    if more > 0:
        shown.append(line(f"… {more:,} more lines", Tone.NOTICE))
    return shown


def _beginning(plan: NoPlan | None, is_planning: bool, width: int) -> list[Line]:
    if is_planning:
        return [line("The server plans the query…", Tone.NOTICE)]
    if plan is None:
        words = (
            f"{hint('open')} asks the server for a plan. pgtop does so only if its login has no"
            " rights that a function in the query could use."
        )
        return wrapped(line(words, Tone.QUIET), width)
    reason = f"No plan: {clean(plan.reason).rstrip('.')}."
    lines = wrapped(line(reason, Tone.WARN), width)
    if plan.advice:
        lines += wrapped(line(clean(plan.advice), Tone.QUIET), width)
    return lines


def _by_hand(by_hand: Copy, width: int) -> list[Line]:
    """Return the EXPLAIN to run by hand, or why there is none."""
    if by_hand.reason:
        words = f"There is no EXPLAIN to run by hand: {clean(by_hand.reason)}."
        return wrapped(line(words, Tone.WARN), width)
    title = f"To run by hand ({hint('copy_menu')} copies it):"
    lines: list[Line] = [line(title, Tone.STRONG)]
    for text in by_hand.text.splitlines():
        lines += wrapped(line(text, Tone.PLAIN), width, 2)
    return lines
