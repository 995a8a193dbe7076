"""Criteria: what one term of a filter requires of a row, in three values: true, false or unknown.

A criterion has two tests, `holds` and `fails`, and at most one of them is true for a row. Neither
is true if the answer depends on something that the row does not have, that this role may not see,
or that was cut off. A test is prepared once for a scan over all rows, so that testing ten thousand
of them costs milliseconds.
"""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from pgtop.analysis.client_names import ClientNames
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table import known
from pgtop.table.matchers import Matcher, Pattern, Scan, TextTest

Test: TypeAlias = Callable[[Any], bool]
"""Takes a row."""
Decision: TypeAlias = Callable[[Any], bool | None]
"""Takes a row; None is unknown."""
Texts: TypeAlias = Callable[[Any], tuple[str, ...] | None]
"""Takes a row, and returns a column's texts, any of which may match; None if they are unknown."""
TextsIn: TypeAlias = Callable[[Any], Texts]
"""Takes the context of a scan, and returns what gives the texts of a row."""
Number: TypeAlias = Callable[[Any, Any], float | None]
"""Takes a row and the context of the scan."""
KeyT = TypeVar("KeyT")


class Criterion(Protocol):
    """A requirement of a row."""

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the criterion surely holds."""
        ...

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the criterion surely does not hold."""
        ...


@dataclass(frozen=True)
class TextCriterion:
    """One of a column's texts matches."""

    texts: Texts
    matchers: tuple[Matcher, ...]

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if a text matches."""
        texts = self.texts
        matches = any_test(self.matchers, scan)
        return lambda row: any(map(matches, texts(row) or ()))

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the texts are known and none matches."""
        texts = self.texts
        matches = any_test(self.matchers, scan)

        def fails(row: Any) -> bool:
            known_texts = texts(row)
            return known_texts is not None and not any(map(matches, known_texts))

        return fails


@dataclass(frozen=True)
class ContextTextCriterion:
    """One of a column's texts matches; the texts depend on the context of the scan, too."""

    texts_in: TextsIn
    matchers: tuple[Matcher, ...]

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if a text matches."""
        return self._on(scan).holds(scan)

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the texts are known and none matches."""
        return self._on(scan).fails(scan)

    def _on(self, scan: Scan) -> TextCriterion:
        return TextCriterion(self.texts_in(scan.context), self.matchers)


@dataclass(frozen=True)
class QueryCriterion:
    """The query's text matches; only its beginning may be known."""

    matchers: tuple[Matcher, ...]

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the whole text surely matches."""
        matches = any_test(self.matchers, scan)
        prefix_matches = _any_of(
            [matcher.prefix_test(scan) for matcher in self.matchers]
        )
        is_cut = known.cut(scan.context.snapshot)

        def holds(backend: Backend) -> bool:
            text = backend.query or ""
            if not matches(text) or known.query(backend) is None:
                return False
            return not is_cut(text) or prefix_matches(text)

        return holds

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the whole text is known and does not match."""
        matches = any_test(self.matchers, scan)
        is_cut = known.cut(scan.context.snapshot)

        def fails(backend: Backend) -> bool:
            text = backend.query or ""
            return (
                not matches(text)
                and known.query(backend) is not None
                and not is_cut(text)
            )

        return fails


@dataclass(frozen=True)
class AnyColumnCriterion:
    """Any column of words of a session matches, or the pid."""

    matcher: Matcher

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if a column surely matches."""
        names_of = _names_in(scan.context)
        name_matches = self._name_matches(scan)
        activity_matches = self._activity_matches(scan)
        query_holds = QueryCriterion((self.matcher,)).holds(scan)
        matches = self.matcher.test(scan)

        def holds(backend: Backend) -> bool:
            if activity_matches[_activity_of(backend)] or matches(str(backend.pid)):
                return True
            if any(map(name_matches.__getitem__, names_of(backend))):
                return True
            return matches(backend.query or "") and query_holds(backend)

        return holds

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if all columns are known and none matches."""
        names_of = _names_in(scan.context)
        name_matches = self._name_matches(scan)
        activity_matches = self._activity_matches(scan)
        query_fails = QueryCriterion((self.matcher,)).fails(scan)
        matches = self.matcher.test(scan)

        def fails(backend: Backend) -> bool:
            if not _are_names_known(backend):
                return False
            if activity_matches[_activity_of(backend)] or matches(str(backend.pid)):
                return False
            if any(map(name_matches.__getitem__, names_of(backend))):
                return False
            return query_fails(backend)

        return fails

    def _name_matches(self, scan: Scan) -> "_CachedAnswers[str | None]":
        """Cache the answers for names, which many sessions share."""
        matches = self.matcher.test(scan)
        return _CachedAnswers(lambda name: name is not None and matches(name))

    def _activity_matches(self, scan: Scan) -> "_CachedAnswers[tuple[str | None, ...]]":
        """Cache the answers for type, state and wait, which many sessions share."""
        matches = self.matcher.test(scan)
        return _CachedAnswers(
            lambda activity: any(map(matches, known.activity_texts(*activity)))
        )


class _CachedAnswers(dict[KeyT, bool]):
    """The answers of one scan, each computed once."""

    def __init__(self, answer: Callable[[KeyT], bool]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: KeyT) -> bool:
        answer = self[key] = self._answer(key)
        return answer


def _names_of(backend: Backend) -> tuple[str | None, ...]:
    """Return the known names of a session, in the order of the columns."""
    return (
        known.database_name(backend),
        known.role_name(backend),
        backend.application_name,
        backend.client_addr or known.client(backend),
        backend.client_hostname,
    )


def _names_in(derived: DerivedSnapshot) -> Callable[[Backend], tuple[str | None, ...]]:
    """Return what gives the known names of a session: behind a pooler those of its client."""
    names = ClientNames.of(derived.snapshot)

    def pooled_names_of(backend: Backend) -> tuple[str | None, ...]:
        if names.pooled_client(backend) is None:
            return _names_of(backend)
        return (
            known.database_name(backend),
            known.role_name(backend),
            names.application(backend),
            names.client(backend),
        )

    return pooled_names_of if names.pooled else _names_of


def _are_names_known(backend: Backend) -> bool:
    if backend.backend_start is None or known.database(backend) is None:
        return False
    return known.role(backend) is not None


_ACTIVITY_FIELDS = ("backend_type", "state", "wait_event_type", "wait_event")
_activity_of: Callable[[Backend], tuple[str | None, ...]] = operator.itemgetter(
    *map(Backend._fields.index, _ACTIVITY_FIELDS)
)
"""Returns type, state and wait in one step: few sessions differ in them."""


@dataclass(frozen=True)
class ActivityCriterion:
    """A decision that depends only on a session's type, state and wait."""

    decide: Decision

    def holds(self, _: Scan, /) -> Test:
        """Prepare the test that is true if the decision is True."""
        return self._test(True)

    def fails(self, _: Scan, /) -> Test:
        """Prepare the test that is true if the decision is False."""
        return self._test(False)

    def _test(self, wanted: bool) -> Test:
        answers: dict[tuple[bool, tuple[str | None, ...]], bool] = {}

        def test(backend: Backend) -> bool:
            activity = backend.backend_start is None, _activity_of(backend)
            answer = answers.get(activity)
            if answer is None:
                answer = answers[activity] = self.decide(backend) is wanted
            return answer

        return test


@dataclass(frozen=True)
class DecisionCriterion:
    """Any other decision: `prepare` takes the context of the scan."""

    prepare: Callable[[Any], Decision]

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the decision is True."""
        decide = self.prepare(scan.context)
        return lambda row: decide(row) is True

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the decision is False."""
        decide = self.prepare(scan.context)
        return lambda row: decide(row) is False


@dataclass(frozen=True)
class NumberCriterion:
    """A number compared with a bound; without a number the answer is unknown."""

    number: Number
    compare: Callable[[float, float], bool]
    bound: float

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the comparison holds."""
        return self._test(scan, True)

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the number is known and the comparison does not hold."""
        return self._test(scan, False)

    def _test(self, scan: Scan, wanted: bool) -> Test:
        context = scan.context
        read = self.number
        compare = self.compare
        bound = self.bound

        def test(row: Any) -> bool:
            number = read(row, context)
            return number is not None and compare(number, bound) is wanted

        return test


@dataclass(frozen=True)
class BlockingCriterion:
    """The number of sessions that one blocks, compared with a bound. If waiters may be hidden, the
    number may be higher.
    """

    compare: Callable[[float, float], bool]
    bound: int

    def holds(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the comparison surely holds."""
        return self._test(scan, True)

    def fails(self, scan: Scan, /) -> Test:
        """Prepare the test that is true if the comparison surely does not hold."""
        return self._test(scan, False)

    def _test(self, scan: Scan, wanted: bool) -> Test:
        blocks = scan.context.blocks
        compare = self.compare
        bound = self.bound
        may_be_more = known.misses_waiters(scan.context)
        if may_be_more and compare(math.inf, bound) is not wanted:
            return lambda _: False
        sure_above = bound if may_be_more and compare is operator.eq else -1

        def test(backend: Backend) -> bool:
            count = blocks.get(backend.pid, 0)
            return compare(count, bound) is wanted and count > sure_above

        return test


def patterns_of(criterion: Criterion) -> Sequence[Pattern]:
    """Return the patterns of a criterion."""
    match criterion:
        case (
            TextCriterion(_, matchers)
            | ContextTextCriterion(_, matchers)
            | QueryCriterion(matchers)
        ):
            return [each for each in matchers if isinstance(each, Pattern)]
        case AnyColumnCriterion(Pattern() as pattern):
            return [pattern]
    return []


def any_test(matchers: Sequence[Matcher], scan: Scan) -> TextTest:
    """Prepare the test that is true if any matcher matches."""
    return _any_of([matcher.test(scan) for matcher in matchers])


def _any_of(tests: Sequence[TextTest]) -> TextTest:
    if len(tests) == 1:
        return tests[0]
    return lambda text: any(test(text) for test in tests)
