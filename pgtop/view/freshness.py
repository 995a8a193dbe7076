"""The freshness of the snapshot in words: live, slow, lost or paused, and which key helps."""

from pgtop.keys import hint
from pgtop.monitor.poller import (
    Event,
    Paused,
    PollFailed,
    PollOverdue,
    Sampled,
)
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line

_SLOW_SHARE = 0.5
"""Share of the interval from which the time of an answer is shown."""


def condition(state: State) -> Line:
    """Return what the reader must know about the snapshot; () if it is live."""
    words = _words(state.event)
    return (words,) if words.text else _slow(state)


def _words(event: Event) -> Span:
    match event:
        case PollOverdue(elapsed, snapshot_age):
            overdue = f"no answer for {_seconds(elapsed)}: {_old(snapshot_age)}"
            return Span(
                f"{overdue} ({hint('refresh')} tries a new connection)", Tone.WARN
            )
        case PollFailed(failure, retry_in, snapshot_age):
            lost = f"{failure.kind.upper()}: {_old(snapshot_age)}"
            retry = f"next try in {_seconds(retry_in)} ({hint('refresh')} tries now)"
            return Span(f"{lost}, {retry}", Tone.ALARM)
        case Paused(snapshot_age):
            paused = f"PAUSED: {_old(snapshot_age)} ({hint('pause')} resumes)"
            return Span(paused, Tone.NOTICE)
        case _:
            return Span("", Tone.PLAIN)


def reason(state: State) -> str:
    """Return why the poll failed and what to do about it, cleaned; "" if it did not."""
    if not isinstance(state.event, PollFailed):
        return ""
    failure = state.event.failure
    sentences = [text.rstrip(" .") for text in (failure.what, failure.advice) if text]
    return clean(". ".join(sentences))


def _old(seconds: float) -> str:
    return f"data {_seconds(seconds)} old"


def _seconds(seconds: float) -> str:
    """Return a time that counts by the second."""
    return f"{round(seconds)}s" if 0.95 < seconds < 59.5 else age(seconds)


def _slow(state: State) -> Line:
    event = state.event
    if not isinstance(event, Sampled):
        return ()
    if event.every > state.interval:
        cost = event.snapshot.cost.server_seconds * 1000
        pace = f"slowed to every {age(event.every)}"
        return (Span(f"{pace}: a sample costs the server {cost:.0f} ms", Tone.WARN),)
    if event.took > _SLOW_SHARE * state.interval:
        return (Span(f"slow: the server took {age(event.took)}", Tone.WARN),)
    return ()
