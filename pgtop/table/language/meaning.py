"""What a text of the language means: its tree, and what can be asked of it. Loaded with the first
filter.
"""

from functools import cached_property

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table.language import sentence
from pgtop.table.language.errors import FilterError
from pgtop.table.language.evaluation import fails, holds
from pgtop.table.language.keys import KEYS
from pgtop.table.language.parser import FilterParser
from pgtop.table.language.quoting import quoted
from pgtop.table.language.tree import Node, Term, terms_of
from pgtop.table.predicates import Decision, Look, Test, patterns_of


class Meaning:
    """A filter that asks something. Raises FilterError for a text that cannot be read."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree

    @classmethod
    def of(cls, text: str) -> "Meaning":
        """Read a text."""
        return cls(FilterParser(text).tree())

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every term, from left to right."""
        return tuple(terms_of(self._tree))

    @cached_property
    def canonical(self) -> str:
        """The text of the language that is read back as this."""
        return sentence.canonical(self._tree)

    @cached_property
    def understood(self) -> str:
        """Plain words that go on from "sessions"."""
        return sentence.understood(self._tree)

    def on(self, picture: DerivedSnapshot) -> Test:
        """Prepare the test that is true where it surely holds."""
        return holds(self._tree, Look.at(picture))

    def decide(self, picture: DerivedSnapshot) -> Decision:
        """Prepare the test that is None where it neither surely holds nor surely fails."""
        look = Look.at(picture)
        surely, surely_not = holds(self._tree, look), fails(self._tree, look)

        def decide(backend: Backend) -> bool | None:
            return True if surely(backend) else False if surely_not(backend) else None

        return decide

    def check_for_signals(self) -> None:
        """Raise FilterError for a term that may be a slip."""
        for term in self.terms:
            _check_term(term)
            _check_patterns(term)

    def check_for_protection(self) -> None:
        """Raise FilterError for a pattern that may have lost what it was made of: negated, it would
        protect none.
        """
        for term in self.terms:
            _check_patterns(term)


def _check_term(term: Term) -> None:
    key, text = term.key, quoted(term.values[0])
    if term.is_loose:
        advice = f"write {text} in quotes to search every column, a key as in db:shop, or -d before a database"
        raise FilterError(f"a word alone may be anything: {advice}", term.position)
    if "" in term.values:
        raise FilterError(
            f"a value is empty: if you mean so, write not {key}~. (or {key}~. for any)",
            term.position,
        )
    if key and KEYS[key].is_time and term.values[0].isdigit() and int(term.values[0]) > 0:
        advice = f"write {term.values[0]}s, or {term.values[0]}m if you mean minutes"
        raise FilterError(
            f"a time has a unit where it decides about a signal: {advice}", term.position
        )


def _check_patterns(term: Term) -> None:
    """Raise FilterError for a pattern that matches everything, or nearly."""
    advice = "write one that needs a character"
    for pattern in patterns_of(term.criterion):
        if pattern.matches_empty:
            raise FilterError(
                f"the pattern matches the empty text, and so everything: {advice}", term.position
            )
        if pattern.needs_no_character:
            raise FilterError(
                f"the pattern matches between characters, so nearly everything: {advice}",
                term.position,
            )
        if pattern.matches_any_text and term.values[0] != ".":
            advice = f"write {term.key}~. if you mean so"
            raise FilterError(
                f"the pattern matches any text that is not empty: {advice}", term.position
            )
