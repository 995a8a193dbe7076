"""A plan in words: what will happen to how many, and which are skipped and why."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pgtop.model.backend import IDLE_IN_TRANSACTION_ABORTED, Backend
from pgtop.model.plan import Change, ExclusionReason, Plan
from pgtop.model.signal import Signal
from pgtop.signalling.planning import Changes
from pgtop.signalling.rights import grant, is_another_pgtop
from pgtop.table.session_state import state_word
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line, line
from pgtop.view.outcome import weak_check_words
from pgtop.view.plan_rows import SELF_EXPLAINED, exclusion_words

_VERBS = {Signal.CANCEL: "Cancel the queries of", Signal.TERMINATE: "Terminate"}
_CHANGES = {
    Change.ENDED: "ended",
    Change.QUERY: "started another query",
    Change.TRANSACTION: "started another transaction",
    Change.PROTECTED: "become protected",
    Change.NAME: "changed the application name",
    Change.LOGIN: "logged in",
    Change.HIDDEN: "become hidden",
    Change.DOUBTFUL: "perhaps become another session",
    Change.ELSEWHERE: "perhaps become unreachable: another server answers",
}
"""Changes in words after "has" or "have"."""


# The plan.


def action_words(
    plan: Plan,
    selection: str = "",
    total: int = 0,
) -> str:
    """Return what is planned, cleaned. `selection` describes how the targets were selected; `total`
    counts the skipped sessions, too, and is shown if there are any.
    """
    count = len(plan.targets)
    sessions = counted(max(count, total), "session")
    number = f"{count} of {sessions}" if total > count else sessions
    words = f"{_VERBS[plan.signal]} {number} {selection}"
    return clean(words.rstrip())


def title(
    plan: Plan,
    selection: str = "",
    total: int = 0,
) -> str:
    """Return the question of a dialog; see `action_words`."""
    return f"{action_words(plan, selection, total)}?"


def filter_lines(plan: Plan) -> list[Line]:
    """Return the filter in plain words as pgtop has read it, nothing without a filter."""
    if not plan.understood:
        return []
    return [line(clean(f"Filter: sessions {plan.understood}"), Tone.STRONG)]


def facts(plan: Plan) -> list[Line]:
    """Return what to know before a yes, the most important first."""
    return [
        *_protections(plan),
        *_weak_checks(plan),
        *_states(plan),
        *_rollbacks(plan),
        *_other_pgtops(plan),
        *_refusals(plan),
        *_exclusions(plan),
        *_frees(plan),
    ]


def no_targets(plan: Plan) -> str:
    """Return why a plan has no targets."""
    return f"nothing was signalled: {skipped(plan) or 'all sessions have ended'}"


def skipped(plan: Plan) -> str:
    """Return how many sessions are skipped for which reasons, in one line; "" if none are."""
    counts = plan.exclusions().items()
    parts = [
        _skipped(
            *reason,
            count,
        )
        for reason, count in counts
    ]
    return ", ".join(parts)


def _skipped(
    reason: ExclusionReason,
    explanation: str,
    count: int,
) -> str:
    if reason is ExclusionReason.NOTHING_RUNS:
        return f"{counted(count, 'session')} with {clean(explanation)}"
    return f"{count} {exclusion_words(reason, explanation, count)}"


# The facts.


def change_words(changed: Changes) -> str:
    """Return how many targets have changed in which ways: `2 have ended, 1 has logged in`."""
    counts = Counter(changed.values()).most_common()
    return ", ".join(_change_words(change, count) for change, count in counts)


def _change_words(change: Change, count: int) -> str:
    has = "has" if count == 1 else "have"
    return f"{count} {has} {_CHANGES[change]}"


def _protections(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.protection:
            yield line(f"protected: {clean(target.protection)}", Tone.ALARM)


def _weak_checks(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.backend.hidden:
            yield line(weak_check(plan, target.backend), Tone.WARN)


def weak_check(plan: Plan, backend: Backend) -> str:
    """Return what cannot be compared before the signal, and the grant that would help; cleaned."""
    better = grant(plan.server, "pg_read_all_stats")
    return clean(f"{weak_check_words(backend)} ({better})")


def state_counts(plan: Plan) -> list[str]:
    """Return how many targets are in each state, the most frequent first: `22 idle`; cleaned."""
    states = Counter(clean(state_word(target.backend)) for target in plan.targets)
    return [f"{count} {state}" for state, count in states.most_common()]


def _states(plan: Plan) -> Iterable[Line]:
    if plan.targets:
        yield line(" · ".join(state_counts(plan)), Tone.STRONG)


class OpenTransactions(NamedTuple):
    """The transactions that the end of the targets rolls back."""

    total: int
    failed: int

    @property
    def words(self) -> str:
        """The number of transactions: `3 open transactions`."""
        return (
            f"{self.total} open {'transaction' if self.total == 1 else 'transactions'}"
        )

    @property
    def note(self) -> str:
        """The number of failed ones behind that of all."""
        return f" ({self.failed} failed before)" if self.failed else ""


def open_transactions(plan: Plan) -> OpenTransactions:
    """Return the transactions of the targets; a failed one may have no start any more."""
    backends = [target.backend for target in plan.targets]
    failed = [each for each in backends if each.state == IDLE_IN_TRANSACTION_ABORTED]
    running = [each for each in backends if each.xact_start is not None]
    return OpenTransactions(len({*failed, *running}), len(failed))


def _rollbacks(plan: Plan) -> Iterable[Line]:
    """Yield how many transactions a terminate rolls back; a cancel leaves them to their clients."""
    transactions = open_transactions(plan)
    if plan.signal is Signal.TERMINATE and transactions.total:
        words = f"{transactions.words} will be rolled back{transactions.note}"
        yield line(words, Tone.NOTICE)


def other_pgtops(plan: Plan) -> str:
    """Return how many targets are other pgtops; "" if none is."""
    others = [is_another_pgtop(plan.server, each.backend) for each in plan.targets]
    count = sum(others)
    if not count:
        return ""
    words = "1 is another pgtop" if count == 1 else f"{count} are other pgtops"
    return f"{words}, perhaps a colleague's"


def _other_pgtops(plan: Plan) -> Iterable[Line]:
    if words := other_pgtops(plan):
        yield line(words, Tone.NOTICE)


def refusals(plan: Plan) -> list[tuple[str, int]]:
    """Return the remedies of refusals, or else the reasons, each with its count; cleaned.

    One remedy is shorter than its many reasons.
    """
    reasons = Counter(
        target.remedy or f"it {target.refusal}" for target in plan.refusals
    )
    return [(clean(reason), count) for reason, count in reasons.most_common()]


def _refusals(plan: Plan) -> Iterable[Line]:
    for reason, count in refusals(plan):
        yield line(f"the server will refuse {count} (×): {reason}", Tone.WARN)


def _exclusions(plan: Plan) -> Iterable[Line]:
    for (reason, explanation), count in plan.exclusions().items():
        mark = ":" if reason in SELF_EXPLAINED else ","
        words = exclusion_words(reason, explanation, count)
        yield line(f"{count} skipped{mark} {words}", Tone.NOTICE)


def freed_waiters(plan: Plan) -> str:
    """Return how many waiters the end of the targets frees: `2 waiters`."""
    waiters = "waiter" if plan.frees == 1 else "waiters"
    # hidden waiters are found by a poll of locks, which a single sample may not have
    least = "" if plan.server.rights.reads_all else "at least "
    return f"{least}{plan.frees} {waiters}"


def _frees(plan: Plan) -> Iterable[Line]:
    if plan.frees:
        frees = "frees" if plan.signal is Signal.TERMINATE else "their end frees"
        yield line(f"{frees} {freed_waiters(plan)}", Tone.STRONG)
