"""The outcome of a signal in one sentence: never more than was seen, and the key that helps
next.
"""

from pgtop.model.backend import Backend
from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus, Signal, SignalRequest
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone

_COMPARED = "pid, role, database and application name"


def weak_check_words(backend: Backend) -> str:
    """Return the warning before a signal to a session that looks like the next one of its pid to
    this role.
    """
    hidden = "start and client are" if backend.backend_type else "start, client and type are"
    return f"Its {hidden} hidden from this role: only {_COMPARED} can be compared before the signal"


def weakly_checked_words(count: int) -> str:
    """Return the same warning after the signal, for one session or several."""
    whose = "its start was" if count == 1 else f"the starts of {count} were"
    return f"{whose} hidden, so only {_COMPARED} were compared"


_DONE = {Signal.CANCEL: "cancelled", Signal.TERMINATE: "terminated"}
_ASKED = {Signal.CANCEL: "asked to cancel its query", Signal.TERMINATE: "asked to end"}

_NOT_SENT = {
    ReplyStatus.GONE: ("{pid} had already ended, nothing was sent", Tone.NOTICE),
    ReplyStatus.REPLACED: ("pid {pid} belongs to another session now, nothing was sent", Tone.WARN),
    ReplyStatus.CHANGED: ("{pid} {changed}, nothing was sent", Tone.WARN),
    ReplyStatus.UNRECORDED: (
        "nothing was sent to {pid}",
        Tone.ALARM,
    ),  # the reason is shown as the trouble with the trail
    ReplyStatus.UNREACHED: ("no connection, nothing was sent to {pid}: {reason}", Tone.WARN),
}
_REFUSED = ("refused: {refused}", Tone.WARN)

_GONE = {
    Signal.TERMINATE: ("terminated {pid} (gone after {seconds})", Tone.CALM),
    Signal.CANCEL: ("{pid} has ended (gone after {seconds})", Tone.CALM),
}
_SENT = {
    ObservedEffect.PENDING: ("{pid} was {asked} …", Tone.NOTICE),
    ObservedEffect.QUERY_ENDED: ("cancelled {pid} (its query ended after {seconds})", Tone.CALM),
    ObservedEffect.TRANSACTION_OPEN: (
        "{pid} was cancelled, its transaction is still open: press K to end the session",
        Tone.WARN,
    ),
    ObservedEffect.STILL_RUNNING: ("{pid} is still running after {seconds}: {way_on}", Tone.ALARM),
}
_BLIND = ("{pid} was {asked}; {blind}", Tone.WARN)

_ENDED_UNANSWERED = (
    "the query of {pid} has ended; no answer came{why}, so whether by this is not known",
    Tone.WARN,
)
_UNANSWERED = {
    ObservedEffect.PENDING: ("no answer came{why}, looking whether {pid} was {done} …", Tone.WARN),
    ObservedEffect.GONE: (
        "{pid} has ended; no answer came{why}, so whether by this is not known",
        Tone.WARN,
    ),
    ObservedEffect.QUERY_ENDED: _ENDED_UNANSWERED,
    ObservedEffect.TRANSACTION_OPEN: _ENDED_UNANSWERED,
    ObservedEffect.STILL_RUNNING: (
        "{pid} is still running; the signal may not have been sent: look and ask again",
        Tone.ALARM,
    ),
}
_UNKNOWN = ("no answer came{why}: whether {pid} got the signal is not known", Tone.ALARM)


def asking_words(request: SignalRequest) -> Span:
    """Return the words until the server answers, which may take as long as a sample that hangs."""
    return Span(f"asking the server to {request.signal} {request.target.pid} …", Tone.NOTICE)


def outcome_words(outcome: Outcome, why_not: str = "") -> Span:
    """The sentence for the notice line, and how loudly to say it; `why_not` is why a refusal was to
    be expected.
    """
    if outcome.effect is ObservedEffect.NOT_SENT:
        return _not_sent(outcome, why_not)
    words, tone = (
        _unanswered(outcome) if outcome.reply.status is ReplyStatus.UNKNOWN else _sent(outcome)
    )
    weakly = (
        f"; {weakly_checked_words(1)}" if outcome.request.seen.hidden and outcome.is_final else ""
    )
    return Span(f"{words}{weakly}", tone)


def _not_sent(outcome: Outcome, why_not: str) -> Span:
    pid, reason = outcome.request.target.pid, clean(outcome.reply.reason)
    said = f"{pid}: {reason or 'the server gave no reason'}"
    refused = f"{pid} {clean(why_not)} ({reason})" if why_not else said
    words, tone = _NOT_SENT.get(outcome.reply.status, _REFUSED)
    changed = f"has changed ({reason})" if reason else "is not running that query any more"
    return Span(words.format(pid=pid, reason=reason, refused=refused, changed=changed), tone)


def _sent(outcome: Outcome) -> Span:
    signal = outcome.request.signal
    words, tone = (
        _GONE[signal]
        if outcome.effect is ObservedEffect.GONE
        else _SENT.get(outcome.effect, _BLIND)
    )
    return Span(
        words.format(
            pid=outcome.request.target.pid,
            asked=_ASKED[signal],
            seconds=_seconds(outcome.after),
            way_on=_way_on(outcome),
            blind=_blind(outcome),
        ),
        tone,
    )


def _unanswered(outcome: Outcome) -> Span:
    """Return the words without an answer: the signal may have been sent or not, so only what is
    seen is stated.
    """
    why = f" ({clean(outcome.reply.reason)})" if outcome.reply.reason else ""
    words, tone = _UNANSWERED.get(outcome.effect, _UNKNOWN)
    return Span(
        words.format(pid=outcome.request.target.pid, why=why, done=_DONE[outcome.request.signal]),
        tone,
    )


def _way_on(outcome: Outcome) -> str:
    seen = outcome.seen
    if outcome.request.signal is Signal.CANCEL:
        return "press K to end the session"
    if seen is not None and seen.wait_event:
        return (
            f"it will end when it next checks for signals (it waits for {clean(seen.wait_event)})"
        )
    return "it will end when it next checks for signals"


def _blind(outcome: Outcome) -> str:
    if outcome.reply.reason:
        return f"what followed could not be seen: {clean(outcome.reply.reason)}"
    if outcome.request.signal is Signal.TERMINATE and outcome.seen is not None:
        return "whether it has ended is not known: under its pid there is a session whose start is hidden"
    return "what followed is not shown to this role"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s"
