"""Completion of a filter that is being typed: keys, then values, then the units of times.

A completed value stands for exactly what it says: it is quoted where the language needs that, and
one that the language would refuse is not offered.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pgtop.table.language.errors import FilterError
from pgtop.table.language.parser import FilterParser
from pgtop.table.language.quoting import QUOTES, quoted, unquoted
from pgtop.table.language.signs import COMPARISON, SIGNS
from pgtop.table.language.vocabulary import Key, Relation, Vocabulary
from pgtop.table.language.words import is_plain_text
from pgtop.table.matchers import Matcher
from pgtop.table.predicates import Criterion

ValuesOf: TypeAlias = Callable[[str], Iterable[str]]
"""Returns the values on screen of the key with this name, the most frequent first."""

MOST = 40
"""Candidates, which Tab cycles through."""
_LONGEST = 200
"""Characters of a value that is offered."""
_UNITS = (
    "m",
    "h",
    "s",
    "d",
    "ms",
)
_TIMES = (
    "10s",
    "1m",
    "10m",
    "1h",
    "1d",
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_OPENING = re.compile(r"(?:\(|-|!(?![:=~<>]))*")
_SIGN_APART = re.compile(COMPARISON.pattern + r"$")
_BEFORE_QUOTE = " \t(:=~<>,!-"
_ESCAPE = re.compile(r'\\(["\\])')


class Completion(NamedTuple):
    """The part of a text that can be completed, and what may stand in its place."""

    start: int
    end: int
    candidates: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to offer."""
        return not self.candidates


class _Fragment(NamedTuple):
    """The unfinished term before the cursor."""

    start: int
    text: str
    head: re.Match[str] | None
    """Its key and sign, if it has got so far."""


def completion(
    text: str,
    vocabulary: Vocabulary,
    values_of: ValuesOf,
    saved: Mapping[str, str],
) -> Completion:
    """Return what may stand at the end of `text`, which ends at the cursor."""
    fragment = _fragment_of(text)
    if fragment.head is None:
        words = _names(fragment.text, vocabulary, saved)
        return _offered(fragment.start, len(text), words)
    key = vocabulary.key_called(fragment.head[1])
    relation, _ = SIGNS[fragment.head[3]]
    if key is None or relation not in key.relations:
        return Completion(len(text), len(text))
    start = fragment.start + _start_of_last(fragment.text)
    typed = text[start:]
    if not key.takes_lists:
        words = _numbers(typed, is_time=key.is_time)
    else:
        words = _values(
            key,
            relation,
            typed,
            values_of,
        )
    return _offered(start, len(text), words)


def _offered(start: int, end: int, words: Iterator[str]) -> Completion:
    candidates = []
    for word in words:
        candidates.append(word)
        if len(candidates) == MOST:
            break
    return Completion(start, end, tuple(dict.fromkeys(candidates)))


# The fragment.


def _fragment_of(text: str) -> _Fragment:
    """Return the term, or the value behind a sign that stands apart, at the end of the text."""
    start = _start_of_term(text)
    apart = _SIGN_APART.search(text[:start])
    if apart is not None and apart[2]:
        return _Fragment(start, text[start:], apart)
    opening = _OPENING.match(text, start)
    start = opening.end() if opening else start
    head = COMPARISON.match(text, start)
    if head is None:
        return _Fragment(start, text[start:], None)
    return _Fragment(head.end(), text[head.end() :], head)


def _start_of_term(text: str) -> int:
    """Return where the last word begins; blanks in quotes divide no words."""
    start = position = 0
    while position < len(text):
        if _opens_quote(text, position):
            whole = unquoted(text, position)
            if whole is None:
                return start
            position = whole[1]
            continue
        if text[position].isspace():
            start = position + 1
        position += 1
    return start


def _start_of_last(values: str) -> int:
    """Return where the last value of a list begins."""
    start = position = 0
    while position < len(values):
        if _opens_quote(values, position):
            whole = unquoted(values, position)
            if whole is None:
                return start
            position = whole[1]
            continue
        if values[position] == ",":
            start = position + 1
        position += 1
    return start


def _opens_quote(text: str, position: int) -> bool:
    is_quote = text[position] in QUOTES
    return is_quote and (position == 0 or text[position - 1] in _BEFORE_QUOTE)


# The candidates.


def _names(
    typed: str, vocabulary: Vocabulary, saved: Mapping[str, str]
) -> Iterator[str]:
    """Yield saved filters behind an @, and keys else.

    `state-age` extends `state`, and is not offered before its hyphen is typed: so the values of
    `state` are one Tab away.
    """
    if typed.startswith("@"):
        yield from (f"@{name}" for name in saved if f"@{name}".startswith(typed))
        return
    prefix = typed.lower().replace("_", "-")
    matching = [name for name in vocabulary.keys if name.startswith(prefix)]
    for name in matching:
        if name.partition("-")[0] not in matching or "-" not in name:
            yield f"{name}{_first_sign(vocabulary.keys[name])}"


def _first_sign(key: Key) -> str:
    relation = (
        Relation.CONTAINS if Relation.CONTAINS in key.relations else Relation.MORE
    )
    return relation.value


def _numbers(typed: str, *, is_time: bool) -> Iterator[str]:
    if not is_time:
        return
    if not typed:
        yield from _TIMES
    elif _NUMBER.fullmatch(typed):
        yield from (f"{typed}{unit}" for unit in _UNITS)


def _values(
    key: Key, relation: Relation, typed: str, values_of: ValuesOf
) -> Iterator[str]:
    """Yield the values that begin with what was typed, then those that contain it."""
    if relation is Relation.MATCHES:
        return
    part = _unquoted_start(typed).lower()
    for value in _matching(values_of(key.name), part):
        word = value if is_plain_text(value, key.plain) else quoted(value)
        if word != typed and _is_read_as(
            word,
            value,
            key,
            relation,
        ):
            yield word


def _matching(values: Iterable[str], part: str) -> list[str]:
    """Return the values with this part, those first that begin with it."""
    matching = [value for value in values if part in value.lower()]
    offered = [value for value in matching if 0 < len(value) <= _LONGEST]
    return sorted(offered, key=lambda value: not value.lower().startswith(part))


def _unquoted_start(typed: str) -> str:
    """Return the text of a value that may lack its closing quote."""
    if not typed or typed[0] not in QUOTES:
        return typed
    whole = unquoted(typed, 0)
    if whole is not None and whole[1] == len(typed):
        return whole[0]
    if typed[0] == "'":
        return typed[1:].replace("''", "'")
    return _ESCAPE.sub(r"\1", typed[1:])


def _is_read_as(
    word: str,
    value: str,
    key: Key,
    relation: Relation,
) -> bool:
    """Return whether the language reads the word as this value of the key."""
    vocabulary = Vocabulary({key.name: key}, _no_column)
    text = f"{key.name}{relation.value}{word}"
    try:
        tree = FilterParser(text, vocabulary).tree()
    except FilterError:
        return False
    values = getattr(tree, "values", ())
    return values in ((value,), (value.lower(),))


def _no_column(_matcher: Matcher) -> Criterion:
    raise AssertionError("a comparison searches no other column")
