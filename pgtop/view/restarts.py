"""What befell the server, in a sentence that stays for a while."""

from pgtop.analysis.restarts import Interruption, InterruptionCause
from pgtop.model.timestamp import Instant, seconds_between, to_datetime

_TOLD_FOR = 600.0  # seconds
_WORDS = {
    InterruptionCause.RESTART: "the server was restarted ({at}): {gone} ended",
    InterruptionCause.CRASH: "a process of the server crashed ({at}): {gone} ended with it, the server's log says more",
    InterruptionCause.OTHER_SERVER: "another server answers, or this one was restarted ({at}): what ran before may go on elsewhere",
}


def interruption_words(found: Interruption | None, now: Instant) -> str:
    """The sentence, for ten minutes; nothing after that."""
    if found is None or seconds_between(found.seen_at, now) > _TOLD_FOR:
        return ""
    at = f"seen at {to_datetime(found.seen_at):%H:%M:%S} UTC"
    gone = f"{found.gone} session{'' if found.gone == 1 else 's'}"
    return _WORDS[found.cause].format(at=at, gone=gone)
