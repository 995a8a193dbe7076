"""The sentence on the notice line, and how long it stays."""

from pgtop.ports import Clock
from pgtop.text.tone import Span, Tone

NOTICE_SECONDS = 15.0


class Notices:
    """The newest notice; the report of a signal keeps its time, with later sentences behind it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = 0.0
        self._report: Span | None = None
        self._report_until = 0.0

    @property
    def is_over(self) -> bool:
        """True if the newest notice has been shown for its time."""
        return self._clock.now() > self._until

    def notice(self, words: str, tone: Tone) -> Span:
        """Return a sentence as it is to be shown: behind the report, if there is one."""
        report = self.without_notice()
        if report is None:
            return Span(words, tone)
        return Span(f"{report.text} · {words}", report.tone)

    def report(self, words: str, tone: Tone) -> Span:
        """Return the report of a signal as it is to be shown, and keep it for its time."""
        self._report = Span(words, tone)
        self._until = self._report_until = self._end()
        return self._report

    def without_notice(self) -> Span | None:
        """Return the report alone, if it still has its time."""
        self._until = self._end()
        return self._report if self._clock.now() <= self._report_until else None

    def _end(self) -> float:
        return self._clock.now() + NOTICE_SECONDS
