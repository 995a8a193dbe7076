"""The bar: all slots of max_connections, each part as wide as its share, with its letter and number
in it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.analysis.budget import Budget, Level
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.latest import keeps_latest
from pgtop.view.slot_words import (
    FREE,
    LETTERS,
    RESERVED,
    UNSEEN,
    about,
    free_words,
    misses_logins,
    your_words,
)

_PLATES = {
    "active": Tone.CALM_PLATE,
    "waiting": Tone.ALARM_PLATE,
    "idle in transaction": Tone.WARN_PLATE,
    "idle": Tone.QUIET_PLATE,
    "other": Tone.NOTICE_PLATE,
}
_SHADE = "░"
"""Fills the parts that do nothing, which are most of the bar."""
_FORMS = 3
"""Lengths of the words in the bar, the longest first."""


class _Part(NamedTuple):
    """One part of the bar."""

    slots: int
    word: str
    fill: str
    tone: Tone
    is_right: bool = False
    """True if the word stands at the right end of the part."""

    def text(self, size: int) -> str:
        """Return the part as so many cells."""
        filling = self.fill * max(0, size - cells(self.word))
        return filling + self.word if self.is_right else self.word + filling


@keeps_latest
def bar_line(
    budget: Budget, width: int, has_letters: bool, shows_yours: bool = False
) -> Line:
    """Return the bar with the longest words that fit; used, then free, then reserved.

    `has_letters`: letters fill the parts, for screens without colour. `shows_yours`: add what the
    role that logged in can still open, if that differs from what is free.
    """
    for form in range(_FORMS):
        parts = list(
            _parts(
                budget,
                form,
                has_letters,
                shows_yours,
            )
        )
        if sum([cells(part.word) for part in parts]) <= width:
            return _drawn(parts, width)
    return _drawn(_most_important(parts, width), width)


def _parts(
    budget: Budget, form: int, has_letters: bool, shows_yours: bool
) -> Iterator[_Part]:
    """Yield the parts in their order; those of no slots are left out, except the free ones."""
    for state, (letter, _) in LETTERS.items():
        if count := budget.states.get(state, 0):
            shade = _SHADE if state == "idle" else " "
            fill = letter if has_letters else shade
            yield _Part(
                count,
                f"{letter}{count}",
                fill,
                _PLATES[state],
            )
    if budget.hidden:
        hidden = " hidden" if form == 0 else ""
        fill = UNSEEN if has_letters else _SHADE
        yield _Part(
            budget.hidden, f"{UNSEEN}{budget.hidden}{hidden}", fill, Tone.QUIET_PLATE
        )
    yield _free_part(budget, form, shows_yours)
    if budget.max_connections > budget.ordinary:
        fill = RESERVED if has_letters else " "
        yield _Part(
            budget.reserved_left, _reserved_word(budget), fill, Tone.NOTICE_PLATE
        )


def _free_part(budget: Budget, form: int, shows_yours: bool) -> _Part:
    words = _free_forms(budget)[form]
    yours, _, yours_short = your_words(budget)
    if shows_yours and budget.openable != budget.free and form < _FORMS - 1:
        words = f"{words}, {yours if form == 0 else yours_short}"
    tone = Tone.ALARM if budget.level is Level.ALARM else Tone.QUIET
    word = f" {words} "
    return _Part(
        budget.free,
        word,
        FREE,
        tone,
        is_right=True,
    )


def _free_forms(budget: Budget) -> Sequence[str]:
    free = budget.free
    if free and misses_logins(budget):
        return free_words(budget), f"up to {free} free", f"up to {free}"
    if about(budget):
        return free_words(budget), f"~{free} free", f"~{free}"
    return free_words(budget), f"{free} free", f"{free}"


def _reserved_word(budget: Budget) -> str:
    """Return how many reserved slots are left; of how many, if some are taken."""
    total = budget.max_connections - budget.ordinary
    left = budget.reserved_left
    return f"{RESERVED}{left}" if left == total else f"{RESERVED}{left}/{total}"


def _most_important(parts: Sequence[_Part], width: int) -> list[_Part]:
    """Return as many parts as have room for their words: what is free first, the calm ones last."""
    calm = (Tone.NOTICE_PLATE, Tone.CALM_PLATE)
    ranked = sorted(parts, key=lambda part: (not part.is_right, part.tone in calm))
    room = width
    kept: list[_Part] = []
    for part in ranked:
        size = cells(part.word)
        if size <= room:
            kept.append(part)
            room -= size
    return [part for part in parts if part in kept]


def _drawn(parts: Sequence[_Part], width: int) -> Line:
    sizes = _sizes(parts, width)
    texts = [part.text(size) for part, size in zip(parts, sizes, strict=True)]
    return tuple(
        [Span(text, part.tone) for part, text in zip(parts, texts, strict=True)]
    )


def _sizes(parts: Sequence[_Part], width: int) -> list[int]:
    """Return the cells of each part, `width` in all: its share, and at least its word."""
    if not parts:
        return []
    words = [cells(part.word) for part in parts]
    total = sum([part.slots for part in parts]) or 1
    exact = [part.slots * width / total for part in parts]
    sizes = [max(word, int(share)) for word, share in zip(words, exact, strict=True)]
    while sum(sizes) > width:
        sizes[_widest(sizes, exact, words)] -= 1
    while sum(sizes) < width:
        sizes[_neediest(sizes, exact)] += 1
    return sizes


def _widest(sizes: Sequence[int], exact: Sequence[float], words: Sequence[int]) -> int:
    """Return the part that exceeds its share most, of those wider than their word."""
    wide = [i for i, size in enumerate(sizes) if size > words[i]]
    return max(wide, key=lambda i: sizes[i] - exact[i])


def _neediest(sizes: Sequence[int], exact: Sequence[float]) -> int:
    """Return the part that lacks most of its share."""
    return max(range(len(sizes)), key=lambda i: exact[i] - sizes[i])
