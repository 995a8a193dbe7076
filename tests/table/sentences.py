"""An independent reader of filters: it takes the printed sentence literally and decides about
sessions itself.

The reader shares no code with the language, so that a sentence with another meaning than its filter
is detected.
"""

import re

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from tests.table.sentence_phrases import PHRASES, Decision, negation


def read(sentence: str) -> Decision:
    """Return the decision that a sentence describes; AssertionError if it is not one."""
    reader = _Reader(sentence)
    decision = reader.sentence()
    assert reader.rest == "", reader.rest
    return decision


class _Reader:
    """Reads phrases, parentheses, commas and `or`."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def sentence(self) -> Decision:
        first = self.item()
        for sign in (", ", " and "):
            if self.rest.startswith(sign):
                return _every([first, *self.others(sign)])
        return _some([first, *self.others(" or ")])

    def others(self, sign: str) -> list[Decision]:
        items = []
        while self.take(sign):
            self.take("and ")
            items.append(self.item())
        return items

    def take(self, sign: str) -> bool:
        if not self.rest.startswith(sign):
            return False
        self.rest = self.rest[len(sign) :]
        return True

    def item(self) -> Decision:
        negated = self.take("not (")
        if not negated and not self.take("("):
            return self.phrase()
        inner = self.sentence()
        assert self.take(")"), self.rest
        return negation(inner) if negated else inner

    def phrase(self) -> Decision:
        for pattern, reader in PHRASES:
            match = re.match(rf"(?:{pattern})(?=$|, |\)| or | and )", self.rest)
            if match:
                self.rest = self.rest[match.end() :]
                return reader(*match.groups())
        raise AssertionError(f"unknown phrase: {self.rest}")


def _every(decisions: list[Decision]) -> Decision:
    def decide(backend: Backend, derived: DerivedSnapshot) -> bool | None:
        answers = [decision(backend, derived) for decision in decisions]
        return False if False in answers else None if None in answers else True

    return decide


def _some(decisions: list[Decision]) -> Decision:
    return negation(_every([negation(decision) for decision in decisions]))
