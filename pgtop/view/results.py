"""What became of each of many, in a few words, and of all of them in one line."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from pgtop.model.signal import Answer, Effect, Outcome
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line


class Result(StrEnum):
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


SURVIVED = frozenset({Result.IN_TRANSACTION, Result.STILL_RUNNING, Result.UNSEEN})
REFUSED = frozenset({Result.CHANGED, Result.NOT_ALLOWED, Result.UNRECORDED})

_NOT_SENT = {
    Answer.GONE: Result.ALREADY_GONE,
    Answer.REPLACED: Result.CHANGED,
    Answer.CHANGED: Result.CHANGED,
    Answer.REFUSED: Result.NOT_ALLOWED,
    Answer.UNRECORDED: Result.UNRECORDED,
    Answer.UNREACHED: Result.UNREACHED,
}
_SENT = {
    Effect.GONE: Result.GONE,
    Effect.QUERY_ENDED: Result.CANCELLED,
    Effect.TRANSACTION_OPEN: Result.IN_TRANSACTION,
    Effect.STILL_RUNNING: Result.STILL_RUNNING,
    Effect.PENDING: Result.PENDING,
}
_TONES = {
    Result.GONE: Tone.CALM, Result.CANCELLED: Tone.CALM, Result.ALREADY_GONE: Tone.QUIET, Result.PENDING: Tone.NOTICE,
    Result.STILL_RUNNING: Tone.ALARM,
}  # fmt: skip
_ENDED = frozenset({Effect.GONE, Effect.QUERY_ENDED, Effect.TRANSACTION_OPEN})
_TIMED = frozenset({Result.GONE, Result.CANCELLED, Result.STILL_RUNNING})


def result_of(outcome: Outcome) -> Result:
    """The kind of an outcome."""
    if outcome.effect is Effect.NOT_SENT:
        return _NOT_SENT.get(outcome.receipt.answer, Result.UNSEEN)
    return _SENT.get(outcome.effect, Result.UNSEEN)


def result_words(outcome: Outcome) -> Span:
    """The outcome of one of many: its kind, how long it took, and the server's reason where it gave one."""
    result = result_of(outcome)
    words = [f"{result} after {_seconds(outcome.after)}" if result in _TIMED else result.value]
    if outcome.receipt.answer is Answer.REPLACED:
        words.append("the pid is another session's now")
    if outcome.receipt.answer is Answer.UNKNOWN:
        doubt = "whether by this" if outcome.effect in _ENDED else "whether it got the signal"
        words.append(f"no answer came, so {doubt} is not known")
    if outcome.receipt.reason:
        words.append(clean(outcome.receipt.reason))
    elif result is Result.UNSEEN:
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
