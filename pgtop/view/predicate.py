"""What one term of the filter asks of a session.

A term is prepared once for a pass over all sessions (`on`), so that asking ten thousand of them costs milliseconds.
Patterns come from the keyboard and run over texts of others: each has a limit of time, and all of a pass together.
"""

import math
import operator
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from pgtop.analysis.breakdown import client_of
from pgtop.model.backend import Backend
from pgtop.view.columns import state_word
from pgtop.view.picture import Picture

if TYPE_CHECKING:
    import regex

Test: TypeAlias = Callable[[Backend], bool]
TextTest: TypeAlias = Callable[[str], bool]
Texts: TypeAlias = Callable[[Backend], tuple[str, ...]]
Number: TypeAlias = Callable[[Backend, Picture], float | None]

_MATCH_SECONDS = 0.02
_PASS_SECONDS = 0.4
_LONGEST_PATTERN = 500
_MOST_REPEATS = 1000


class FilterError(ValueError):
    """A filter that cannot be read, or takes too long.

    `message` says what is right, `position` counts characters of the filter from 0, and str() says both.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"character {position + 1}: {message}")
        self.message = message
        self.position = position


def client_texts(backend: Backend) -> tuple[str, ...]:
    return client_of(backend), backend.client_hostname or client_of(backend)


def state_texts(backend: Backend) -> tuple[str, ...]:
    """The word on the screen, and the server's, which calls those active too that wait for a lock."""
    return state_word(backend), "" if backend.waits_for_lock else backend.state or ""


def wait_texts(backend: Backend) -> tuple[str, ...]:
    if backend.wait_event_type is None:
        return ("",)
    event = backend.wait_event or ""
    return f"{backend.wait_event_type}:{event}", backend.wait_event_type, event


def query_texts(backend: Backend) -> tuple[str, ...]:
    return (backend.query or "",)


class Look(NamedTuple):
    """One pass over the sessions of a picture. After `deadline` (monotonic) no pattern is tried any more."""

    picture: Picture
    deadline: float

    @classmethod
    def at(cls, picture: Picture) -> "Look":
        """A pass that begins now."""
        return cls(picture, time.monotonic() + _PASS_SECONDS)


class Predicate(Protocol):
    """One term. `on` prepares it for a pass, so that what is the same for all sessions is done once."""

    def on(self, look: Look, /) -> Test: ...


class Matcher(Protocol):
    """One way to compare a text."""

    def on(self, look: Look, /) -> TextTest: ...


class Contains(NamedTuple):
    """In any case."""

    needle: str  # in lower case

    def on(self, _: Look, /) -> TextTest:
        needle = self.needle
        return lambda text: needle in text.lower()


class StartsWith(NamedTuple):
    """In any case."""

    start: str  # in lower case

    def on(self, _: Look, /) -> TextTest:
        return lambda text: text.lower().startswith(self.start)


class Equals(NamedTuple):
    """To the letter."""

    text: str

    def on(self, _: Look, /) -> TextTest:
        return self.text.__eq__


class Pattern(NamedTuple):
    """A regular expression, somewhere in the text; `position` is where it stands in the filter."""

    compiled: "regex.Pattern[str]"
    position: int

    def on(self, look: Look, /) -> TextTest:
        search = self.compiled.search

        def found(text: str) -> bool:
            left = look.deadline - time.monotonic()
            if left <= 0:
                raise _too_long(self.position)
            try:
                return search(text, timeout=min(left, _MATCH_SECONDS)) is not None
            except TimeoutError:
                raise _too_long(self.position) from None

        return found


class Anywhere(NamedTuple):
    """Any column of words, or the pid."""

    matcher: Matcher

    def on(self, look: Look, /) -> Test:
        matches = self.matcher.on(look)
        named = _Known(matches)
        doing: dict[tuple[str | None, ...], bool] = {}

        def holds(backend: Backend) -> bool:
            does = _does(backend)
            answer = doing.get(does)
            if answer is None:
                answer = doing[does] = any(map(matches, _doing_texts(backend)))
            return (
                answer
                or named[backend.datname]
                or named[backend.usename]
                or named[backend.application_name]
                or named[client_of(backend)]
                or named[backend.client_hostname]
                or matches(str(backend.pid))
                or matches(backend.query or "")
            )

        return holds


class _Known(dict[str | None, bool]):
    """The answers of one pass for names that many sessions share: each is worked out once."""

    def __init__(self, matches: TextTest) -> None:
        self._matches = matches

    def __missing__(self, text: str | None) -> bool:
        answer = self[text] = self._matches(text or "")
        return answer


def _doing_texts(backend: Backend) -> tuple[str, ...]:
    """What it is and does, in the words of the columns type, state and wait."""
    return backend.backend_type or "", *state_texts(backend), *wait_texts(backend)


_does: Callable[[Backend], tuple[str | None, ...]] = operator.itemgetter(
    *map(Backend._fields.index, ("backend_type", "state", "wait_event_type", "wait_event"))
)
"""All that `_doing_texts` reads, in one step: few sessions differ in it, so that most answers are known already."""


class InColumn(NamedTuple):
    """One of a column's texts."""

    texts: Texts
    matcher: Matcher

    def on(self, look: Look, /) -> Test:
        texts, matches = self.texts, self.matcher.on(look)
        return lambda backend: any(map(matches, texts(backend)))


class Is(NamedTuple):
    """Something that needs no preparing."""

    test: Test

    def on(self, _: Look, /) -> Test:
        return self.test


class Compares(NamedTuple):
    """A number against a bound. Where there is no number (NULL) it never holds."""

    number: Number
    compare: Callable[[float, float], bool]
    bound: float

    def on(self, look: Look, /) -> Test:
        def holds(backend: Backend) -> bool:
            number = self.number(backend, look.picture)
            return number is not None and self.compare(number, self.bound)

        return holds


class AnyOf(NamedTuple):
    terms: tuple[Predicate, ...]

    def on(self, look: Look, /) -> Test:
        tests = [term.on(look) for term in self.terms]
        return lambda backend: any(test(backend) for test in tests)


class Not(NamedTuple):
    term: Predicate

    def on(self, look: Look, /) -> Test:
        test = self.term.on(look)
        return lambda backend: not test(backend)


def all_of(tests: list[Test]) -> Test:
    """The test that holds where all of `tests` do; of none, everywhere."""
    return tests[0] if len(tests) == 1 else lambda backend: all(test(backend) for test in tests)


def _too_long(position: int) -> FilterError:
    return FilterError("the pattern takes too long: make it simpler", position)


def reads_query(term: Predicate) -> bool:
    """Whether it holds may rest on a query's text."""
    match term:
        case Not(inner):
            return reads_query(inner)
        case AnyOf(terms):
            return any(map(reads_query, terms))
        case InColumn(texts):
            return texts is query_texts
    return isinstance(term, Anywhere)


def any_of(terms: Iterable[Predicate]) -> Predicate:
    """The term that holds where one of `terms` does."""
    several = tuple(terms)
    return several[0] if len(several) == 1 else AnyOf(several)


def pattern(source: str, position: int) -> Pattern:
    """The pattern `source`, which stands at `position` of the filter, in any case.

    FilterError also where reading it would take too long: the library limits the time of matching only.
    https://pypi.org/project/regex/
    """
    if len(source) > _LONGEST_PATTERN:
        raise FilterError(f"a pattern may have {_LONGEST_PATTERN} characters: make it shorter", position)
    if _repeats(source) > _MOST_REPEATS:
        raise FilterError(
            f"the pattern repeats more than {_MOST_REPEATS} times: use * or + or smaller numbers", position
        )
    import regex  # late, as most filters have no pattern

    try:
        return Pattern(regex.compile(source, regex.IGNORECASE), position)
    except RecursionError:
        raise FilterError("the pattern is nested too deeply: make it simpler", position) from None
    except (regex.error, ValueError) as error:  # ValueError: flags that contradict each other
        reason, _, _ = str(error).partition(" at position")  # counted from the pattern's start, which would mislead
        raise FilterError(f"the pattern cannot be read: {reason}", position) from None


def _repeats(source: str) -> int:
    """How often a part may be repeated by numbers in braces, at most: as if each stood inside the other."""
    return math.prod(max(map(_number_in, brace.split(","))) or 1 for brace in re.findall(r"\{[^}]*\}", source))


def _number_in(text: str) -> int:
    """The digits of `text` as one number: in a verbose pattern `{2 00}` is 200."""
    return int("".join(re.findall(r"[0-9]", text)) or 0)
