"""The words of a command line as one filter: each is one term or several whole ones.

Words that the shell has grouped stay together, so that a blank inside an argument belongs to its
value. An argument that the shell has emptied is an error, as a filter with one term less selects
more.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.table.language.canonical import canonical
from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import SESSION_VOCABULARY, key_called
from pgtop.table.language.parser import MAX_LENGTH, FilterParser, too_long
from pgtop.table.language.quoting import QUOTES, Saved, quoted, unquoted
from pgtop.table.language.signs import COMPARISON, SIGNS
from pgtop.table.language.states import state_called
from pgtop.table.language.tree import Term, terms_of
from pgtop.table.language.vocabulary import Key, Relation
from pgtop.table.language.words import is_keyword

_NEGATION = re.compile(r"(?:not\s+|[-!])?", re.IGNORECASE)
_NAME_WITH_BLANKS = re.compile(r"\w[\w.@/#-]*(?: \w[\w.@/#-]*)*")
_VALUE_BEFORE = re.compile(COMPARISON.pattern + r"[^\s\"']+\s+$")


def text_of(arguments: Sequence[str], saved: Saved) -> str:
    """Return the arguments as one text: joined, or in the canonical form if a value needs quotes.

    The position of a FilterError counts characters of the arguments joined by blanks.
    """
    text = " ".join(arguments)
    if len(text) > MAX_LENGTH:
        raise too_long()
    starts: list[int] = []
    edges: list[int] = []
    position = 0
    for argument in arguments:
        _check_nothing_vanished(argument, position)
        starts.append(position)
        edges.append(position + len(argument))
        position += len(argument) + 1
    grouped = dict(_groups(arguments, starts))
    parser = FilterParser(text, SESSION_VOCABULARY, grouped, tuple(edges), saved)
    tree = parser.tree()
    for term in terms_of(tree):
        _check_marked(term, arguments, starts)
    return canonical(tree) if grouped else text


def negated_term(argument: str) -> str:
    """Return the key and sign behind a minus, as in `-db:`, or ""."""
    match = COMPARISON.match(argument, 1) if argument.startswith("-") else None
    return match[0].strip() if match and key_called(match[1]) else ""


def _check_nothing_vanished(argument: str, start: int) -> None:
    """Raise FilterError if a variable of the shell may have been empty."""
    if not argument.strip():
        raise FilterError(
            "an argument is empty: remove it, or fill its variable", start
        )
    for position in _suspicious_blanks(argument):
        raise FilterError(
            "a word may be missing at this blank: one blank stands between words",
            start + position,
        )


def _suspicious_blanks(argument: str) -> Iterator[int]:
    """Yield the unquoted blanks at an edge of the argument or next to another blank."""
    position = 0
    while position < len(argument):
        quote = unquoted(argument, position) if argument[position] in QUOTES else None
        if quote is not None:
            position = quote[1]
            continue
        if argument[position].isspace():
            is_edge = position in (0, len(argument) - 1)
            if is_edge or argument[position + 1].isspace():
                yield position
        position += 1


class _LastValue(NamedTuple):
    """The value with which an argument ends."""

    key: Key | None
    relation: Relation
    start: int
    """The position in the argument."""


def _groups(
    arguments: Sequence[str], starts: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield start and end of the values with blanks but without quotes."""
    for index, (argument, start) in enumerate(zip(arguments, starts, strict=True)):
        key, relation, value_start = _last_value(arguments, index)
        value = argument[value_start:]
        if (
            key is None
            or not _is_grouped(key, relation, value)
            or _is_several_terms(argument)
        ):
            continue
        first_blank = start + value_start + value.index(" ")
        _check_negation_is_clear(argument[:value_start], key, relation, first_blank + 1)
        yield start + value_start, start + len(argument)


def _last_value(arguments: Sequence[str], index: int) -> _LastValue:
    argument = arguments[index]
    if index >= 2 and arguments[index - 1] in SIGNS:
        relation, _ = SIGNS[arguments[index - 1]]
        return _LastValue(key_called(arguments[index - 2]), relation, 0)
    negation = _NEGATION.match(argument)
    match = COMPARISON.match(argument, negation.end() if negation else 0)
    if match is None:
        return _LastValue(None, Relation.IS, 0)
    relation, _ = SIGNS[match[3]]
    return _LastValue(key_called(match[1]), relation, match.end())


def _is_grouped(key: Key, relation: Relation, value: str) -> bool:
    """Return whether `value` is one value with blanks."""
    if " " not in value or value[0] in QUOTES or not key.takes_words:
        return False
    is_pattern = relation is Relation.MATCHES
    if key.name == "state" and not is_pattern:
        return all(map(state_called, value.split(",")))
    if any(is_keyword(word) or COMPARISON.match(word) for word in value.split()):
        return False
    if is_pattern:
        return _is_pattern_with_blanks(value)
    return all(map(_NAME_WITH_BLANKS.fullmatch, value.split(",")))


def _is_pattern_with_blanks(value: str) -> bool:
    has_quotes = any(quote in value for quote in QUOTES)
    has_signs = any(word[0] in "-!(" for word in value.split())
    return not has_quotes and not has_signs


def _check_negation_is_clear(
    head: str, key: Key, relation: Relation, position: int
) -> None:
    """Raise FilterError if a word behind a negated value may be a term: as part of the value it
    selects more.

    `not db:shop idle` reads like two terms. As one it would also select the idle sessions of shop,
    and all others.
    """
    if key.name == "state" and relation is not Relation.MATCHES:
        return
    negation = _NEGATION.match(head)
    match = COMPARISON.search(head)
    has_negation = negation is not None and negation[0] != ""
    has_negated_sign = match is not None and SIGNS[match[3]][1]
    if has_negation or has_negated_sign:
        raise FilterError(
            f'a negated value with blanks goes in quotes, as in not {key.name}:"my app"',
            position,
        )


def _is_several_terms(argument: str) -> bool:
    """Return whether the argument is whole terms by itself, each with a key or quotes."""
    try:
        terms = terms_of(FilterParser(argument, SESSION_VOCABULARY).tree())
    except FilterError:
        return False
    return not any(term.is_unmarked for term in terms)


def _check_marked(term: Term, arguments: Sequence[str], starts: Sequence[int]) -> None:
    """Raise FilterError for a word that may belong to the value before it in the same argument."""
    if not (term.is_unmarked or term.is_bare_number):
        return
    index = bisect_right(starts, term.position) - 1
    match = _VALUE_BEFORE.search(arguments[index][: term.position - starts[index]])
    key = key_called(match[1]) if match else None
    if key is None or not key.takes_words or key.name == "state":
        return
    value = term.values[0]
    advice = f"text to search goes in quotes ({quoted(value)})"
    if term.is_bare_number:
        advice = f"a pid is pid:{value}"
    raise FilterError(
        f'{advice}; a value with blanks goes in quotes, as in app:"my app"',
        term.position,
    )
