"""A parsed filter: its tree, and everything that follows from it. Loaded with the first filter."""

from functools import cached_property
from typing import Any

from pgtop.table.language.canonical import canonical
from pgtop.table.language.errors import FilterError
from pgtop.table.language.evaluation import fails, holds
from pgtop.table.language.parser import FilterParser
from pgtop.table.language.quoting import Saved, quoted
from pgtop.table.language.sentence import sentence
from pgtop.table.language.tree import Node, Term, terms_of, wanted_terms_of
from pgtop.table.language.vocabulary import Vocabulary
from pgtop.table.matchers import Pattern, Scan
from pgtop.table.predicates import Decision, Test, patterns_of


class ParsedFilter:
    """A filter that is not empty."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree

    @classmethod
    def parse(cls, text: str, vocabulary: Vocabulary, saved: Saved) -> "ParsedFilter":
        """Parse a text, in which `saved` has the filters behind an @. Raises FilterError."""
        return cls(FilterParser(text, vocabulary, saved=saved).tree())

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every term, from left to right."""
        return tuple(terms_of(self._tree))

    @cached_property
    def wanted_terms(self) -> tuple[Term, ...]:
        """The terms that are not negated: a row that is shown may contain their texts."""
        return tuple(wanted_terms_of(self._tree))

    @cached_property
    def canonical(self) -> str:
        """The text of the language that is read back as the same filter."""
        return canonical(self._tree)

    @cached_property
    def understood(self) -> str:
        """Plain words that continue "sessions"."""
        return sentence(self._tree)

    def on(self, context: Any) -> Test:
        """Prepare the test that is true if the filter surely holds."""
        return holds(self._tree, Scan.starting_now(context))

    def decide(self, context: Any) -> Decision:
        """Prepare the test that is None if the filter neither surely holds nor surely fails."""
        scan = Scan.starting_now(context)
        surely_holds = holds(self._tree, scan)
        surely_fails = fails(self._tree, scan)

        def decide(row: Any) -> bool | None:
            if surely_holds(row):
                return True
            return False if surely_fails(row) else None

        return decide

    def check_for_signals(self) -> None:
        """Raise FilterError for a term that may be a slip."""
        for term in self.terms:
            _check_term(term)
            _check_patterns(term)

    def check_for_protection(self) -> None:
        """Raise FilterError for a pattern that may have lost a variable: negated, it would protect
        nothing.
        """
        for term in self.terms:
            _check_patterns(term)


def _check_term(term: Term) -> None:
    key = term.key_name
    value = term.values[0]
    if term.is_unmarked:
        advice = (
            f"write {quoted(value)} in quotes to search every column, "
            "a key as in db:shop, or -d before a database"
        )
        raise FilterError(f"a word alone may be anything: {advice}", term.position)
    if "" in term.values:
        raise FilterError(
            f"a value is empty: if that is intended, write not {key}~. (or {key}~. for any)",
            term.position,
        )
    is_time = term.key is not None and term.key.is_time
    if is_time and value.isdigit() and int(value) > 0:
        advice = f"write {value}s, or {value}m for minutes"
        raise FilterError(
            f"a time needs a unit where it decides about a signal: {advice}",
            term.position,
        )


def _check_patterns(term: Term) -> None:
    """Raise FilterError for a pattern that matches everything, or nearly."""
    for pattern in patterns_of(term.criterion):
        problem = _problem_of(pattern, term)
        if problem:
            raise FilterError(problem, term.position)


def _problem_of(pattern: Pattern, term: Term) -> str:
    advice = "write one that needs a character"
    if pattern.matches_empty:
        return f"the pattern matches the empty text, and so everything: {advice}"
    if pattern.needs_no_character:
        return f"the pattern matches between characters, so nearly everything: {advice}"
    if pattern.matches_any_text and term.values[0] != ".":
        advice = f"write {term.key_name}~. if that is intended"
        return f"the pattern matches any text that is not empty: {advice}"
    return ""
