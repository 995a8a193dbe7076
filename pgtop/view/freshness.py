"""How fresh the picture is, in words: live, slow, lost or paused, and what to press."""

from pgtop.keys import hint
from pgtop.monitor.poller import Event, Paused, PollFailed, PollOverdue, Sampled
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line

_SLOW = 0.5
"""Share of the interval from which the time an answer takes is worth a word."""


def condition(state: State) -> Line:
    """What the reader must know about the picture before reading it; empty when it is live."""
    words = _words(state.event)
    return (words,) if words.text else _slow(state)


def _words(event: Event) -> Span:
    match event:
        case PollOverdue(elapsed, picture_age):
            waiting = f"no answer for {_whole(elapsed)}: picture is {_whole(picture_age)} old"
            return Span(f"{waiting} ({hint('refresh')}: try a new connection)", Tone.WARN)
        case PollFailed(failure, retry_in, picture_age):
            lost = f"{failure.kind.upper()}: picture is {_whole(picture_age)} old"
            return Span(
                f"{lost}, next try in {_whole(retry_in)} ({hint('refresh')}: now)", Tone.ALARM
            )
        case Paused(picture_age):
            return Span(
                f"PAUSED: picture is {_whole(picture_age)} old ({hint('pause')}: go on)",
                Tone.NOTICE,
            )
        case _:
            return Span("", Tone.PLAIN)


def reason(state: State) -> str:
    """Why the server could not be asked, and what to do about it, cleaned; nothing when it
    could.
    """
    if not isinstance(state.event, PollFailed):
        return ""
    failure = state.event.failure
    return clean(". ".join(words.rstrip(" .") for words in (failure.what, failure.advice) if words))


def _whole(seconds: float) -> str:
    """A time that counts by the second."""
    return f"{round(seconds)}s" if 0.95 < seconds < 59.5 else age(seconds)


def _slow(state: State) -> Line:
    event = state.event
    if not isinstance(event, Sampled):
        return ()
    if event.every > state.interval:
        cost = event.snapshot.cost.server_seconds * 1000
        return (
            Span(
                f"slowed to every {age(event.every)}: a sample costs the server {cost:.0f} ms",
                Tone.WARN,
            ),
        )
    if event.took > _SLOW * state.interval:
        return (Span(f"slow: the server took {age(event.took)}", Tone.WARN),)
    return ()
