"""The sentence about a restart or crash of the server, shown for ten minutes."""

from pgtop.analysis.restarts import Interruption, InterruptionCause
from pgtop.model.timestamp import Instant, seconds_between, to_datetime

_SHOWN_SECONDS = 600.0
_WORDS = {
    InterruptionCause.RESTART: "the server was restarted ({at}): {gone} ended",
    InterruptionCause.CRASH: (
        "a server process crashed ({at}): {gone} ended with it; see the server's log"
    ),
    InterruptionCause.OTHER_SERVER: (
        "another server answers, or this one was restarted ({at}): earlier sessions may live on"
    ),
}


def interruption_words(event: Interruption | None, now: Instant) -> str:
    """Return the sentence for ten minutes, and "" after that."""
    if event is None or seconds_between(event.seen_at, now) > _SHOWN_SECONDS:
        return ""
    at = f"seen at {to_datetime(event.seen_at):%H:%M:%S} UTC"
    gone = f"{event.gone} session{'' if event.gone == 1 else 's'}"
    return _WORDS[event.cause].format(at=at, gone=gone)
