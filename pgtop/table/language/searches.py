"""The texts that a parsed filter looks for. Loaded with the first filter."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from pgtop.table.filter import Filter
from pgtop.table.highlight import Find, Search
from pgtop.table.language.column_keys import CellCriterion
from pgtop.table.language.tree import Term
from pgtop.table.matchers import Contains, Matcher, Pattern, StartsWith
from pgtop.table.predicates import (
    AnyColumnCriterion,
    ContextTextCriterion,
    Criterion,
    QueryCriterion,
    TextCriterion,
)

_COLUMNS = {
    "user": ("user", "who"),
    "db": ("database", "who"),
    "app": ("application",),
}
"""The columns that show what a key compares, by the name of the key."""
_MATCH_SECONDS = 0.01
_MOST_MATCHES = 20
"""Matches marked in one cell: `e` in a long query is no help."""


def searches(chosen: Filter) -> tuple[Search, ...]:
    """Return the texts that the rows shown contain: those of terms that are not negated."""
    result: list[Search] = []
    for term in chosen.wanted_terms:
        columns = _columns_of(term)
        finds = _finds(_matchers_of(term.criterion))
        of_term = chain(finds, _address_finds(term))
        result += [Search(columns, find) for find in of_term]
    return tuple(result)


def _columns_of(term: Term) -> frozenset[str]:
    """Return the columns of a term; none, which stands for all, for a text in any column."""
    if term.key is None:
        return frozenset()
    own = (term.key_name.replace("-", "_"),)
    return frozenset(_COLUMNS.get(term.key_name, own))


def _matchers_of(criterion: Criterion) -> Sequence[Matcher]:
    match criterion:
        case (
            TextCriterion(_, matchers)
            | ContextTextCriterion(_, matchers)
            | CellCriterion(_, matchers)
            | QueryCriterion(matchers)
        ):
            return matchers
        case AnyColumnCriterion(matcher):
            return (matcher,)
    return ()


def _address_finds(term: Term) -> Iterator[Find]:
    """Yield what finds the addresses of a term; a network is not written in any row."""
    if term.key_name == "client":
        yield from map(_finder, term.values)


def _finds(matchers: Iterable[Matcher]) -> Iterator[Find]:
    """Yield what finds parts of a text. A text that must be equal is the whole cell, in every row:
    a mark would only shout.
    """
    for matcher in matchers:
        match matcher:
            case Contains(value) | StartsWith(value):
                yield _finder(value)
            case Pattern():
                yield _pattern_finder(matcher)


def _finder(value: str) -> Find:
    def find(text: str) -> Iterator[tuple[int, int]]:
        lower = text.lower()
        if not value or len(lower) != len(text):
            return
        place = lower.find(value)
        for _ in range(_MOST_MATCHES):
            if place < 0:
                return
            yield place, place + len(value)
            place = lower.find(value, place + len(value))

    return find


def _pattern_finder(pattern: Pattern) -> Find:
    def find(text: str) -> Iterator[tuple[int, int]]:
        matches = pattern.compiled.finditer(text, timeout=_MATCH_SECONDS)
        try:
            for _, match in zip(range(_MOST_MATCHES), matches, strict=False):
                yield match.start(), match.end()
        except TimeoutError:
            return  # a pattern too slow to mark has selected the rows nevertheless

    return find
