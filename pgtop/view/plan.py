"""A plan in words: what will happen to how many, which are skipped and why, and one line for each
target.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend, BackendId
from pgtop.model.plan import MOVED_ON, Change, Excluded, ExclusionReason, Plan, Target
from pgtop.model.signal import Outcome, Signal
from pgtop.signalling.rights import grant, is_another_pgtop
from pgtop.table.layout import Layout, PlacedColumn, header, line
from pgtop.table.options import Sort
from pgtop.table.session_columns import column
from pgtop.table.session_state import state_word
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.text.wrap import line as one_tone
from pgtop.view.outcome import weak_check_words
from pgtop.view.results import result_words

TYPED_ABOVE = 10
"""More targets than this ask for their number to be typed."""
_VERBS = {Signal.CANCEL: "Cancel the queries of", Signal.TERMINATE: "Terminate"}
_WHO, _MARK = 24, 2
_NARROW = 64
_NEEDED = ("pid", "who", "state", "age")
_ALL = ("pid", "who", "application", "state", "age")


def sessions(count: int) -> str:
    """`1 session`, `2 sessions`."""
    return f"{count} session" if count == 1 else f"{count} sessions"


def deed(plan: Plan, whose: str = "") -> str:
    """What is to be done; `whose` says by what they were chosen. Cleaned."""
    return clean(f"{_VERBS[plan.signal]} {sessions(len(plan.targets))} {whose}".rstrip())


def title(plan: Plan, whose: str = "") -> str:
    """What is asked."""
    return f"{deed(plan, whose)}?"


def understood(plan: Plan) -> list[Line]:
    """Return the filter in plain words, as pgtop has understood it; nothing where no filter chose
    the targets.
    """
    return (
        [one_tone(clean(f"Filter: sessions {plan.understood}"), Tone.STRONG)]
        if plan.understood
        else []
    )


def facts(plan: Plan, changed: Mapping[BackendId, Change] | None = None) -> list[Line]:
    """Return what to know before saying yes, the most important first."""
    return [
        *_protected_alone(plan),
        *_weak_checks(plan),
        *_changed(changed or {}),
        *_states(plan),
        *_rolled_back(plan),
        *_pgtops(plan),
        *_refusals(plan),
        *_left_out(plan),
        *_frees(plan),
    ]


def layout(width: int) -> Layout:
    """The columns of a target's line at `width` cells, behind the mark."""
    names = _NEEDED if width < _NARROW else _ALL
    placed = [PlacedColumn(column(name), column(name).width) for name in names]
    left = width - _MARK - sum(width + 1 for _, width in placed)
    return (*placed, PlacedColumn(column("query"), max(1, left)))


def heading(placed: Layout) -> Line:
    """The titles of the columns."""
    return (Span(" " * _MARK, Tone.PLAIN), *header(placed, Sort()))


def target_line(
    placed: Layout, target: Target, picture: DerivedSnapshot, change: Change | None = None
) -> Line:
    """One target; a changed one says how, one that the server will refuse is marked."""
    if change is not None:
        width = sum(width + 1 for _, width in placed) - 1
        return (Span("! ", Tone.WARN), *_told(target.backend, Span(change, Tone.WARN), width))
    mark = Span("x ", Tone.WARN) if target.refusal else Span("  ", Tone.PLAIN)
    return (mark, *line(placed, target.backend, picture))


def outcome_line(outcome: Outcome, target: Target, width: int, asked: Signal) -> Line:
    """One target and what became of it, in at most `width` cells; also that it took more than what
    was asked first.
    """
    words, tone = result_words(outcome)
    more = "" if outcome.request.signal is asked else "terminated, as the cancel did not help: "
    return _told(target.backend, Span(f"{more}{words}", tone), width)


def left_out_line(left: Excluded, width: int) -> Line:
    """Return the line of a skipped session and why, in at most `width` cells."""
    return _told(left.backend, Span(left_out_words(left.why, left.reason), Tone.NOTICE), width)


def left_out_words(why: ExclusionReason, reason: str) -> str:
    """Return why a session is skipped, to stand behind a count: `protected: it streams WAL`."""
    return clean(reason) if why is ExclusionReason.NOTHING_RUNS else f"{why}: {clean(reason)}"


def no_targets(plan: Plan) -> str:
    """Return why a plan has no targets."""
    return f"nothing to signal: {skipped(plan) or 'all sessions have ended'}"


def skipped(plan: Plan) -> str:
    """Return how many are skipped for which reasons, in one line; empty if none are."""
    return ", ".join(f"{count} {left_out_words(*why)}" for why, count in plan.reasons().items())


def _told(backend: Backend, told: Span, width: int) -> Line:
    who = clean(
        f"{name_of_session(backend) or state_word(backend)} {backend.application_name or ''}"
    )
    name = f"{backend.pid:>7} {fit(who, _WHO)} "
    return (
        Span(name, Tone.PLAIN),
        Span(fit(told.text, max(1, width - cells(name))).rstrip(), told.tone),
    )


def _states(plan: Plan) -> Iterable[Line]:
    counts = Counter(clean(state_word(target.backend)) for target in plan.targets).most_common()
    if counts:
        yield one_tone(" · ".join(f"{count} {state}" for state, count in counts), Tone.STRONG)


def _rolled_back(plan: Plan) -> Iterable[Line]:
    """Yield how many transactions a terminate rolls back; a cancel leaves them to their clients."""
    count = sum(target.backend.xact_start is not None for target in plan.targets)
    if count and plan.signal is Signal.TERMINATE:
        yield one_tone(
            f"{count} open transaction{'' if count == 1 else 's'} will be rolled back", Tone.NOTICE
        )


def _pgtops(plan: Plan) -> Iterable[Line]:
    count = sum(is_another_pgtop(plan.server, target.backend) for target in plan.targets)
    if count:
        who = "1 is another pgtop" if count == 1 else f"{count} are other pgtops"
        yield one_tone(f"{who}, perhaps a colleague's", Tone.NOTICE)


def _refusals(plan: Plan) -> Iterable[Line]:
    """Group by the remedy where there is one: it is shorter than what is wrong with each."""
    reasons = Counter(target.remedy or f"it {target.refusal}" for target in plan.refusals)
    for reason, count in reasons.most_common():
        yield one_tone(clean(f"the server will refuse {count} (x): {reason}"), Tone.WARN)


def _left_out(plan: Plan) -> Iterable[Line]:
    for (why, reason), count in plan.reasons().items():
        mark = ":" if why is ExclusionReason.NOTHING_RUNS else ","
        yield one_tone(f"{count} skipped{mark} {left_out_words(why, reason)}", Tone.NOTICE)


def _frees(plan: Plan) -> Iterable[Line]:
    if plan.frees:
        frees = "frees" if plan.signal is Signal.TERMINATE else "their end frees"
        yield one_tone(
            f"{frees} {plan.frees} {'waiter' if plan.frees == 1 else 'waiters'}", Tone.STRONG
        )


def _changed(changed: Mapping[BackendId, Change]) -> Iterable[Line]:
    if not changed:
        return
    counts = Counter(changed.values()).most_common()
    words = ", ".join(f"{count} {change}" for change, count in counts)
    again = (
        " (a: ask again for those that moved on)" if MOVED_ON.intersection(changed.values()) else ""
    )
    yield one_tone(f"skipped (!), changed since this was shown: {words}{again}", Tone.ALARM)


def _protected_alone(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.protection:
            yield one_tone(f"protected: {clean(target.protection)}", Tone.ALARM)


def _weak_checks(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.backend.hidden:
            better = grant(plan.server, "pg_read_all_stats")
            yield one_tone(clean(f"{weak_check_words(target.backend)} ({better})"), Tone.WARN)
