"""The filter while it is typed: a line of text that completes itself and remembers earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pgtop.table.language.errors import Fix
from pgtop.tui.line_editor import LineEditor

if TYPE_CHECKING:
    from pgtop.table.language.completion import Completion


class _Cycle(NamedTuple):
    """The candidates that Tab cycles through, and the one that stands in the text now."""

    completion: Completion
    place: int
    text: str
    """The text with this candidate; any other text ends the cycle."""


class FilterEditor(LineEditor):
    """A line of text with the keys that belong to a filter alone."""

    def __init__(
        self,
        complete: Callable[[str], Completion],
        fix: Callable[[], Fix | None],
        earlier: Callable[[], Sequence[str]],
    ) -> None:
        """Create an empty line.

        `complete` returns what may stand at the end of a text, `fix` the nearest right spelling of
        what is wrong now, and `earlier` the filters of before, the newest first.
        """
        super().__init__()
        self._complete = complete
        self._fix = fix
        self._earlier = earlier
        self._last_cycle: _Cycle | None = None
        self._draft = ""
        self._place = 0
        """The earlier filter in the line, counted from 1, the newest first; 0 for the draft."""
        self._recalled = ""

    # Completion.

    def action_complete(self) -> None:
        """Replace what is misspelt, or else write the next candidate."""
        fix = self._fix()
        if fix is None:
            self._write_candidate(1)
        else:
            self.replace(fix.start, fix.end, fix.text)
            self.action_end()

    def action_complete_back(self) -> None:
        """Write the previous candidate."""
        self._write_candidate(-1)

    def candidates(self) -> tuple[str, ...]:
        """Return the words that the next keys would write, in their order."""
        cycle = self._cycle
        if cycle is None:
            return self._complete(self.before_cursor).candidates
        words = cycle.completion.candidates
        return (*words[cycle.place + 1 :], *words[: cycle.place])

    @property
    def _cycle(self) -> _Cycle | None:
        """The cycle, unless the text has changed since."""
        last = self._last_cycle
        if last is None or last.text != self.value:
            return None
        return last if len(last.completion.candidates) > 1 else None

    def _write_candidate(self, step: int) -> None:
        cycle = self._cycle
        if cycle is None:
            completion = self._complete(self.before_cursor)
            index = 0 if step > 0 else len(completion.candidates) - 1
            end = completion.end
        else:
            completion = cycle.completion
            index = (cycle.place + step) % len(completion.candidates)
            end = completion.start + len(completion.candidates[cycle.place])
        if completion.candidates:
            word = completion.candidates[index]
            self.replace(completion.start, end, word)
            self._last_cycle = _Cycle(completion, index, self.value)

    # Earlier filters.

    def action_earlier(self) -> None:
        """Bring back the previous filter."""
        self._recall(1)

    def action_later(self) -> None:
        """Bring back the next filter, and finally what was being typed."""
        self._recall(-1)

    def _recall(self, step: int) -> None:
        earlier = [text for text in self._earlier() if text != self._draft_now]
        if self.value != self._recalled:
            self._draft = self.value
            self._place = 0
        place = min(max(0, self._place + step), len(earlier))
        self._place = place
        self.value = self._recalled = earlier[place - 1] if place else self._draft

    @property
    def _draft_now(self) -> str:
        return self._draft if self.value == self._recalled else self.value
