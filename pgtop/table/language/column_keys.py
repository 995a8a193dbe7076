"""The vocabulary for the rows of any table: one key for each column."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pgtop.table.columns import Column, ColumnSet
from pgtop.table.language import phrases
from pgtop.table.language.readers import matchers_of, seconds_reader, texts_of
from pgtop.table.language.vocabulary import (
    COUNT_RELATIONS,
    TEXT_RELATIONS,
    Key,
    ParsedComparison,
    Reader,
    Relation,
    Value,
    Vocabulary,
    normalized,
)
from pgtop.table.matchers import Matcher, Scan
from pgtop.table.predicates import Test, any_test


@dataclass(frozen=True)
class CellCriterion:
    """The text of a cell matches, in any of the columns."""

    columns: tuple[Column[Any, Any], ...]
    matchers: tuple[Matcher, ...]

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if a cell matches."""
        context = scan.context
        columns = self.columns
        matches = any_test(self.matchers, scan)

        def holds(row: Any) -> bool:
            return any(matches(column.text(row, context)) for column in columns)

        return holds

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if no cell matches."""
        holds = self.holds(scan)
        return lambda row: not holds(row)


@cache
def column_vocabulary(columns: ColumnSet[Any, Any]) -> Vocabulary:
    """Return the keys of a table: `name:text` for texts, `name>number` for numbers and times."""
    visible = tuple(column for column in columns.columns if column.meaning)
    keys = {normalized(column.name): _key_of(column) for column in visible}

    def any_column(matcher: Matcher) -> CellCriterion:
        return CellCriterion(visible, (matcher,))

    headings = {normalized(column.title): normalized(column.name) for column in visible}
    return Vocabulary(keys, any_column, headings)


def _key_of(column: Column[Any, Any]) -> Key:
    name = normalized(column.name)
    noun = f"column {column.title or column.name}"
    if column.right:
        return Key(
            name,
            column.meaning,
            f"{name}>3",
            COUNT_RELATIONS,
            _number_reader(column),
            phrases.number(noun),
        )
    return Key(
        name,
        column.meaning,
        f"{name}:web",
        TEXT_RELATIONS,
        _text_reader(column),
        phrases.text(noun),
    )


def _text_reader(column: Column[Any, Any]) -> Reader:
    def read(_: Key, relation: Relation, values: Sequence[Value]) -> ParsedComparison:
        criterion = CellCriterion((column,), matchers_of(relation, values))
        return ParsedComparison(criterion, relation, texts_of(values))

    return read


def _number_reader(column: Column[Any, Any]) -> Reader:
    def number(row: Any, context: Any) -> float | None:
        value = column.key(row, context)
        return value if isinstance(value, int | float) else None

    return seconds_reader(number)
