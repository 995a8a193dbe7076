"""A plan in words: what will happen to how many, and which are skipped and why."""

from collections import Counter
from collections.abc import Iterable

from pgtop.keys import hint
from pgtop.model.backend import IDLE_IN_TRANSACTION_ABORTED, Backend
from pgtop.model.plan import MOVED_ON, Change, ExclusionReason, Plan
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.signalling.planning import Changes
from pgtop.signalling.rights import grant, is_another_pgtop
from pgtop.table.session_state import state_word
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
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


def place(server: Server) -> str:
    """Return where pgtop is connected, and as which role: `db1:5432 as dba`, cleaned."""
    address = f"{server.host}:{server.port}" if server.port else server.host
    return clean(f"{address} as {server.user}")


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
        return f"{sessions(count)} with {clean(explanation)}"
    return f"{count} {exclusion_words(reason, explanation, count)}"


# The facts.


def _protections(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.protection:
            yield line(f"protected: {clean(target.protection)}", Tone.ALARM)


def _weak_checks(plan: Plan) -> Iterable[Line]:
    for target in plan.targets:
        if target.backend.hidden:
            better = grant(plan.server, "pg_read_all_stats")
            yield line(
                clean(f"{weak_check_words(target.backend)} ({better})"), Tone.WARN
            )


def _changed(changed: Changes) -> Iterable[Line]:
    if not changed:
        return
    changes = Counter(changed.values())
    parts = [
        _change_words(
            change,
            count,
        )
        for change, count in changes.most_common()
    ]
    words = ", ".join(parts)
    can_refresh = not MOVED_ON.isdisjoint(changes)
    advice = (
        f" ({hint('renew_plan')}: include them as they are now)" if can_refresh else ""
    )
    yield line(f"! {words} since and will be skipped{advice}", Tone.ALARM)


def _change_words(change: Change, count: int) -> str:
    has = "has" if count == 1 else "have"
    return f"{count} {has} {_CHANGES[change]}"


def _states(plan: Plan) -> Iterable[Line]:
    states = Counter(clean(state_word(target.backend)) for target in plan.targets)
    if states:
        words = " · ".join(f"{count} {state}" for state, count in states.most_common())
        yield line(words, Tone.STRONG)


def _rollbacks(plan: Plan) -> Iterable[Line]:
    """Yield how many transactions a terminate rolls back; a cancel leaves them to their clients."""
    if plan.signal is not Signal.TERMINATE:
        return
    backends = [target.backend for target in plan.targets]
    failed = sum(map(_has_failed, backends))
    count = sum(map(_is_in_transaction, backends))
    if count:
        transactions = "transaction" if count == 1 else "transactions"
        note = f" ({failed} failed before)" if failed else ""
        yield line(
            f"{count} open {transactions} will be rolled back{note}", Tone.NOTICE
        )


def _is_in_transaction(backend: Backend) -> bool:
    """Return whether a transaction is open; a failed one may have no start any more."""
    return backend.xact_start is not None or _has_failed(backend)


def _has_failed(backend: Backend) -> bool:
    return backend.state == IDLE_IN_TRANSACTION_ABORTED


def _other_pgtops(plan: Plan) -> Iterable[Line]:
    count = sum(
        is_another_pgtop(plan.server, target.backend) for target in plan.targets
    )
    if count:
        words = "1 is another pgtop" if count == 1 else f"{count} are other pgtops"
        yield line(f"{words}, perhaps a colleague's", Tone.NOTICE)


def _refusals(plan: Plan) -> Iterable[Line]:
    """Yield the remedies of refusals, or else the reasons: one remedy is shorter than its many
    reasons.
    """
    reasons = Counter(
        target.remedy or f"it {target.refusal}" for target in plan.refusals
    )
    for reason, count in reasons.most_common():
        yield line(clean(f"the server will refuse {count} (x): {reason}"), Tone.WARN)


def _exclusions(plan: Plan) -> Iterable[Line]:
    for (reason, explanation), count in plan.exclusions().items():
        mark = ":" if reason in SELF_EXPLAINED else ","
        words = exclusion_words(reason, explanation, count)
        yield line(f"{count} skipped{mark} {words}", Tone.NOTICE)


def _frees(plan: Plan) -> Iterable[Line]:
    if plan.frees:
        frees = "frees" if plan.signal is Signal.TERMINATE else "their end frees"
        waiters = "waiter" if plan.frees == 1 else "waiters"
        # hidden waiters are found by a poll of locks, which a single sample may not have
        least = "" if plan.server.rights.reads_all else "at least "
        yield line(f"{frees} {least}{plan.frees} {waiters}", Tone.STRONG)
