"""Makers of keys: how the values of a column of texts, of a time, a count or pids are read."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pgtop.table.language.errors import FilterError
from pgtop.table.language.phrases import Phrase
from pgtop.table.language.vocabulary import (
    COUNT_RELATIONS,
    PID_RELATIONS,
    TEXT_RELATIONS,
    TIME_RELATIONS,
    Key,
    ParsedComparison,
    Reader,
    Relation,
    Value,
)
from pgtop.table.matchers import Contains, Equals, Matcher, compile_pattern
from pgtop.table.predicates import (
    ContextTextCriterion,
    Criterion,
    Decision,
    DecisionCriterion,
    Number,
    NumberCriterion,
    TextCriterion,
    Texts,
    TextsIn,
)
from pgtop.text.units import parse_duration

COMPARE: Mapping[Relation, Callable[[float, float], bool]] = {
    Relation.LESS: operator.lt,
    Relation.AT_MOST: operator.le,
    Relation.MORE: operator.gt,
    Relation.AT_LEAST: operator.ge,
    Relation.IS: operator.eq,
}
_WHOLE_NUMBER = re.compile(r"[0-9]{1,10}")
_MAX_DURATION_LENGTH = 20
_MAX_SECONDS = 99_999 * 86_400


def matchers_of(relation: Relation, values: Sequence[Value]) -> tuple[Matcher, ...]:
    """Return a matcher for each value."""
    return tuple(_matcher_of(relation, value) for value in values)


def _matcher_of(relation: Relation, value: Value) -> Matcher:
    if relation is Relation.MATCHES:
        return compile_pattern(*value)
    if relation is Relation.IS:
        return Equals(value.text)
    return Contains(value.text.lower())


def texts_of(values: Sequence[Value]) -> tuple[str, ...]:
    """Return the texts of the values."""
    return tuple(value.text for value in values)


def compare_texts(
    texts: Texts, relation: Relation, values: Sequence[Value]
) -> ParsedComparison:
    """Compare a column's texts with the values."""
    criterion = TextCriterion(texts, matchers_of(relation, values))
    return ParsedComparison(criterion, relation, texts_of(values))


def text_key_in(
    name: str,
    meaning: str,
    example: str,
    texts_in: TextsIn,
    phrase: Phrase,
    *,
    plural: str,
    shows_none: bool = False,
) -> Key:
    """Make a key for a column of texts that depend on the context of the scan.

    If `shows_none`, a row without a known text is shown with an empty one, and `=""` finds it.
    """

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        is_none = shows_none and relation is Relation.IS and "" in texts_of(values)
        compared = _with_none(texts_in) if is_none else texts_in
        criterion = ContextTextCriterion(compared, matchers_of(relation, values))
        return ParsedComparison(criterion, relation, texts_of(values))

    return Key(name, meaning, example, TEXT_RELATIONS, read, phrase, plural=plural)


def _with_none(texts_in: TextsIn) -> TextsIn:
    """Return what gives the texts, and an empty one in place of none."""

    def with_none_in(context: Any) -> Texts:
        texts = texts_in(context)
        return lambda row: texts(row) or ("",)

    return with_none_in


def text_key(
    name: str,
    meaning: str,
    example: str,
    texts: Texts,
    phrase: Phrase,
    *,
    plural: str = "",
) -> Key:
    """Make a key for a column of texts."""

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        return compare_texts(texts, relation, values)

    return Key(name, meaning, example, TEXT_RELATIONS, read, phrase, plural=plural)


def name_key(
    name: str,
    meaning: str,
    example: str,
    texts: Texts,
    shown: Callable[[Any], str | None],
    phrase: Phrase,
    *,
    plural: str,
) -> Key:
    """Make a key for names that every role may see; a row without a known or shown name has none.

    A row that is shown by number, as `role 16402`, has exactly that name, and it is unknown whether
    it has any other.
    """

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        if relation is Relation.IS:
            return compare_texts(_including_shown(texts_of(values)), relation, values)
        return compare_texts(texts, relation, values)

    def _including_shown(names: Sequence[str]) -> Texts:
        wanted = frozenset(names)

        def texts_or_shown(row: Any) -> tuple[str, ...] | None:
            label = shown(row) or ""
            return (label,) if label in wanted else texts(row)

        return texts_or_shown

    return Key(name, meaning, example, TEXT_RELATIONS, read, phrase, plural=plural)


def time_key(
    name: str, meaning: str, example: str, seconds: Number, phrase: Phrase
) -> Key:
    """Make a key for the time since something began."""
    return Key(name, meaning, example, TIME_RELATIONS, seconds_reader(seconds), phrase)


def seconds_reader(number: Number) -> Reader:
    """Return a reader that compares `number` with a time, or with a number without a unit."""

    def read(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        text, position = values[0]
        bound = parse_seconds(text, position)
        criterion = NumberCriterion(number, COMPARE[relation], bound)
        return ParsedComparison(criterion, relation, (text.lower(),))

    return read


def parse_seconds(text: str, position: int) -> float:
    """Parse a time, or a number without a unit. Raises FilterError."""
    is_too_long = len(text) > _MAX_DURATION_LENGTH
    try:
        seconds = _MAX_SECONDS + 1 if is_too_long else parse_duration(text)
    except ValueError as error:
        raise FilterError(f"{error}", position) from None
    if seconds > _MAX_SECONDS:
        raise FilterError(
            "that is longer than any server has run: write at most 99999d", position
        )
    return seconds


def count_key(
    name: str,
    meaning: str,
    example: str,
    criterion: Callable[[Callable[[float, float], bool], int], Criterion],
    phrase: Phrase,
) -> Key:
    """Make a key for a count; `criterion` takes the comparison and the bound."""

    def read(key: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        count = _parse_whole(key, values[0])
        return ParsedComparison(
            criterion(COMPARE[relation], count), relation, (str(count),)
        )

    return Key(name, meaning, example, COUNT_RELATIONS, read, phrase)


def pid_key(
    name: str,
    meaning: str,
    example: str,
    prepare: Callable[[Any, frozenset[int]], Decision],
    phrase: Phrase,
    *,
    plural: str = "",
) -> Key:
    """Make a key for pids; `prepare` takes the context of the scan and the pids."""

    def read(key: Key, _: Relation, values: Sequence[Value]) -> ParsedComparison:
        pids = [_parse_whole(key, value) for value in values]
        wanted = frozenset(pids)
        criterion = DecisionCriterion(lambda context: prepare(context, wanted))
        return ParsedComparison(criterion, Relation.CONTAINS, tuple(map(str, pids)))

    return Key(name, meaning, example, PID_RELATIONS, read, phrase, plural=plural)


_SIGNED_NUMBER = re.compile(r"-?[0-9]{1,19}")


def query_id_key(
    name: str,
    meaning: str,
    example: str,
    query_id: Callable[[Any], int | None],
    phrase: Phrase,
    *,
    plural: str,
) -> Key:
    """Make a key for the numbers of statements, which have a sign."""

    def read(key: Key, _: Relation, values: Sequence[Value]) -> ParsedComparison:
        wanted = frozenset([_parse_signed(key, value) for value in values])

        def decide(row: Any) -> bool | None:
            own = query_id(row)
            return None if own is None else own in wanted

        criterion = DecisionCriterion(lambda _context: decide)
        texts = tuple([str(int(value.text)) for value in values])
        return ParsedComparison(criterion, Relation.CONTAINS, texts)

    return Key(name, meaning, example, PID_RELATIONS, read, phrase, plural=plural)


def _parse_signed(key: Key, value: Value) -> int:
    if not _SIGNED_NUMBER.fullmatch(value.text):
        raise FilterError(
            f"{value.text!r} is not the number of a query: write it as in {key.example}",
            value.position,
        )
    return int(value.text)


def _parse_whole(key: Key, value: Value) -> int:
    if not _WHOLE_NUMBER.fullmatch(value.text):
        raise FilterError(
            f"{value.text!r} is not a whole number: write it as in {key.example}",
            value.position,
        )
    return int(value.text)
