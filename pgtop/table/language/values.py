"""The values of a comparison: plain, quoted, in lists, and patterns."""

import re
from collections.abc import Mapping
from typing import NoReturn

from pgtop.table.language.errors import FilterError
from pgtop.table.language.lookalikes import check_unquoted
from pgtop.table.language.scanner import FilterScanner
from pgtop.table.language.signs import COMPARISON, INSTEAD_OF, STRAY_SIGN, WILDCARDS
from pgtop.table.language.vocabulary import Key, Relation, Value
from pgtop.table.language.words import advice_on, is_keyword

_AMBIGUOUS_IN_PATTERN = re.compile(r"^[~=<>!:]|['\"]")


def read_values(
    scanner: FilterScanner, key: Key, relation: Relation, grouped: Mapping[int, int]
) -> list[Value]:
    """Read the values behind a sign.

    `grouped` maps the start of a value to its end if an argument of the command line groups it.
    """
    end = grouped.get(scanner.position)
    if end is not None:
        return _read_grouped(scanner, relation, end)
    if relation is Relation.MATCHES:
        _check_not_next_term(scanner)
        return [read_pattern(scanner, key.example)]
    values = [_read_value(scanner, key, relation)]
    is_list = key.takes_lists and relation in (Relation.CONTAINS, Relation.IS)
    while is_list and scanner.next == ",":
        scanner.position += 1
        values.append(_read_value(scanner, key, relation))
    return values


def _read_grouped(scanner: FilterScanner, relation: Relation, end: int) -> list[Value]:
    """Read the values that an argument of the command line groups."""
    start = scanner.position
    scanner.position = end
    text = scanner.text[start:end]
    check_unquoted(text, start)
    if relation is Relation.MATCHES:
        return [Value(text, start)]
    return [
        Value(match[0], start + match.start()) for match in re.finditer(r"[^,]+", text)
    ]


def _read_value(scanner: FilterScanner, key: Key, relation: Relation) -> Value:
    start = scanner.position
    if scanner.is_at_quote:
        value = scanner.take_quoted()
        may_be_empty = relation is Relation.IS and key.takes_words
        if not value.text and not may_be_empty:
            raise _missing(key, start)
        return value
    text = scanner.take_word(re.compile(key.plain))
    if not scanner.is_at_term_end and scanner.next != ",":
        _fail_in_value(scanner, key)
    _check_plain(text, key, start)
    return Value(text, start)


def _check_plain(text: str, key: Key, start: int) -> None:
    """Raise FilterError for a value that is missing, a keyword, or looks like a negation."""
    if not text:
        raise _missing(key, start)
    if is_keyword(text):
        raise FilterError(advice_on(text), start)
    if text.startswith("-") and key.takes_words:
        raise FilterError(
            "a value that begins with - goes in quotes; not stands before the key",
            start,
        )


def _missing(key: Key, position: int) -> FilterError:
    advice = f"write it as in {key.example}"
    if Relation.IS in key.relations and takes_empty(key):
        advice += f'; the empty value is {key.name}=""'
    return FilterError(f"a value is missing: {advice}", position)


def takes_empty(key: Key) -> bool:
    """Return whether the empty value is one of the key's; no state and no address is empty."""
    try:
        key.read(Relation.IS, (Value("", 0),))
    except FilterError:
        return False
    return True


def _fail_in_value(scanner: FilterScanner, key: Key) -> NoReturn:
    """Raise FilterError for the next character, which cannot be in a value without quotes."""
    character = scanner.next
    check_unquoted(character, scanner.position)
    pattern = f"{key.name}~^web"
    if character in WILDCARDS and key.contains:
        scanner.fail(
            f"`{character}` is no wildcard here: "
            f"{key.name}:web already means contains, {pattern} begins"
        )
    if character in WILDCARDS and key.takes_words:
        scanner.fail(
            f"`{character}` is no wildcard here: "
            f"write it as in {key.example}; a pattern is {pattern}"
        )
    if sign := STRAY_SIGN.match(scanner.text, scanner.position):
        example = pattern if sign[0] == "~" and key.takes_words else key.example
        scanner.fail(
            f"`{sign[0]}` cannot stand in a value: "
            f"write it as in {example}, or put the value in quotes"
        )
    if character in INSTEAD_OF:
        scanner.fail(
            f"`{character}` cannot stand in a value: "
            f"{INSTEAD_OF[character]}; as text the value goes in quotes"
        )
    advice = f": write it as in {key.example}"
    if key.takes_words:
        advice = f"; a pattern is {pattern}"
    scanner.fail(f"a value with `{character}` in it goes in quotes{advice}")


def read_pattern(scanner: FilterScanner, example: str) -> Value:
    """Read a pattern: in quotes, or up to a blank or the parenthesis that closes a group around
    it.
    """
    start = scanner.position
    if scanner.is_at_quote:
        value = scanner.take_quoted()
    else:
        scanner.position = _end_of_pattern(scanner.text, start)
        value = Value(scanner.text[start : scanner.position], start)
        _check_unambiguous(value)
    if not value.text:
        raise FilterError(f"a pattern is missing: write it as in {example}", start)
    return value


def _check_not_next_term(scanner: FilterScanner) -> None:
    """Raise FilterError for a pattern that stands apart from its sign and looks like the next
    term.
    """
    is_apart = scanner.text[scanner.position - 1].isspace()
    if not is_apart:
        return
    word = scanner.text[scanner.position :].split(maxsplit=1)[0]
    if word[0] in "-!()" or is_keyword(word) or COMPARISON.match(word):
        scanner.fail("a pattern is missing, or looks like a term: put it in quotes")


def _check_unambiguous(value: Value) -> None:
    """Raise FilterError for an unquoted pattern with signs that may belong to the language, or to
    SQL's `~~`.
    """
    check_unquoted(value.text, value.position)
    if sign := _AMBIGUOUS_IN_PATTERN.search(value.text):
        raise FilterError(
            f"a pattern with `{sign[0]}` there goes in quotes",
            value.position + sign.start(),
        )


def _end_of_pattern(text: str, position: int) -> int:
    """Return the end of an unquoted pattern: a blank, or a parenthesis that the pattern has not
    opened itself.
    """
    depth = 0
    while position < len(text) and not text[position].isspace():
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        if depth < 0:
            break
        position += 1
    return min(position, len(text))
