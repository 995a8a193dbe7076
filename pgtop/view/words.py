"""What became of an order, in one sentence: never more than was seen, and what to press next if something helps."""

from pgtop.model.signal import Answer, Effect, Order, Outcome, Signal
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone

_DONE = {Signal.CANCEL: "cancelled", Signal.TERMINATE: "terminated"}
_ASKED = {Signal.CANCEL: "asked to cancel its query", Signal.TERMINATE: "asked to end"}


def asking_words(order: Order) -> Span:
    """What is said until the server has answered, which may take as long as a sample that hangs."""
    return Span(f"asking the server to {order.signal} {order.target.pid} …", Tone.NOTICE)


def outcome_words(outcome: Outcome, why_not: str = "") -> Span:
    """The sentence for the notice line, and how loudly to say it; `why_not` is why a refusal was to be expected."""
    if outcome.effect is Effect.NOT_SENT:
        return _not_sent(outcome, why_not)
    if outcome.receipt.answer is Answer.UNKNOWN:
        return _unanswered(outcome)
    return _sent(outcome)


def _not_sent(outcome: Outcome, why_not: str) -> Span:
    pid, reason = outcome.order.target.pid, clean(outcome.receipt.reason)
    match outcome.receipt.answer:
        case Answer.GONE:
            return Span(f"{pid} had already ended, nothing was sent", Tone.NOTICE)
        case Answer.REPLACED:
            return Span(f"pid {pid} belongs to another session now, nothing was sent", Tone.WARN)
        case Answer.CHANGED:
            return Span(f"{pid} is not running that query any more, nothing was sent", Tone.WARN)
        case Answer.UNREACHED:
            return Span(f"no connection, nothing was sent to {pid}: {reason}", Tone.WARN)
        case _:
            said = f"{pid}: {reason or 'the server gave no reason'}"
            return Span(f"refused: {f'{pid} {clean(why_not)} ({reason})' if why_not else said}", Tone.WARN)


def _sent(outcome: Outcome) -> Span:
    pid, signal = outcome.order.target.pid, outcome.order.signal
    seconds = _seconds(outcome.after)
    match outcome.effect:
        case Effect.PENDING:
            return Span(f"{pid} was {_ASKED[signal]} …", Tone.NOTICE)
        case Effect.GONE if signal is Signal.TERMINATE:
            return Span(f"terminated {pid} (gone after {seconds})", Tone.CALM)
        case Effect.GONE:
            return Span(f"{pid} has ended (gone after {seconds})", Tone.CALM)
        case Effect.QUERY_ENDED:
            return Span(f"cancelled {pid} (its query ended after {seconds})", Tone.CALM)
        case Effect.TRANSACTION_OPEN:
            return Span(f"{pid} was cancelled, its transaction is still open: press K to end the session", Tone.WARN)
        case Effect.STILL_RUNNING:
            return Span(f"{pid} is still running after {seconds}: {_way_on(outcome)}", Tone.ALARM)
        case _:
            return Span(f"{pid} was {_ASKED[signal]}; {_blind(outcome)}", Tone.WARN)


def _unanswered(outcome: Outcome) -> Span:
    """No answer came, so the signal may or may not have been sent: what is seen is told, who did it is not known."""
    pid = outcome.order.target.pid
    why = f" ({clean(outcome.receipt.reason)})" if outcome.receipt.reason else ""
    match outcome.effect:
        case Effect.PENDING:
            return Span(
                f"no answer came{why}, looking whether {pid} was {_DONE[outcome.order.signal]} …",
                Tone.WARN,
            )
        case Effect.GONE:
            return Span(f"{pid} has ended; no answer came{why}, so whether by this is not known", Tone.WARN)
        case Effect.QUERY_ENDED | Effect.TRANSACTION_OPEN:
            return Span(
                f"the query of {pid} has ended; no answer came{why}, so whether by this is not known",
                Tone.WARN,
            )
        case Effect.STILL_RUNNING:
            return Span(f"{pid} is still running; the signal may not have been sent: look and ask again", Tone.ALARM)
        case _:
            return Span(f"no answer came{why}: whether {pid} got the signal is not known", Tone.ALARM)


def _way_on(outcome: Outcome) -> str:
    seen = outcome.seen
    if outcome.order.signal is Signal.CANCEL:
        return "press K to end the session"
    if seen is not None and seen.wait_event:
        return f"it will end when it next checks for signals (it waits for {clean(seen.wait_event)})"
    return "it will end when it next checks for signals"


def _blind(outcome: Outcome) -> str:
    if outcome.receipt.reason:
        return f"what followed could not be seen: {clean(outcome.receipt.reason)}"
    return "what followed is not shown to this role"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.0f} s"
