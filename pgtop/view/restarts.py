"""The sentence about a restart or crash of the server, shown for ten minutes."""

from collections.abc import Sequence

from pgtop.analysis.restarts import Interruption, InterruptionCause
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.text.units import counted

_SHOWN_SECONDS = 600.0
_FORMS = {
    InterruptionCause.RESTART: (
        "the server was restarted ({at}): {gone} ended",
        "restarted at {time}: {gone} ended",
        "restarted at {time}",
    ),
    InterruptionCause.CRASH: (
        "a server process crashed ({at}): {gone} ended with it; see the server's log",
        "a server process crashed at {time}: {gone} ended",
        "server crashed at {time}",
    ),
    InterruptionCause.OTHER_SERVER: (
        "another server answers, or this one was restarted ({at}): earlier sessions may live on",
        "another server since {time}: earlier sessions may live on",
        "another server since {time}",
    ),
}
"""The sentence in three lengths, the longest first."""


def interruption_forms(event: Interruption | None, now: Instant) -> Sequence[str]:
    """Return the sentence in several lengths for ten minutes, and none after that."""
    if event is None or seconds_between(event.seen_at, now) > _SHOWN_SECONDS:
        return ()
    time = f"{to_datetime(event.seen_at):%H:%M:%S} UTC"
    gone = counted(event.gone, "session")
    names = {"at": f"seen at {time}", "time": time, "gone": gone}
    return [form.format_map(names) for form in _FORMS[event.cause]]
