"""Ranges of rows to tag, and words for what is tagged."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from pgtop.model.backend import Backend
from pgtop.table.session_state import state_word
from pgtop.text.clean import clean

_Identity = TypeVar("_Identity", bound=Hashable)


def between(
    rows: Sequence[_Identity], one: _Identity | None, other: _Identity
) -> Sequence[_Identity]:
    """Return the rows from one to the other, both included, whichever comes first; none if one of
    the two is not there.
    """
    if one is None or one not in rows or other not in rows:
        return ()
    first, last = sorted([rows.index(one), rows.index(other)])
    return rows[first : last + 1]


def tagged_words(backends: Iterable[Backend]) -> str:
    """Return how many sessions are tagged, and how many of them are in each state. Cleaned."""
    states = Counter([clean(state_word(backend)) for backend in backends])
    parts = [f"{count} {state}" for state, count in states.most_common()]
    if len(parts) == 1:
        parts = list(states)
    return f"{states.total()} tagged, {', '.join(parts)}"
