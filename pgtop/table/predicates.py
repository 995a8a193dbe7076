"""What one term of a filter asks of a session, in three values: it holds, it fails, or it is
unknown.

A criterion has two tests, `holds` and `fails`, of which at most one is true of a session. Neither
is where the answer rests on something that the session does not have, that this role may not see,
or that was cut off. A test is prepared once for a pass over all sessions, so that asking ten
thousand of them costs milliseconds. Patterns come from the keyboard and run over texts of others:
each has a limit of time, and all of a pass together.
"""

import math
import operator
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table import known
from pgtop.table.language.errors import FilterError

if TYPE_CHECKING:
    import regex

Test: TypeAlias = Callable[[Backend], bool]
Decision: TypeAlias = Callable[[Backend], bool | None]
TextTest: TypeAlias = Callable[[str], bool]
Texts: TypeAlias = Callable[[Backend], tuple[str, ...] | None]
"""A column's texts of a session, of which one is enough; None where they are not known."""
K = TypeVar("K")
Number: TypeAlias = Callable[[Backend, DerivedSnapshot], float | None]

_MATCH_SECONDS = 0.02
_PASS_SECONDS = 0.4
_LONGEST_PATTERN = 500
_MOST_REPEATS = 1000


class Look(NamedTuple):
    """One pass over the sessions of a picture. After `deadline` (monotonic) no pattern is tried any
    more.
    """

    picture: DerivedSnapshot
    deadline: float

    @classmethod
    def at(cls, picture: DerivedSnapshot) -> "Look":
        """A pass that begins now."""
        return cls(picture, time.monotonic() + _PASS_SECONDS)


class Criterion(Protocol):
    """One question to a session."""

    def holds(self, look: Look, /) -> Test:
        """Prepare the test that is true where the answer is surely yes."""
        ...

    def fails(self, look: Look, /) -> Test:
        """Prepare the test that is true where the answer is surely no."""
        ...


class Matcher(Protocol):
    """One way to compare a text."""

    def on(self, look: Look, /) -> TextTest: ...

    def on_beginning(self, look: Look, /) -> TextTest:
        """Prepare the test that is true of a text's beginning only where it is of the whole,
        whatever follows.
        """
        ...


class Contains(NamedTuple):
    """In any case."""

    needle: str  # in lower case

    def on(self, _: Look, /) -> TextTest:
        needle = self.needle
        return lambda text: needle in text.lower()

    def on_beginning(self, look: Look, /) -> TextTest:
        return self.on(look)


class StartsWith(NamedTuple):
    """In any case."""

    start: str  # in lower case

    def on(self, _: Look, /) -> TextTest:
        return lambda text: text.lower().startswith(self.start)

    def on_beginning(self, look: Look, /) -> TextTest:
        return self.on(look)


class Equals(NamedTuple):
    """To the letter."""

    text: str

    def on(self, _: Look, /) -> TextTest:
        return self.text.__eq__

    def on_beginning(self, _: Look, /) -> TextTest:
        return lambda _: False


class Pattern(NamedTuple):
    """A regular expression, somewhere in the text; `position` is where it stands in the filter."""

    compiled: "regex.Pattern[str]"
    position: int

    def on(self, look: Look, /) -> TextTest:
        search = self._search(look)
        return lambda text: search(text) is not None

    def on_beginning(self, look: Look, /) -> TextTest:
        source = self.compiled.pattern
        if not re.fullmatch(_LOOKS_NO_FURTHER, source):
            return lambda _: False
        search, has_edges = self._search(look), re.search(_EDGE, source) is not None

        def found(text: str) -> bool:
            match = search(text)
            return match is not None and not (has_edges and match.end() >= len(text) - 1)

        return found

    @property
    def matches_empty(self) -> bool:
        """True if the empty text matches, so that every text does."""
        return self.compiled.search("") is not None

    @property
    def needs_no_character(self) -> bool:
        r"""True if a place between characters matches: `\b\b` is what an empty variable leaves of
        `\b$NAME\b`.
        """
        matches = map(self.compiled.search, _PROBES)
        return any(match is not None and match.start() == match.end() for match in matches)

    @property
    def matches_any_text(self) -> bool:
        """True if texts match that have nothing in common: `^.+` is what an empty variable leaves
        of `^$NAME.+`.
        """
        return all(map(self.compiled.search, _UNLIKE))

    def _search(self, look: Look) -> "Callable[[str], regex.Match[str] | None]":
        search = self.compiled.search

        def found(text: str) -> "regex.Match[str] | None":
            left = look.deadline - time.monotonic()
            if left <= 0:
                raise _too_long(self.position)
            try:
                return search(text, timeout=min(left, _MATCH_SECONDS))
            except TimeoutError:
                raise _too_long(self.position) from None

        return found


_LOOKS_NO_FURTHER = r"(?:[^\\(*+?}]|\\(?:[bBdDwWsSntZA]|[^\w\s])|\((?![?*])|\(\?:|[*+?}]\??(?!\+))*"
"""Patterns without lookaround, atomic groups or the like: text behind a match can only undo it at
the match's edge.
"""
_EDGE = r"\$|\\[bBZ]"
_PROBES = ("a", "- b", "1 -")
_UNLIKE = ("qzqz", "7171", "#~#~", "ЖЖЖЖ", "::--")


class InColumn(NamedTuple):
    """One of a column's texts."""

    texts: Texts
    matchers: tuple[Matcher, ...]

    def holds(self, look: Look, /) -> Test:
        texts, matches = self.texts, _any_of([matcher.on(look) for matcher in self.matchers])
        return lambda backend: any(map(matches, texts(backend) or ()))

    def fails(self, look: Look, /) -> Test:
        texts, matches = self.texts, _any_of([matcher.on(look) for matcher in self.matchers])

        def fails(backend: Backend) -> bool:
            known_texts = texts(backend)
            return known_texts is not None and not any(map(matches, known_texts))

        return fails


class InQuery(NamedTuple):
    """The query's text, of which only the beginning may be known."""

    matchers: tuple[Matcher, ...]

    def holds(self, look: Look, /) -> Test:
        whole = _any_of([matcher.on(look) for matcher in self.matchers])
        beginning = _any_of([matcher.on_beginning(look) for matcher in self.matchers])
        is_cut = known.cut(look.picture.snapshot)

        def holds(backend: Backend) -> bool:
            text = backend.query or ""
            return (
                whole(text)
                and known.query(backend) is not None
                and (not is_cut(text) or beginning(text))
            )

        return holds

    def fails(self, look: Look, /) -> Test:
        whole = _any_of([matcher.on(look) for matcher in self.matchers])
        is_cut = known.cut(look.picture.snapshot)

        def fails(backend: Backend) -> bool:
            text = backend.query or ""
            return not whole(text) and known.query(backend) is not None and not is_cut(text)

        return fails


class Anywhere(NamedTuple):
    """Any column of words, or the pid."""

    matcher: Matcher

    def holds(self, look: Look, /) -> Test:
        named, doing = self._named(look), self._doing(look)
        in_query, matches = InQuery((self.matcher,)).holds(look), self.matcher.on(look)

        def holds(backend: Backend) -> bool:
            return (
                doing[_does(backend)]
                or named[known.database_name(backend)]
                or named[known.role_name(backend)]
                or named[backend.application_name]
                or named[backend.client_addr or known.client(backend)]
                or named[backend.client_hostname]
                or matches(str(backend.pid))
                or (matches(backend.query or "") and in_query(backend))
            )

        return holds

    def fails(self, look: Look, /) -> Test:
        named, doing = self._named(look), self._doing(look)
        in_query_not, matches = InQuery((self.matcher,)).fails(look), self.matcher.on(look)

        def fails(backend: Backend) -> bool:
            return (
                backend.backend_start is not None
                and known.database(backend) is not None
                and known.role(backend) is not None
                and not doing[_does(backend)]
                and not named[backend.datname]
                and not named[backend.usename]
                and not named[backend.application_name]
                and not named[backend.client_addr or known.client(backend)]
                and not named[backend.client_hostname]
                and not matches(str(backend.pid))
                and in_query_not(backend)
            )

        return fails

    def _named(self, look: Look) -> "_Answers[str | None]":
        """Cache answers for names that many sessions share."""
        matches = self.matcher.on(look)
        return _Answers(lambda name: name is not None and matches(name))

    def _doing(self, look: Look) -> "_Answers[tuple[str | None, ...]]":
        """Cache answers for what many sessions are and do, in the words of the columns type, state
        and wait.
        """
        matches = self.matcher.on(look)
        return _Answers(lambda does: any(map(matches, known.doing_texts(*does))))


class _Answers(dict[K, bool]):
    """The answers of one pass: each is worked out once."""

    def __init__(self, answer: Callable[[K], bool]) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: K) -> bool:
        answer = self[key] = self._answer(key)
        return answer


_does: Callable[[Backend], tuple[str | None, ...]] = operator.itemgetter(
    *map(Backend._fields.index, ("backend_type", "state", "wait_event_type", "wait_event"))
)
"""All that says what a session is and does, in one step: few sessions differ in it."""


class Doing(NamedTuple):
    """Something that follows from what a session is and does."""

    decide: Decision

    def holds(self, look: Look, /) -> Test:
        return self._is(True)

    def fails(self, look: Look, /) -> Test:
        return self._is(False)

    def _is(self, wanted: bool) -> Test:
        answers: dict[tuple[bool, tuple[str | None, ...]], bool] = {}

        def test(backend: Backend) -> bool:
            does = backend.backend_start is None, _does(backend)
            answer = answers.get(does)
            if answer is None:
                answer = answers[does] = self.decide(backend) is wanted
            return answer

        return test


class Judged(NamedTuple):
    """Anything else: `on` prepares a decision for a picture."""

    on: Callable[[DerivedSnapshot], Decision]

    def holds(self, look: Look, /) -> Test:
        decide = self.on(look.picture)
        return lambda backend: decide(backend) is True

    def fails(self, look: Look, /) -> Test:
        decide = self.on(look.picture)
        return lambda backend: decide(backend) is False


class Compares(NamedTuple):
    """A number against a bound. Where there is no number the answer is not known."""

    number: Number
    compare: Callable[[float, float], bool]
    bound: float

    def holds(self, look: Look, /) -> Test:
        return self._test(look, True)

    def fails(self, look: Look, /) -> Test:
        return self._test(look, False)

    def _test(self, look: Look, wanted: bool) -> Test:
        picture, read, compare, bound = look.picture, self.number, self.compare, self.bound

        def test(backend: Backend) -> bool:
            number = read(backend, picture)
            return number is not None and compare(number, bound) is wanted

        return test


class Blocks(NamedTuple):
    """The number of sessions that one blocks, against a bound. Where waiters may be hidden, there
    may be more.
    """

    compare: Callable[[float, float], bool]
    bound: int

    def holds(self, look: Look, /) -> Test:
        return self._test(look, True)

    def fails(self, look: Look, /) -> Test:
        return self._test(look, False)

    def _test(self, look: Look, wanted: bool) -> Test:
        blocks, compare, bound = look.picture.blocks, self.compare, self.bound
        if compare(math.inf, bound) is not wanted and known.misses_waiters(look.picture):
            return lambda _: False
        sure = bound if compare is operator.eq and known.misses_waiters(look.picture) else -1

        def test(backend: Backend) -> bool:
            count = blocks.get(backend.pid, 0)
            return compare(count, bound) is wanted and count > sure

        return test


def _any_of(tests: Sequence[TextTest]) -> TextTest:
    return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)


def _too_long(position: int) -> FilterError:
    return FilterError("the pattern takes too long: make it simpler", position)


def pattern(source: str, position: int) -> Pattern:
    """Compile the pattern `source`, which stands at `position` of the filter: in any case, and `.`
    is any character.

    FilterError also where reading it would take too long: the library limits the time of matching
    only.
    """
    if len(source) > _LONGEST_PATTERN:
        raise FilterError(
            f"a pattern may have {_LONGEST_PATTERN} characters: make it shorter", position
        )
    if _repeats(source) > _MOST_REPEATS:
        raise FilterError(
            f"the pattern repeats more than {_MOST_REPEATS} times: use * or + or smaller numbers",
            position,
        )
    import regex  # late, as most filters have no pattern

    try:
        return Pattern(regex.compile(source, regex.IGNORECASE | regex.DOTALL), position)
    except RecursionError:
        raise FilterError("the pattern is nested too deeply: make it simpler", position) from None
    except (regex.error, ValueError) as error:  # ValueError: flags that contradict each other
        reason, _, _ = str(error).partition(
            " at position"
        )  # counted from the pattern's start, which would mislead
        raise FilterError(f"the pattern cannot be read: {reason}", position) from None


def patterns_of(criterion: Criterion) -> Sequence[Pattern]:
    """Return the patterns of a criterion."""
    match criterion:
        case InColumn(_, matchers) | InQuery(matchers):
            return [each for each in matchers if isinstance(each, Pattern)]
        case Anywhere(matcher):
            return [matcher] if isinstance(matcher, Pattern) else []
    return []


def _repeats(source: str) -> int:
    """How often a part may be repeated by numbers in braces, at most: as if each stood inside the
    other.
    """
    return math.prod(
        max(map(_number_in, brace.split(","))) or 1 for brace in re.findall(r"\{[^}]*\}", source)
    )


def _number_in(text: str) -> int:
    """The digits of `text` as one number: in a verbose pattern `{2 00}` is 200."""
    return int("".join(re.findall(r"[0-9]", text)) or 0)
