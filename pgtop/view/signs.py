"""The signs of the screens, each drawn as it is there, with its meaning. The help shows them."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, plain_text
from pgtop.view.slot_words import FREE, RESERVED, UNSEEN


class Sign(NamedTuple):
    """A sign as it is drawn, and its meaning."""

    drawn: Line
    meaning: str

    @property
    def text(self) -> str:
        """The sign without its tones."""
        return plain_text(self.drawn)


Signs: TypeAlias = Sequence[Sign]


def _sign(text: str, tone: Tone, meaning: str) -> Sign:
    return Sign((Span(text, tone),), meaning)


BAR_SIGNS: Signs = (
    Sign(
        (
            Span(" A ", Tone.CALM_PLATE),
            Span(" W ", Tone.ALARM_PLATE),
            Span(" T ", Tone.WARN_PLATE),
            Span(" i ", Tone.QUIET_PLATE),
        ),
        "active, waiting, idle in tx, idle",
    ),
    Sign(
        (Span(f"{FREE * 3} ", Tone.QUIET), Span(f" {RESERVED} ", Tone.NOTICE_PLATE)),
        "free, reserved for superusers and certain roles",
    ),
    _sign(f" {UNSEEN}9 ", Tone.QUIET_PLATE, "9 in use, state hidden from this role"),
)
"""The parts of the bar."""

SESSION_SIGNS: Signs = (
    _sign("▲9", Tone.ALARM, "root: blocks 9 sessions"),
    _sign("◄4711", Tone.WARN, "waits for 4711; +8: and for 8 more"),
    _sign("▾5", Tone.STRONG, "5 sessions wait behind this one"),
    Sign(
        (Span("▌", Tone.ALARM), Span("▌", Tone.WARN)),
        "blocks others, waits",
    ),
    _sign("└", Tone.QUIET, "parallel worker of the session above"),
    _sign("[2h14m", Tone.PLAIN, "transaction older than its statement"),
    _sign("×38", Tone.QUIET, "38 idle sessions in one row"),
    _sign("*", Tone.NOTICE, "tagged"),
)

LOCK_SIGNS: Signs = (
    _sign("▲", Tone.ALARM, "root: blocks others and waits for none"),
    _sign("2, 9", Tone.ALARM, "blocks 2 directly, 9 in all"),
    _sign("queued", Tone.QUIET, "only another waiter is ahead of it"),
    _sign("+2", Tone.QUIET, "behind WANTS: it waits for 2 more"),
    _sign("+3", Tone.QUIET, "behind SESSION: 3 waiters folded away"),
    _sign(
        "~5s", Tone.WARN, "since its state changed; the server does not report the wait"
    ),
    _sign(
        "DEADLOCK", Tone.ALARM_PLATE, "all wait for each other; the server will end one"
    ),
)

WAIT_SIGNS: Signs = (
    Sign(
        (
            Span("█", Tone.CALM),
            Span(" ▓", Tone.NOTICE),
            Span(" ░", Tone.WARN),
        ),
        "CPU or not instrumented, IO, LWLock",
    ),
    _sign("▒", Tone.ALARM, "Lock: waits for a lock of another session"),
    _sign("P S N -", Tone.PLAIN, "IPC, Timeout (sleeps), client, other"),
    _sign("T", Tone.QUIET, "idle in transaction: no load"),
    _sign("╌", Tone.QUIET, "the CPUs of the server, where they are known"),
    _sign("·", Tone.QUIET, "a time without samples"),
)

CONNECTION_SIGNS: Signs = (
    _sign("FULL", Tone.ALARM_PLATE, "the limit of the role or the database is reached"),
    _sign("near", Tone.WARN, "at least 80 % of the limit"),
    Sign(
        (Span("██", Tone.QUIET), Span("··", Tone.QUIET)),
        "its part of max_connections",
    ),
    Sign(
        (Span("██", Tone.ALARM), Span("··", Tone.QUIET)),
        "a leak: many slots, nearly all of them idle",
    ),
    _sign("2 of 22", Tone.PLAIN, "under BUSY: in use at once, at most, of those held"),
)
