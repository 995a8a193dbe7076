"""The freshness of the snapshot in words: why a poll failed, and why samples are rare or slow."""

from pgtop.monitor.poller import PollFailed, Sampled
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.units import age

_SLOW_SHARE = 0.5
"""Share of the interval from which the time of an answer is shown."""


def reason(state: State) -> str:
    """Return why the poll failed and what to do about it, cleaned; "" if it did not."""
    if not isinstance(state.event, PollFailed):
        return ""
    failure = state.event.failure
    sentences = [text.rstrip(" .") for text in (failure.what, failure.advice) if text]
    return clean(". ".join(sentences))


def pace_words(state: State) -> str:
    """Return why samples are rarer than asked for, or that they take long; "" if neither."""
    event = state.event
    if not isinstance(event, Sampled):
        return ""
    if event.every > state.interval:
        cost = event.snapshot.cost.server_seconds * 1000
        pace = f"slowed to every {age(event.every)}"
        return f"{pace}: a sample costs the server {cost:.0f} ms"
    if event.took > _SLOW_SHARE * state.interval:
        return f"slow: the server took {age(event.took)}"
    return ""
