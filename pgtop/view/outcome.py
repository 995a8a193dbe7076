"""Outcomes of signals in words: never more than was seen, and the key that helps next."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.signal import (
    ObservedEffect,
    Outcome,
    ReplyStatus,
    Signal,
    SignalRequest,
)
from pgtop.model.timestamp import to_datetime
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

# Weak comparisons.

_COMPARED = "pid, role, database and application name"


def weak_check_words(backend: Backend) -> str:
    """Return the warning before a signal to a session that this role cannot tell from the next one
    under its pid.
    """
    hidden = (
        "start and client are" if backend.backend_type else "start, client and type are"
    )
    return f"Its {hidden} hidden from this role: only {_COMPARED} can be compared before the signal"


def weakly_checked_words(count: int) -> str:
    """Return the same warning after the signal, for one session or several."""
    subject = "its start was" if count == 1 else f"the starts of {count} were"
    return f"{subject} hidden, so only {_COMPARED} were compared"


# One outcome as a sentence.

_TASKS = {
    Signal.CANCEL: "cancel {}",
    Signal.TERMINATE: "terminate {}",
    Signal.LOG_MEMORY: "log the memory of {}",
}
_DONE = {
    Signal.CANCEL: "cancelled",
    Signal.TERMINATE: "terminated",
    Signal.LOG_MEMORY: "logged",
}
_REQUESTED = {
    Signal.CANCEL: "asked to cancel its query",
    Signal.TERMINATE: "asked to end",
    Signal.LOG_MEMORY: "asked to log its memory",
}

_NOT_SENT = {
    ReplyStatus.GONE: ("{pid} had already ended, nothing was sent", Tone.NOTICE),
    ReplyStatus.REPLACED: (
        "pid {pid} belongs to another session now, nothing was sent",
        Tone.WARN,
    ),
    ReplyStatus.CHANGED: ("{pid} {changed}, nothing was sent", Tone.WARN),
    # the reason is shown as the failure of the audit log
    ReplyStatus.UNRECORDED: ("nothing was sent to {pid}", Tone.ALARM),
    ReplyStatus.UNREACHED: (
        "no connection, nothing was sent to {pid}: {reason}",
        Tone.WARN,
    ),
}
_REFUSED = ("refused: {refused}", Tone.WARN)

_GONE = {
    Signal.TERMINATE: ("terminated {pid} (gone after {seconds})", Tone.CALM),
    Signal.CANCEL: ("{pid} has ended (gone after {seconds})", Tone.CALM),
    Signal.LOG_MEMORY: ("{pid} has ended", Tone.CALM),
}
_SENT = {
    ObservedEffect.PENDING: ("{pid} was {requested} …", Tone.NOTICE),
    ObservedEffect.QUERY_ENDED: (
        "cancelled {pid} (its query ended after {seconds})",
        Tone.CALM,
    ),
    ObservedEffect.TRANSACTION_OPEN: (
        "{pid} was cancelled, its transaction is still open: {next_step}",
        Tone.WARN,
    ),
    ObservedEffect.STILL_RUNNING: (
        "{pid} is still running after {seconds}: {next_step}",
        Tone.ALARM,
    ),
}
_LOGGING = (
    "{pid} was asked to log its memory contexts: look for its pid in the server's log{since}",
    Tone.CALM,
)
_BLIND = ("{pid} was {requested}; {blind}", Tone.WARN)

_ENDED_UNANSWERED = (
    "the query of {pid} has ended; no answer came{reason}, so whether by this is not known",
    Tone.WARN,
)
_UNANSWERED = {
    ObservedEffect.PENDING: (
        "no answer came{reason}, looking whether {pid} was {done} …",
        Tone.WARN,
    ),
    ObservedEffect.GONE: (
        "{pid} has ended; no answer came{reason}, so whether by this is not known",
        Tone.WARN,
    ),
    ObservedEffect.QUERY_ENDED: _ENDED_UNANSWERED,
    ObservedEffect.TRANSACTION_OPEN: _ENDED_UNANSWERED,
    ObservedEffect.STILL_RUNNING: (
        "{pid} is still running; the signal may not have been sent: look and ask again",
        Tone.ALARM,
    ),
}
_UNKNOWN = (
    "no answer came{reason}: whether {pid} got the signal is not known",
    Tone.ALARM,
)


def pending_words(request: SignalRequest) -> Span:
    """Return the words until the server replies, which may take as long as a stalled sample."""
    task = _TASKS[request.signal].format(request.target.pid)
    return Span(f"asking the server to {task} …", Tone.NOTICE)


def outcome_words(outcome: Outcome, refusal: str = "") -> Span:
    """Return the sentence for the notice line. `refusal` is why the server was expected to
    refuse.
    """
    if outcome.effect is ObservedEffect.NOT_SENT:
        return _not_sent(outcome, refusal)
    if outcome.reply.status is ReplyStatus.UNKNOWN:
        words, tone = _unanswered(outcome)
    else:
        words, tone = _sent(outcome)
    if outcome.request.seen.hidden and outcome.is_final:
        words = f"{words}; {weakly_checked_words(1)}"
    return Span(words, tone)


def _not_sent(outcome: Outcome, refusal: str) -> Span:
    pid = outcome.request.target.pid
    reason = clean(outcome.reply.reason)
    if refusal:
        refused = f"{pid} {clean(refusal)} ({reason})"
    else:
        refused = f"{pid}: {reason or 'the server gave no reason'}"
    changed = (
        f"has changed ({reason})" if reason else "is not running that query any more"
    )
    words, tone = _NOT_SENT.get(outcome.reply.status, _REFUSED)
    return Span(
        words.format(
            pid=pid,
            reason=reason,
            refused=refused,
            changed=changed,
        ),
        tone,
    )


def _sent(outcome: Outcome) -> Span:
    signal = outcome.request.signal
    if outcome.effect is ObservedEffect.LOGGING:
        return _logging(outcome)
    if outcome.effect is ObservedEffect.GONE:
        words, tone = _GONE[signal]
    else:
        words, tone = _SENT.get(outcome.effect, _BLIND)
    return Span(
        words.format(
            pid=outcome.request.target.pid,
            requested=_REQUESTED[signal],
            seconds=_seconds(outcome.after),
            next_step=_next_step(outcome),
            blind=_blind(outcome),
        ),
        tone,
    )


def _logging(outcome: Outcome) -> Span:
    """Return where to look: nothing of the log is seen from here."""
    request = outcome.request
    seen_on = request.seen_on
    since = f" from {to_datetime(seen_on.at):%H:%M:%S} UTC on" if seen_on else ""
    words, tone = _LOGGING
    return Span(words.format(pid=request.target.pid, since=since), tone)


def _unanswered(outcome: Outcome) -> Span:
    """Return the words if no reply came: the signal may have been sent, so only the visible effect
    is stated.
    """
    reason = f" ({clean(outcome.reply.reason)})" if outcome.reply.reason else ""
    words, tone = _UNANSWERED.get(outcome.effect, _UNKNOWN)
    done = _DONE[outcome.request.signal]
    return Span(
        words.format(pid=outcome.request.target.pid, reason=reason, done=done), tone
    )


def _next_step(outcome: Outcome) -> str:
    if outcome.request.signal is Signal.CANCEL:
        return f"press {hint('terminate')} to end the session"
    seen = outcome.seen
    wait = (
        f" (it waits for {clean(seen.wait_event)})" if seen and seen.wait_event else ""
    )
    return f"it will end when it next checks for signals{wait}"


def _blind(outcome: Outcome) -> str:
    if outcome.reply.reason:
        return f"what followed could not be seen: {clean(outcome.reply.reason)}"
    if outcome.request.signal is Signal.TERMINATE and outcome.seen is not None:
        session = "a session with a hidden start has its pid"
        return f"whether it has ended is not known: {session}"
    return "what followed is not shown to this role"


# Outcomes of many: a few words each, and a summary.


class OutcomeKind(StrEnum):
    """The kinds of outcome that a reader or a script distinguishes."""

    GONE = "gone"
    CANCELLED = "cancelled"
    IN_TRANSACTION = "cancelled, still in its transaction"
    ALREADY_GONE = "already gone"
    CHANGED = "changed, nothing sent"
    NOT_ALLOWED = "not allowed"
    UNRECORDED = "not recorded, nothing sent"
    STILL_RUNNING = "still running"
    UNREACHED = "no connection, nothing sent"
    UNSEEN = "outcome not known"
    PENDING = "asked"
    LOGGING = "asked to log its memory"


SURVIVED = frozenset(
    {OutcomeKind.IN_TRANSACTION, OutcomeKind.STILL_RUNNING, OutcomeKind.UNSEEN}
)
REFUSED = frozenset(
    {OutcomeKind.CHANGED, OutcomeKind.NOT_ALLOWED, OutcomeKind.UNRECORDED}
)

_SUCCESSES = {
    Signal.TERMINATE: (OutcomeKind.GONE,),
    Signal.CANCEL: (OutcomeKind.CANCELLED, OutcomeKind.IN_TRANSACTION),
    Signal.LOG_MEMORY: (OutcomeKind.LOGGING,),
}

_KINDS_NOT_SENT = {
    ReplyStatus.GONE: OutcomeKind.ALREADY_GONE,
    ReplyStatus.REPLACED: OutcomeKind.CHANGED,
    ReplyStatus.CHANGED: OutcomeKind.CHANGED,
    ReplyStatus.REFUSED: OutcomeKind.NOT_ALLOWED,
    ReplyStatus.UNRECORDED: OutcomeKind.UNRECORDED,
    ReplyStatus.UNREACHED: OutcomeKind.UNREACHED,
}
_KINDS_SENT = {
    ObservedEffect.GONE: OutcomeKind.GONE,
    ObservedEffect.QUERY_ENDED: OutcomeKind.CANCELLED,
    ObservedEffect.TRANSACTION_OPEN: OutcomeKind.IN_TRANSACTION,
    ObservedEffect.STILL_RUNNING: OutcomeKind.STILL_RUNNING,
    ObservedEffect.PENDING: OutcomeKind.PENDING,
    ObservedEffect.LOGGING: OutcomeKind.LOGGING,
}
_TONES = {
    OutcomeKind.GONE: Tone.CALM,
    OutcomeKind.CANCELLED: Tone.CALM,
    OutcomeKind.ALREADY_GONE: Tone.QUIET,
    OutcomeKind.PENDING: Tone.NOTICE,
    OutcomeKind.STILL_RUNNING: Tone.ALARM,
}
_TIMED = frozenset({OutcomeKind.GONE, OutcomeKind.CANCELLED, OutcomeKind.STILL_RUNNING})


def outcome_kind(outcome: Outcome) -> OutcomeKind:
    """Return the kind of an outcome."""
    if outcome.effect is ObservedEffect.NOT_SENT:
        return _KINDS_NOT_SENT.get(outcome.reply.status, OutcomeKind.UNSEEN)
    return _KINDS_SENT.get(outcome.effect, OutcomeKind.UNSEEN)


def has_succeeded(outcome: Outcome) -> bool:
    """Return whether the signal has done what it was for, as far as was seen."""
    is_answered = outcome.reply.status is ReplyStatus.SENT
    return is_answered and outcome_kind(outcome) in _SUCCESSES[outcome.request.signal]


def short_words(outcome: Outcome) -> Span:
    """Return the outcome of one of many: its kind, its duration, and the server's reason."""
    kind = outcome_kind(outcome)
    status = outcome.reply.status
    words = [
        f"{kind} after {_seconds(outcome.after)}" if kind in _TIMED else kind.value
    ]
    if status is ReplyStatus.REPLACED:
        words.append("the pid belongs to another session now")
    if status is ReplyStatus.UNKNOWN:
        doubt = "by this" if outcome.effect.is_end else "it got the signal"
        words.append(f"no answer came, so whether {doubt} is not known")
    if outcome.reply.reason:
        words.append(clean(outcome.reply.reason))
    elif kind is OutcomeKind.UNSEEN:
        words.append("what followed is not shown to this role")
    return Span(": ".join(words), _TONES.get(kind, Tone.WARN))


def summary(outcomes: Iterable[Outcome]) -> Line:
    """Return how many outcomes there are of each kind, the most frequent first."""
    counts = Counter(map(outcome_kind, outcomes)).most_common()
    spans: list[Span] = []
    for kind, count in counts:
        gap = " · " if spans else ""
        spans.append(Span(f"{gap}{count} {kind}", _TONES.get(kind, Tone.WARN)))
    return tuple(spans)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s"
