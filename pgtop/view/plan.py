"""A plan in words: what will happen to how many, which are skipped and why, one line a target."""

from collections import Counter
from collections.abc import Iterable

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.plan import MOVED_ON, Change, Excluded, ExclusionReason, Plan, Target
from pgtop.model.signal import Outcome, Signal
from pgtop.signalling.planning import Changes
from pgtop.signalling.rights import grant, is_another_pgtop
from pgtop.table.layout import Layout, PlacedColumn, header
from pgtop.table.layout import line as row_line
from pgtop.table.options import Sort
from pgtop.table.session_columns import column
from pgtop.table.session_state import state_word
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line
from pgtop.view.outcome import short_words, weak_check_words

_VERBS = {Signal.CANCEL: "Cancel the queries of", Signal.TERMINATE: "Terminate"}
_NAME_WIDTH = 24
"""Cells of role, database and application before an outcome; on wide lines three tenths of it."""
_MARK_WIDTH = 2
_NARROW = 64
_NARROW_COLUMNS = ("pid", "who", "state", "age")
_COLUMNS = ("pid", "who", "application", "state", "age")


# The plan.


def sessions(count: int) -> str:
    """Return `1 session`, `2 sessions`."""
    return f"{count} session" if count == 1 else f"{count} sessions"


def action_words(plan: Plan, selection: str = "") -> str:
    """Return what is planned, cleaned. `selection` describes how the targets were selected."""
    words = f"{_VERBS[plan.signal]} {sessions(len(plan.targets))} {selection}"
    return clean(words.rstrip())


def title(plan: Plan, selection: str = "") -> str:
    """Return the question of a dialog."""
    return f"{action_words(plan, selection)}?"


def filter_lines(plan: Plan) -> list[Line]:
    """Return the filter in plain words as pgtop has read it, nothing without a filter."""
    if not plan.understood:
        return []
    return [line(clean(f"Filter: sessions {plan.understood}"), Tone.STRONG)]


def facts(plan: Plan, changed: Changes | None = None) -> list[Line]:
    """Return what to know before a yes, the most important first."""
    return [
        *_protections(plan),
        *_weak_checks(plan),
        *_changed(changed or {}),
        *_states(plan),
        *_rollbacks(plan),
        *_other_pgtops(plan),
        *_refusals(plan),
        *_exclusions(plan),
        *_frees(plan),
    ]


def no_targets(plan: Plan) -> str:
    """Return why a plan has no targets."""
    return f"nothing to signal: {skipped(plan) or 'all sessions have ended'}"


def skipped(plan: Plan) -> str:
    """Return how many sessions are skipped for which reasons, in one line; "" if none are."""
    counts = plan.exclusions().items()
    return ", ".join(f"{count} {_exclusion_words(*reason)}" for reason, count in counts)


def _exclusion_words(reason: ExclusionReason, explanation: str) -> str:
    """Return why a session is skipped, to follow a count: `protected: it streams WAL`."""
    explanation = clean(explanation)
    if reason is ExclusionReason.NOTHING_RUNS:
        return explanation
    return f"{reason}: {explanation}"


# One line for each session.


def layout(width: int) -> Layout:
    """Return the columns of a target's line at `width` cells, after the mark."""
    names = _NARROW_COLUMNS if width < _NARROW else _COLUMNS
    placed = [PlacedColumn(column(name), column(name).width) for name in names]
    used = sum(width + 1 for _, width in placed)
    return (*placed, PlacedColumn(column("query"), max(1, width - _MARK_WIDTH - used)))


def heading(placed: Layout) -> Line:
    """Return the titles of the columns."""
    return (Span(" " * _MARK_WIDTH, Tone.PLAIN), *header(placed, Sort()))


def target_line(
    placed: Layout, target: Target, derived: DerivedSnapshot, change: Change | None = None
) -> Line:
    """Return the line of a target, marked if it has changed or the server will refuse it."""
    if change is not None:
        width = sum(width + 1 for _, width in placed) - 1
        words = _named_line(target.backend, Span(change, Tone.WARN), width)
        return (Span("! ", Tone.WARN), *words)
    mark = Span("x ", Tone.WARN) if target.refusal else Span("  ", Tone.PLAIN)
    return (mark, *row_line(placed, target.backend, derived))


def outcome_line(outcome: Outcome, target: Target, width: int, requested: Signal) -> Line:
    """Return the line of a target with its outcome, in at most `width` cells. A stronger signal
    than the requested one is stated.
    """
    words, tone = short_words(outcome)
    if outcome.request.signal is not requested:
        words = f"terminated, as the cancel did not help: {words}"
    return _named_line(target.backend, Span(words, tone), width)


def exclusion_line(excluded: Excluded, width: int) -> Line:
    """Return the line of a skipped session with the reason, in at most `width` cells."""
    words = _exclusion_words(excluded.reason, excluded.explanation)
    return _named_line(excluded.backend, Span(words, Tone.NOTICE), width)


def _named_line(backend: Backend, words: Span, width: int) -> Line:
    identity = name_of_session(backend) or state_word(backend)
    name = clean(f"{identity} {backend.application_name or ''}")
    name_width = max(_NAME_WIDTH, width * 3 // 10)
    start = f"{backend.pid:>7} {fit(name, name_width)} "
    room = max(1, width - cells(start))
    return (Span(start, Tone.PLAIN), Span(fit(words.text, room).rstrip(), words.tone))


# The facts.


def _protections(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.protection:
            yield line(f"protected: {clean(target.protection)}", Tone.ALARM)


def _weak_checks(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.backend.hidden:
            better = grant(plan.server, "pg_read_all_stats")
            yield line(clean(f"{weak_check_words(target.backend)} ({better})"), Tone.WARN)


def _changed(changed: Changes) -> Iterable[Line]:
    if not changed:
        return
    changes = Counter(changed.values())
    words = ", ".join(f"{count} {change}" for change, count in changes.most_common())
    can_refresh = not MOVED_ON.isdisjoint(changes)
    advice = f" ({hint('renew_plan')}: ask again for those that moved on)" if can_refresh else ""
    yield line(f"skipped (!), changed since this was shown: {words}{advice}", Tone.ALARM)


def _states(plan: Plan) -> Iterable[Line]:
    states = Counter(clean(state_word(target.backend)) for target in plan.targets)
    if states:
        words = " · ".join(f"{count} {state}" for state, count in states.most_common())
        yield line(words, Tone.STRONG)


def _rollbacks(plan: Plan) -> Iterable[Line]:
    """Yield how many transactions a terminate rolls back; a cancel leaves them to their clients."""
    count = sum(target.backend.xact_start is not None for target in plan.targets)
    if count and plan.signal is Signal.TERMINATE:
        transactions = "transaction" if count == 1 else "transactions"
        yield line(f"{count} open {transactions} will be rolled back", Tone.NOTICE)


def _other_pgtops(plan: Plan) -> Iterable[Line]:
    count = sum(is_another_pgtop(plan.server, target.backend) for target in plan.targets)
    if count:
        words = "1 is another pgtop" if count == 1 else f"{count} are other pgtops"
        yield line(f"{words}, perhaps a colleague's", Tone.NOTICE)


def _refusals(plan: Plan) -> Iterable[Line]:
    """Yield the remedies of refusals, or else the reasons: one remedy is shorter than its many
    reasons.
    """
    reasons = Counter(target.remedy or f"it {target.refusal}" for target in plan.refusals)
    for reason, count in reasons.most_common():
        yield line(clean(f"the server will refuse {count} (x): {reason}"), Tone.WARN)


def _exclusions(plan: Plan) -> Iterable[Line]:
    for (reason, explanation), count in plan.exclusions().items():
        mark = ":" if reason is ExclusionReason.NOTHING_RUNS else ","
        words = _exclusion_words(reason, explanation)
        yield line(f"{count} skipped{mark} {words}", Tone.NOTICE)


def _frees(plan: Plan) -> Iterable[Line]:
    if plan.frees:
        frees = "frees" if plan.signal is Signal.TERMINATE else "their end frees"
        waiters = "waiter" if plan.frees == 1 else "waiters"
        yield line(f"{frees} {plan.frees} {waiters}", Tone.STRONG)
