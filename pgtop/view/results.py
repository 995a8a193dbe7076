"""What became of each of many, in a few words, and of all of them in one line."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line


class OutcomeKind(StrEnum):
    """The kinds of outcome that a reader, or a script, tells apart."""

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


SURVIVED = frozenset({OutcomeKind.IN_TRANSACTION, OutcomeKind.STILL_RUNNING, OutcomeKind.UNSEEN})
REFUSED = frozenset({OutcomeKind.CHANGED, OutcomeKind.NOT_ALLOWED, OutcomeKind.UNRECORDED})

_NOT_SENT = {
    ReplyStatus.GONE: OutcomeKind.ALREADY_GONE,
    ReplyStatus.REPLACED: OutcomeKind.CHANGED,
    ReplyStatus.CHANGED: OutcomeKind.CHANGED,
    ReplyStatus.REFUSED: OutcomeKind.NOT_ALLOWED,
    ReplyStatus.UNRECORDED: OutcomeKind.UNRECORDED,
    ReplyStatus.UNREACHED: OutcomeKind.UNREACHED,
}
_SENT = {
    ObservedEffect.GONE: OutcomeKind.GONE,
    ObservedEffect.QUERY_ENDED: OutcomeKind.CANCELLED,
    ObservedEffect.TRANSACTION_OPEN: OutcomeKind.IN_TRANSACTION,
    ObservedEffect.STILL_RUNNING: OutcomeKind.STILL_RUNNING,
    ObservedEffect.PENDING: OutcomeKind.PENDING,
}
_TONES = {
    OutcomeKind.GONE: Tone.CALM, OutcomeKind.CANCELLED: Tone.CALM, OutcomeKind.ALREADY_GONE: Tone.QUIET, OutcomeKind.PENDING: Tone.NOTICE,
    OutcomeKind.STILL_RUNNING: Tone.ALARM,
}  # fmt: skip
_ENDED = frozenset(
    {ObservedEffect.GONE, ObservedEffect.QUERY_ENDED, ObservedEffect.TRANSACTION_OPEN}
)
_TIMED = frozenset({OutcomeKind.GONE, OutcomeKind.CANCELLED, OutcomeKind.STILL_RUNNING})


def result_of(outcome: Outcome) -> OutcomeKind:
    """The kind of an outcome."""
    if outcome.effect is ObservedEffect.NOT_SENT:
        return _NOT_SENT.get(outcome.reply.status, OutcomeKind.UNSEEN)
    return _SENT.get(outcome.effect, OutcomeKind.UNSEEN)


def result_words(outcome: Outcome) -> Span:
    """The outcome of one of many: its kind, how long it took, and the server's reason where it gave
    one.
    """
    result = result_of(outcome)
    words = [f"{result} after {_seconds(outcome.after)}" if result in _TIMED else result.value]
    if outcome.reply.status is ReplyStatus.REPLACED:
        words.append("the pid is another session's now")
    if outcome.reply.status is ReplyStatus.UNKNOWN:
        doubt = "whether by this" if outcome.effect in _ENDED else "whether it got the signal"
        words.append(f"no answer came, so {doubt} is not known")
    if outcome.reply.reason:
        words.append(clean(outcome.reply.reason))
    elif result is OutcomeKind.UNSEEN:
        words.append("what followed is not shown to this role")
    return Span(": ".join(words), _TONES.get(result, Tone.WARN))


def summary(outcomes: Iterable[Outcome]) -> Line:
    """How many of each kind, the most frequent first."""
    counts = Counter(map(result_of, outcomes)).most_common()
    gaps = ["", *[" · "] * len(counts)]
    return tuple(
        Span(f"{gap}{count} {result}", _TONES.get(result, Tone.WARN))
        for gap, (result, count) in zip(gaps, counts, strict=False)
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s"
