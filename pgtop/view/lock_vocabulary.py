"""The filter language of the locks view: that of the sessions, and the view's own columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from pgtop.model.backend import Backend
from pgtop.table.columns import ColumnSet
from pgtop.table.language.column_keys import column_vocabulary
from pgtop.table.language.keys import SESSION_VOCABULARY
from pgtop.table.language.vocabulary import (
    Key,
    ParsedComparison,
    Relation,
    Value,
    Vocabulary,
)
from pgtop.table.matchers import Matcher, Scan
from pgtop.table.predicates import Criterion, Test
from pgtop.view.lock_rows import OWN_COLUMNS, LockRow


@dataclass(frozen=True)
class SessionCriterion:
    """A criterion for the session of a row; unknown for a row without a session."""

    criterion: Criterion

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the criterion surely holds."""
        return _on_session(self.criterion.holds(scan))

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the criterion surely does not hold."""
        return _on_session(self.criterion.fails(scan))


def _on_session(test: Test) -> Test:
    def of_row(row: LockRow) -> bool:
        backend: Backend | None = row.backend
        return backend is not None and test(backend)

    return of_row


@dataclass(frozen=True)
class EitherCriterion:
    """Holds if one of two criteria holds; fails if both fail."""

    first: Criterion
    second: Criterion

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if one surely holds."""
        first = self.first.holds(scan)
        second = self.second.holds(scan)
        return lambda row: first(row) or second(row)

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if both surely do not hold."""
        first = self.first.fails(scan)
        second = self.second.fails(scan)
        return lambda row: first(row) and second(row)


@cache
def lock_vocabulary() -> Vocabulary:
    """Return the keys of the sessions, and one for each column that only this view has."""
    own = column_vocabulary(ColumnSet(*OWN_COLUMNS))
    keys = {name: _for_rows(key) for name, key in SESSION_VOCABULARY.keys.items()}
    number_key = SESSION_VOCABULARY.number_key

    def any_column(matcher: Matcher) -> EitherCriterion:
        in_session = SessionCriterion(SESSION_VOCABULARY.any_column(matcher))
        return EitherCriterion(in_session, own.any_column(matcher))

    return replace(
        SESSION_VOCABULARY,
        keys={**own.keys, **keys},
        any_column=any_column,
        number_key=keys[number_key.name] if number_key else None,
    )


def _for_rows(key: Key) -> Key:
    """Return a key of the sessions for rows that contain a session."""

    def read(
        _: Key,
        relation: Relation,
        values: Sequence[Value],
    ) -> ParsedComparison:
        comparison = key.read(relation, values)
        return replace(comparison, criterion=SessionCriterion(comparison.criterion))

    return replace(key, reader=read)
