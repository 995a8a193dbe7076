"""A plan of many as the fields of its dialog: where, how many, and which are skipped."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from pgtop.keys import hint
from pgtop.model.plan import MOVED_ON, ExclusionReason, Plan
from pgtop.model.signal import Signal
from pgtop.signalling.planning import Changes
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line_cells
from pgtop.view.fields import LabelledValue, field, field_lines
from pgtop.view.plan import (
    change_words,
    freed_waiters,
    open_transactions,
    other_pgtops,
    refusals,
    state_counts,
    weak_check,
)
from pgtop.view.plan_rows import exclusion_words, explained
from pgtop.view.server_words import labelled_place

Exclusions: TypeAlias = Mapping[tuple[ExclusionReason, str], int]
"""How many sessions are skipped for which reason."""
_WIDE = 72
"""Cells from which two short fields share a line, each in its half."""
_NARROW = 48
"""Cells below which short fields follow one another."""
_GAP = Span("  ", Tone.PLAIN)


def place_field(
    plan: Plan,
    label: Line,
    is_short: bool = False,
) -> LabelledValue:
    """Return the server and the role; `label` is the word that the user gave the server."""
    role = Span(f" as {clean(plan.server.user)}", Tone.PLAIN)
    place = labelled_place(
        plan.server,
        label,
        is_short,
    )
    return LabelledValue("On", (*place, role))


def plan_fields(
    plan: Plan,
    skipped: Exclusions,
    changed: Changes,
    names: str = "",
    selection: str = "",
) -> list[LabelledValue]:
    """Return what to know before a yes, the most important first.

    `plan` has the unchanged targets only, `skipped` what was no target from the beginning. `names`
    are those that all share, `selection` describes them where the title cannot.
    """
    return [
        *([field("All", clean(names))] if names else []),
        *_states(plan),
        *_protections(plan),
        *_weak_checks(plan),
        *_changes(changed),
        *_which(plan, selection),
        *_ends(plan),
        *_frees(plan),
        *_other_pgtops(plan),
        *_refusals(plan),
        *_skipped(skipped),
    ]


def paired_lines(fields: Iterable[LabelledValue], width: int) -> list[Line]:
    """Return the fields at `width` cells, short ones side by side where there is room."""
    lines: list[Line] = []
    is_open = False
    """True if another short field may join the last line."""
    for each in fields:
        own = field_lines([each], width)
        start = _joint(lines[-1], width) if is_open else None
        is_short = len(own) == 1 and line_cells(own[0]) <= _room_behind(start, width)
        if start is not None and is_short:
            lines[-1] = (*start, *own[0])
            is_open = width < _NARROW
        else:
            lines += own
            is_open = len(own) == 1
    return lines


def _joint(row: Line, width: int) -> Line | None:
    """Return a line as the first half of another, or None if it has no room for a second."""
    if width < _NARROW:
        return (*row, _GAP)
    half = width // 2
    gap = half - line_cells(row)
    if width < _WIDE or gap < cells(_GAP.text):
        return None
    return (*row, Span(" " * gap, Tone.PLAIN))


def _room_behind(start: Line | None, width: int) -> int:
    return 0 if start is None else width - line_cells(start)


def _which(plan: Plan, selection: str) -> Iterator[LabelledValue]:
    """Yield the filter in plain words as pgtop has read it, or else the selection."""
    if selection and plan.understood:
        yield field("Filter", clean(f"sessions {plan.understood}"), Tone.STRONG)
    elif selection:
        yield field("Which", clean(selection), Tone.STRONG)


def _protections(plan: Plan) -> Iterator[LabelledValue]:
    for target in plan.targets:
        if target.protection:
            yield field("Protected", clean(target.protection), Tone.ALARM)


def _weak_checks(plan: Plan) -> Iterator[LabelledValue]:
    for target in plan.targets:
        if target.backend.hidden:
            yield field("Not sure", weak_check(plan, target.backend), Tone.WARN)


def _changes(changed: Changes) -> Iterator[LabelledValue]:
    if not changed:
        return
    words = change_words(changed)
    can_refresh = not MOVED_ON.isdisjoint(changed.values())
    advice = f" ({hint('renew_plan')}: include as they are now)" if can_refresh else ""
    yield field("Changed ~", f"{words} since and will be skipped{advice}", Tone.WARN)


def _states(plan: Plan) -> Iterator[LabelledValue]:
    if plan.targets:
        yield field("States", ", ".join(state_counts(plan)))


def _ends(plan: Plan) -> Iterator[LabelledValue]:
    if plan.signal is Signal.CANCEL:
        words = "the statement of each; inside BEGIN, the transaction stays open but aborted"
        yield field("Stops", words)
        return
    transactions = open_transactions(plan)
    tone = Tone.STRONG if transactions.total else Tone.PLAIN
    words = (
        f"{transactions.words}{transactions.note}" if transactions.total else "nothing"
    )
    yield field("Rolls back", words, tone)


def _frees(plan: Plan) -> Iterator[LabelledValue]:
    is_later = plan.signal is Signal.CANCEL and plan.frees
    later = "once they have ended, " if is_later else ""
    tone = Tone.STRONG if plan.frees else Tone.PLAIN
    words = f"{later}{freed_waiters(plan)}" if plan.frees else _no_waiter(plan)
    yield field("Frees", words, tone)


def _no_waiter(plan: Plan) -> str:
    waiter = "no waiter" if plan.server.rights.reads_all else "no waiter that is seen"
    ending = len(plan.targets) - len(plan.refusals)
    if plan.signal is Signal.CANCEL or not ending:
        return "nothing" if plan.server.rights.reads_all else waiter
    slots = "1 slot" if ending == 1 else f"{ending} slots"
    return f"{slots}, {waiter}"


def _other_pgtops(plan: Plan) -> Iterator[LabelledValue]:
    if words := other_pgtops(plan):
        yield field("Note", words, Tone.NOTICE)


def _refusals(plan: Plan) -> Iterator[LabelledValue]:
    for reason, count in refusals(plan):
        yield field("Refused ×", f"the server will refuse {count}: {reason}", Tone.WARN)


def _skipped(counts: Exclusions) -> Iterator[LabelledValue]:
    if not counts:
        return
    parts = [_skipped_words(reason, counts) for reason in _reasons(counts)]
    yield field("Skipped -", "; ".join(parts))


def _reasons(counts: Exclusions) -> list[ExclusionReason]:
    """Return the reasons, each once, in their order."""
    return list(dict.fromkeys(reason for reason, _ in counts))


def _skipped_words(reason: ExclusionReason, counts: Exclusions) -> str:
    """Return how many sessions are skipped for a reason, and its explanations."""
    own = {words: count for (why, words), count in counts.items() if why is reason}
    total = sum(own.values())
    if len(own) == 1:
        [explanation] = own
        return f"{total} {exclusion_words(reason, explanation, total)}"
    parts = [f"{explained(words, count)} ({count})" for words, count in own.items()]
    return f"{total} {reason}: {', '.join(parts)}"
