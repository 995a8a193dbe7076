"""The parser: from text to tree. An unreadable text raises FilterError at the ambiguous character,
with the remedy.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from pgtop.table.language.contradictions import check_no_contradiction
from pgtop.table.language.errors import FilterError, Fix
from pgtop.table.language.lone_words import LoneWordReader
from pgtop.table.language.quoting import Saved
from pgtop.table.language.saved import take_saved
from pgtop.table.language.scanner import FilterScanner
from pgtop.table.language.signs import COMPARISON, SIGNS
from pgtop.table.language.tree import And, Node, Not, Term, join_and, join_or
from pgtop.table.language.values import read_values, takes_empty
from pgtop.table.language.vocabulary import Key, Relation, Vocabulary

MAX_LENGTH = 2000
"""Characters of a filter: far more than people write, and read within milliseconds."""
_MAX_DEPTH = 20
_MAX_WORDS = 64
"""Texts and patterns of a filter, which are compared with thousands of sessions at every key."""

_CONNECTIVE = re.compile(r"(and|or)(?=[\s()]|$)", re.IGNORECASE)
_NOT = re.compile(r"not(?=[\s(]|$)\s*", re.IGNORECASE)
_SIGN_BEHIND_NOT = re.compile(r"[:=<>]")


class FilterParser:
    """Reads a text from left to right, by recursive descent.

    `grouped` maps the start of each value that an argument of the command line groups to its end;
    `edges` are the ends of arguments, which no quoted text crosses. `place` is where a saved filter
    is named: errors about its terms are about that place.
    """

    def __init__(
        self,
        text: str,
        vocabulary: Vocabulary,
        grouped: Mapping[int, int] | None = None,
        edges: tuple[int, ...] = (),
        saved: Saved = None,
        place: int | None = None,
    ) -> None:
        self._scanner = FilterScanner(text, edges)
        self._vocabulary = vocabulary
        self._lone_words = LoneWordReader(self._scanner, vocabulary)
        self._grouped = grouped or {}
        self._saved = saved
        self._place = place
        self._depth = 0
        self._word_count = 0
        self._previous: Term | None = None

    def tree(self) -> Node:
        """Parse the whole text."""
        scanner = self._scanner
        if len(scanner.text) > MAX_LENGTH:
            raise too_long()
        scanner.skip_blanks()
        if scanner.is_at_end:
            return And()
        node = self._disjunction()
        if not scanner.is_at_end:
            scanner.fail("`)` closes nothing: remove it, or put text in quotes")
        return node

    def _disjunction(self) -> Node:
        nodes = [self._conjunction()]
        while self._take_connective("or"):
            nodes.append(self._conjunction())
        return join_or(nodes)

    def _conjunction(self) -> Node:
        nodes = [self._term()]
        while self._take_connective("and") or not self._is_at_conjunction_end():
            nodes.append(self._term())
        node = join_and(nodes)
        check_no_contradiction(node)
        return node

    def _is_at_conjunction_end(self) -> bool:
        return (
            self._scanner.is_at_end
            or self._scanner.next == ")"
            or self._is_at_connective("or")
        )

    def _take_connective(self, word: str) -> bool:
        self._scanner.skip_blanks()
        if not self._is_at_connective(word):
            return False
        self._scanner.position += len(word)
        return True

    def _is_at_connective(self, word: str) -> bool:
        match = _CONNECTIVE.match(self._scanner.text, self._scanner.position)
        return match is not None and match[1].lower() == word

    def _term(self) -> Node:
        scanner = self._scanner
        scanner.skip_blanks()
        is_missing = scanner.is_at_end or scanner.next == ")"
        if is_missing or _CONNECTIVE.match(scanner.text, scanner.position):
            scanner.fail(f"a term is missing here, as in {self._vocabulary.example}")
        is_negated = self._take_negation()
        node = self._operand()
        if not scanner.is_at_term_end:
            scanner.fail(
                "a space is missing here; text with signs in it goes into quotes wholly"
            )
        return _negated(node) if is_negated else node

    def _take_negation(self) -> bool:
        scanner = self._scanner
        start = scanner.position
        word = _NOT.match(scanner.text, start)
        if word is not None:
            scanner.position = word.end()
        elif self._is_at_negation_sign():
            scanner.position += 1
        else:
            return False
        sign = scanner.text[start : scanner.position].strip()
        if scanner.is_at_end or (sign in "-!" and scanner.next.isspace()):
            blank = " " if word else ""
            example = f"{sign}{blank}{self._vocabulary.example}"
            scanner.fail(f"a term is missing behind `{sign}`, as in {example}")
        if scanner.next in "-!" or _NOT.match(scanner.text, scanner.position):
            scanner.fail(f"one `{sign}` is enough: put text that begins so in quotes")
        return True

    def _is_at_negation_sign(self) -> bool:
        scanner = self._scanner
        if scanner.next == "!":
            return not _SIGN_BEHIND_NOT.match(scanner.text, scanner.position + 1)
        return scanner.next == "-"

    def _group(self) -> Node:
        scanner = self._scanner
        start = scanner.position
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            scanner.fail(f"parentheses may stand {_MAX_DEPTH} deep: make it simpler")
        scanner.position += 1
        node = self._disjunction()
        if scanner.is_at_end:
            scanner.position = start
            scanner.fail(
                "unclosed parenthesis: add ) at the end, or put text in quotes"
            )
        scanner.position += 1
        self._depth -= 1
        return node

    def _operand(self) -> Node:
        scanner = self._scanner
        if scanner.next == "(":
            return self._group()
        if scanner.next == "@":
            return self._saved_filter()
        return self._single_term()

    def _saved_filter(self) -> Node:
        """Read the filter behind an @, whose terms count as if they were written here."""
        start = self._scanner.position
        name, text = take_saved(self._scanner, self._saved)
        parser = FilterParser(text, self._vocabulary, place=start)
        try:
            node = parser.tree()
        except FilterError as error:
            raise FilterError(
                f"the saved filter @{name} is wrong: {error}", start
            ) from None
        self._word_count += parser._word_count
        self._check_word_count(start)
        return node

    def _check_word_count(self, position: int) -> None:
        if self._word_count > _MAX_WORDS:
            raise FilterError(
                f"a filter may have {_MAX_WORDS} words: make it simpler", position
            )

    def _single_term(self) -> Term:
        term = self._previous = self._read_term()
        if term.key is None or term.key.takes_words:
            self._word_count += len(term.values)
        self._check_word_count(term.position)
        return term if self._place is None else replace(term, position=self._place)

    def _read_term(self) -> Term:
        scanner = self._scanner
        if scanner.is_at_quote:
            return self._lone_words.read_quoted()
        if scanner.next == "~":
            return self._lone_words.read_pattern()
        match = COMPARISON.match(scanner.text, scanner.position)
        if match is None:
            return self._lone_words.read_word(self._previous)
        return self._comparison(match)

    def _comparison(self, match: re.Match[str]) -> Term:
        scanner = self._scanner
        start = scanner.position
        name = match[1]
        sign = match[3]
        key = self._vocabulary.key_called(name)
        if key is None:
            raise self._unknown_key(name, sign, start)
        relation, is_negated = SIGNS[sign]
        if relation not in key.relations:
            raise FilterError(
                f"`{name}` does not go with `{sign}`: write it as in {key.example}",
                match.start(3),
            )
        _check_value_follows(match, key, relation)
        scanner.position = match.end()
        values = read_values(scanner, key, relation, self._grouped)
        comparison = key.read(relation, values)
        return Term(
            key,
            comparison.relation,
            comparison.values,
            is_negated,
            comparison.criterion,
            start,
        )

    def _unknown_key(self, name: str, sign: str, position: int) -> FilterError:
        problem = f'unknown key "{name}"'
        hint = f"use one of {', '.join(self._vocabulary.keys)}."
        fix = None
        if nearest := self._vocabulary.nearest(name):
            hint = f'did you mean "{nearest}"?'
            fix = Fix(problem, position, position + len(name), nearest)
        return FilterError(
            f'{problem}: {hint} Text with "{sign}" in it goes in quotes', position, fix
        )


def too_long() -> FilterError:
    """Return the error for a text of more than MAX_LENGTH characters."""
    return FilterError(
        f"a filter may have {MAX_LENGTH} characters: make it shorter", MAX_LENGTH
    )


def _check_value_follows(match: re.Match[str], key: Key, relation: Relation) -> None:
    """Raise FilterError if blanks or nothing stand in place of a value."""
    blanks_before = match[2]
    blanks_after = match[4]
    is_lopsided = blanks_after and not blanks_before
    if is_lopsided or len(blanks_after) > 1 or match.end() == len(match.string):
        advice = f"write it without blanks, as in {key.example}"
        if relation is Relation.IS and takes_empty(key):
            advice += f"; not {key.name}~. finds an empty one"
        raise FilterError(f"a value is missing: {advice}", match.end(3))


def _negated(node: Node) -> Node:
    """Negate a node; a negated term is a term, and two negations cancel each other."""
    if isinstance(node, Not):
        return node.node
    if not isinstance(node, Term):
        return Not(node)
    return replace(node, is_negated=not node.is_negated)
