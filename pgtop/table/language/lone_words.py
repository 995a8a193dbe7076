"""Text without a key: quoted text, words, numbers and patterns, and the errors of misread words."""

import re
from typing import NoReturn

from pgtop.table.language.errors import FilterError
from pgtop.table.language.lookalikes import check_unquoted
from pgtop.table.language.scanner import FilterScanner
from pgtop.table.language.signs import INSTEAD_OF, STRAY_SIGN, WILDCARDS
from pgtop.table.language.tree import Term
from pgtop.table.language.values import read_pattern
from pgtop.table.language.vocabulary import Key, Relation, Value, Vocabulary
from pgtop.table.language.words import advice_on, is_operator
from pgtop.table.matchers import Contains, compile_pattern
from pgtop.text.units import UNIT_WORD

_WORD = re.compile(r"[\w.@/#-]+")
_NAME = re.compile(r"[^\W\d][\w-]*")
_UNIT = re.compile(UNIT_WORD, re.IGNORECASE)
_REST_OF_TIME = re.compile(r"(?:[0-9]+(?:ms|[smhdw]))+", re.IGNORECASE)
_BEHIND_IDLE = re.compile(r"idle\s+$", re.IGNORECASE)


class LoneWordReader:
    """Reads terms that have no key."""

    def __init__(self, scanner: FilterScanner, vocabulary: Vocabulary) -> None:
        self._scanner = scanner
        self._vocabulary = vocabulary

    def read_quoted(self) -> Term:
        """Read quoted text."""
        scanner = self._scanner
        start = scanner.position
        text = scanner.take_quoted().text
        if not text:
            raise FilterError(
                'there is nothing in the quotes: write text, as in "invoice"', start
            )
        if STRAY_SIGN.match(scanner.text, scanner.position):
            scanner.fail(
                "a key goes without quotes, and text with such a sign wholly into them"
            )
        return self._contains(text, start, is_unmarked=False)

    def read_pattern(self) -> Term:
        """Read a pattern that may match in any column, from its sign on."""
        scanner = self._scanner
        start = scanner.position
        scanner.position += 2 if scanner.text.startswith("~*", start) else 1
        is_unmarked = not scanner.is_at_quote
        pattern = read_pattern(scanner, "~^select")
        criterion = self._vocabulary.any_column(compile_pattern(*pattern))
        relation = Relation.MATCHES
        return Term(
            None, relation, (pattern.text,), False, criterion, start, is_unmarked
        )

    def read_word(self, previous: Term | None) -> Term:
        """Read a word or a number. `previous` is the term before it, if any."""
        scanner = self._scanner
        start = scanner.position
        word = scanner.take_word(_WORD)
        if not scanner.is_at_term_end:
            self._fail_in_word(word)
        if is_operator(word):
            self._fail_at_keyword(word, start)
        if key := self._vocabulary.key_called(word):
            self._fail_at_key(word, key, start)
        if previous is not None:
            _check_no_unit(word, start, previous, scanner.text)
        number_key = self._vocabulary.number_key
        if number_key is not None and re.fullmatch(r"[0-9]{1,10}", word):
            return _bare_number(number_key, int(word), start)
        return self._contains(word, start, is_unmarked=True)

    def _contains(self, text: str, start: int, *, is_unmarked: bool) -> Term:
        criterion = self._vocabulary.any_column(Contains(text.lower()))
        return Term(
            None, Relation.CONTAINS, (text,), False, criterion, start, is_unmarked
        )

    def _fail_in_word(self, word: str) -> NoReturn:
        """Raise FilterError for the next character, which cannot be in a word without quotes."""
        scanner = self._scanner
        character = scanner.next
        check_unquoted(character, scanner.position)
        if sign := STRAY_SIGN.match(scanner.text, scanner.position):
            problem = "cannot stand in a word" if word else "needs a key before it"
            scanner.fail(
                f"`{sign[0]}` {problem}: "
                f"write it as in {self._vocabulary.examples}; as text it goes in quotes"
            )
        if character in WILDCARDS:
            scanner.fail(
                f"`{character}` is no wildcard here: "
                "a word matches anywhere; patterns are as in app~^web"
            )
        if character in INSTEAD_OF:
            scanner.fail(
                f"there is no `{character}`: {INSTEAD_OF[character]}; as text it goes in quotes"
            )
        scanner.fail(f"text with `{character}` in it goes in quotes")

    def _fail_at_keyword(self, word: str, start: int) -> NoReturn:
        if word.lower() == "in" and _BEHIND_IDLE.search(self._scanner.text, 0, start):
            raise FilterError(
                "write state:idle-in-tx (a state needs its key and is one word)", start
            )
        raise FilterError(advice_on(word), start)

    def _fail_at_key(self, word: str, key: Key, start: int) -> NoReturn:
        """Raise FilterError for a key that stands alone, or before an operator of SQL."""
        scanner = self._scanner
        scanner.skip_blanks()
        next_word = _NAME.match(scanner.text, scanner.position)
        if next_word and _is_foreign_operator(next_word[0]):
            scanner.fail(_advice_behind_key(key, next_word[0]))
        example = f"{key.example}, or state:idle" if key.name == "idle" else key.example
        raise FilterError(
            f"`{word}` is a key: write it as in {example}; as text it goes in quotes",
            start,
        )


def _bare_number(key: Key, number: int, start: int) -> Term:
    comparison = key.read(Relation.CONTAINS, [Value(str(number), start)])
    return Term(
        key,
        comparison.relation,
        comparison.values,
        False,
        comparison.criterion,
        start,
        is_bare_number=True,
    )


def _is_foreign_operator(word: str) -> bool:
    return is_operator(word) and word.lower() not in ("and", "or")


def _check_no_unit(word: str, start: int, previous: Term, text: str) -> None:
    """Raise FilterError for a unit, or the rest of a time, that stands apart from the term before
    it.
    """
    if previous.key is None or not previous.key.is_time:
        return
    number = previous.values[0]
    if not text[:start].rstrip().endswith(number):
        return
    unit = _UNIT.fullmatch(word)
    rest = ""
    if unit is not None and not number[-1].isalpha():
        rest = unit[unit.lastindex or 0].lower()
    elif _REST_OF_TIME.fullmatch(word):
        rest = word
    if rest:
        raise FilterError(f"a time stands without blanks: write {number}{rest}", start)


def _advice_behind_key(key: Key, word: str) -> str:
    """Return what to write instead of an operator of SQL behind a key."""
    name = key.name
    operator = word.lower()
    if name == "idle" and operator == "in":
        return "write state:idle-in-tx (a state needs its key and is one word)"
    if key.is_time and operator == "between":
        advice = f"write {name}>=1m {name}<=5m"
    elif not key.takes_words:
        advice = f"write it as in {key.example}"
    elif operator == "in":
        values = "active,waiting" if name == "state" else "web,api"
        advice = f"for one of several write {name}:{values}"
    elif operator == "is":
        advice = f"write not {name}~. for an empty value, and {name}~. for any other"
    elif operator == "not":
        advice = f"write not {name}:web"
    else:
        advice = f"write {name}:web (contains) or {name}~^web"
    return f"there is no `{word}`: {advice}"
