"""The language of `/`: words that all must hold of a session, and keys that narrow a word to one column.

    term   = ["-"] (value | "~" pattern | key ":" values | key compare number)
    values = ["="] value {"," value} | "~" pattern
    value  = characters without space (in values also without comma), or in quotes: "…"

What cannot be read is a FilterError that says what is right; reading never raises anything else.
"""

import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pgtop.analysis.budget import WAITING, state_of
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION_ABORTED, Backend
from pgtop.view.columns import column
from pgtop.view.picture import Picture
from pgtop.view.predicate import (
    Anywhere,
    Compares,
    Contains,
    Equals,
    FilterError,
    InColumn,
    Is,
    Look,
    Not,
    Number,
    Pattern,
    Predicate,
    StartsWith,
    Test,
    Texts,
    all_of,
    any_of,
    client_texts,
    pattern,
    query_texts,
    reads_query,
    state_texts,
    wait_texts,
)
from pgtop.view.units import parse_duration

__all__ = ["FILTER_HELP", "Filter", "FilterError", "HelpEntry", "quoted"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of the sessions; "" asks nothing. Read when it is made, it never disagrees with its text."""

    text: str = ""
    _terms: tuple[Predicate, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_terms", tuple(_Parser(self.text).terms()))

    @classmethod
    def parse(cls, text: str) -> "Filter":
        """The filter that `text` asks for; FilterError says at which character it cannot be read, and what is right."""
        return cls(text)

    @classmethod
    def of_arguments(cls, arguments: Sequence[str]) -> "Filter":
        """Read the words of a command line: each is one term or several whole ones."""
        at = 0
        for argument in arguments:
            if not argument.strip():
                raise FilterError("an argument is empty: was a variable of the shell empty?", at)
            at += len(argument) + 1
        return cls(" ".join(arguments))

    def check_for_signals(self) -> None:
        """Raise FilterError for what may not decide about a signal."""
        if not self._terms:
            raise FilterError("the filter is empty: --all-clients means every client session", 0)

    @property
    def canonical(self) -> str:
        """A text of the language that parses back to an equal filter."""
        return self.text

    @property
    def understood(self) -> str:
        """The filter in plain words, which go on from "sessions"; "" for the empty filter."""
        return f"that match {quoted(self.text)}" if self._terms else ""

    def decide(self, picture: Picture) -> Callable[[Backend], bool | None]:
        """Return the three-valued test: None where what is known of a session leaves it undecided."""
        return self.on(picture)

    def on(self, picture: Picture) -> Test:
        """The test to put to every session of `picture`; one such pass shares a limit of time for its patterns.

        The test raises FilterError when a pattern takes too long: on one session, or on all of them together. Show it
        like an error of parsing, at its position, and leave the sessions as they were before it.
        """
        look = Look.at(picture)
        return all_of([term.on(look) for term in self._terms])

    def on_all_but_queries(self, picture: Picture) -> Test:
        """The test without the terms that read a query's text, for a text of which not all is there."""
        look = Look.at(picture)
        return all_of([term.on(look) for term in self._terms if not reads_query(term)])

    @property
    def reads_queries(self) -> bool:
        """It asks for words in a query's text, be it by `query:` or by words that may stand in any column."""
        return any(map(reads_query, self._terms))

    def matches(self, backend: Backend, picture: Picture) -> bool:
        """Does all that is asked hold of this one session? For many use `on`; FilterError as there."""
        return self.on(picture)(backend)


def _blocks(backend: Backend, picture: Picture) -> float:
    return picture.blocks.get(backend.pid, 0)


def _blocked(backend: Backend, _: Picture) -> float:
    return len(set(backend.blocked_by))


def _idle(backend: Backend, picture: Picture) -> float | None:
    return _key_of("state_age")(backend, picture) if backend.state == IDLE else None


def _key_of(name: str) -> Number:
    """What the column is sorted by, so that a comparison never disagrees with what is seen."""
    return column(name).key


_STATES: Mapping[str, Test] = {
    "active": lambda backend: state_of(backend) == ACTIVE,
    "idle": lambda backend: backend.state == IDLE,
    "idle in transaction": lambda backend: backend.in_transaction_idle,
    "idle in tx": lambda backend: backend.in_transaction_idle,
    "aborted": lambda backend: backend.state == IDLE_IN_TRANSACTION_ABORTED,
    "idle in tx!": lambda backend: backend.state == IDLE_IN_TRANSACTION_ABORTED,
    "waiting": lambda backend: state_of(backend) == WAITING,
    "hidden": lambda backend: backend.hidden,
}

_RARE_STATES = ("fastpath function call", "disabled", "starting")
_STATE_NAMES = ("active", "waiting", "idle", "idle-in-tx", "aborted", "hidden", *(s.split()[0] for s in _RARE_STATES))

_WAIT_TYPES = frozenset(
    "activity buffer bufferpin client extension injectionpoint io ipc lock lwlock timeout".split()  # noqa: SIM905
)


def _state_like(value: str) -> Predicate:
    """A state by its name: `idle` is not `idle in transaction`. A part of a name is looked for in the words.

    Raises ValueError for what is no part of any: an empty table would look like good news.
    """
    words = value.replace("-", " ")
    test = _STATES.get(words)
    if not any(words in state for state in (*_STATES, *_RARE_STATES)):
        raise ValueError(f"`{value}` is no state: use one of {', '.join(_STATE_NAMES)}")
    return Is(test) if test else InColumn(state_texts, Contains(words))


def _wait_like(value: str) -> Predicate:
    """A wait by its type: `lock` is not `lwlock`. Anything else is looked for in type and event.

    https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
    """
    kind, colon, _ = value.partition(":")
    if kind in _WAIT_TYPES:
        return InColumn(wait_texts, StartsWith(value if colon else f"{kind}:"))
    return InColumn(wait_texts, Contains(value))


class _Key(NamedTuple):
    """A key of the language: the operators that go with it, and how the rest of such a term is read."""

    name: str
    meaning: str
    example: str
    operators: tuple[str, ...]
    read: "Callable[[_Parser, _Key, str], Predicate]"


def _words(name: str, meaning: str, example: str, texts: Texts, like: Callable[[str], Predicate] | None = None) -> _Key:
    """A key of a column of words; `like` reads a value, in lower case, that means more than its letters."""

    def read(parser: "_Parser", key: _Key, _: str) -> Predicate:
        if parser.take("~"):
            return InColumn(texts, parser.pattern(key.example))
        if parser.take("="):
            return any_of(InColumn(texts, Equals(value)) for value, _ in parser.values(key.example, empty=True))
        return any_of(liked(value.lower(), position) for value, position in parser.values(key.example))

    def liked(value: str, position: int) -> Predicate:
        try:
            return like(value) if like else InColumn(texts, Contains(value))
        except ValueError as error:
            raise FilterError(f"{error}", position) from None

    return _Key(name, meaning, example, (":",), read)


def _ages(name: str, meaning: str, example: str, seconds: Number) -> _Key:
    def read(parser: "_Parser", key: _Key, compare: str) -> Predicate:
        return Compares(seconds, _COMPARISONS[compare], parser.duration(key.example))

    return _Key(name, meaning, example, (">", "<", ">=", "<="), read)


def _counts(name: str, meaning: str, example: str, count: Number) -> _Key:
    def read(parser: "_Parser", key: _Key, compare: str) -> Predicate:
        return Compares(count, _COMPARISONS[compare], parser.whole(key.example))

    return _Key(name, meaning, example, tuple(_COMPARISONS), read)


def _read_pids(parser: "_Parser", key: _Key, _: str) -> Predicate:
    pids = frozenset(_whole(value, position, key.example) for value, position in parser.values(key.example))
    return Is(lambda backend: backend.pid in pids)


def _read_blockers(parser: "_Parser", key: _Key, _: str) -> Predicate:
    pids = frozenset(_whole(value, position, key.example) for value, position in parser.values(key.example))
    return Is(lambda backend: not pids.isdisjoint(backend.blocked_by))


class _InTree(NamedTuple):
    """One of `pids` and all that hang on it, workers with their leader: found once for each picture."""

    pids: frozenset[int]

    def on(self, look: Look, /) -> Test:
        forest = look.picture.forest
        trees = [{pid} | forest.hanging(pid) for pid in self.pids if pid in forest.nodes]
        inside: frozenset[int] = frozenset().union(*trees)
        return lambda backend: backend.pid in inside or backend.leader_pid in inside


def _read_roots(parser: "_Parser", key: _Key, _: str) -> Predicate:
    return _InTree(frozenset(_whole(value, position, key.example) for value, position in parser.values(key.example)))


_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq,
}  # fmt: skip

_KEYS: Mapping[str, _Key] = {
    key.name: key
    for key in (
        _words("db", "database", "db:shop", lambda backend: (backend.datname or "",)),
        _words("user", "role", "user:web,worker", lambda backend: (backend.usename or "",)),
        _words("app", "application name", "app:~^api", lambda backend: (backend.application_name or "",)),
        _words("client", "address or host name; `local` is a socket on the server", "client:10.0.", client_texts),
        _words(
            "state",
            "as the bar has them: active (runs), waiting (for a lock), idle, idle-in-tx; and aborted, hidden",
            "state:idle-in-tx",
            state_texts,
            _state_like,
        ),
        _words("wait", "wait event: type, event or type:event", "wait:Lock", wait_texts, _wait_like),
        _words("type", "kind of process", "type:autovacuum", lambda backend: (backend.backend_type or "",)),
        _words("query", "text of the query", "-query:copy", query_texts),
        _Key("pid", "process id", "pid:4711,4712", (":", "="), _read_pids),
        _Key("b", "those that wait for this pid", "b:4711", (":", "="), _read_blockers),
        _Key("root", "this root, and all that hang on it", "root:4711", (":", "="), _read_roots),
        _ages(
            "age",
            "since its transaction began, or else its running query, or else its state",
            "age>5m",
            _key_of("age"),
        ),
        _ages("xact", "since its transaction began", "xact>=1h30m", _key_of("xact")),
        _ages("query-age", "since its query began", "query-age<200ms", _key_of("query_age")),
        _ages("state-age", "since its state changed", "state-age>1d", _key_of("state_age")),
        _ages("backend-age", "since it logged in", "backend-age<90s", _key_of("backend_age")),
        _ages("idle", "how long an idle session has been idle", "idle>10m", _idle),
        _counts("blocks", "how many sessions hang on it", "blocks>0", _blocks),
        _counts("blocked", "for how many sessions it waits", "blocked>0", _blocked),
    )
}

_OTHER_NAMES: Mapping[str, str] = {
    "database": "db", "datname": "db", "role": "user", "usename": "user", "username": "user",
    "application": "app", "application-name": "app", "client-addr": "client", "address": "client",
    "wait-event": "wait", "backend-type": "type", "xact-age": "xact", "blocked-by": "blocked",
}  # fmt: skip


class HelpEntry(NamedTuple):
    """One line of what help and README say of the language."""

    name: str
    meaning: str
    example: str


FILTER_HELP: tuple[HelpEntry, ...] = (
    HelpEntry("word", "in any column, in any case; of several words all must be found", "shop invoice"),
    HelpEntry("key:value", "in one column", "db:shop"),
    HelpEntry("key:value,value", "one of several", "state:active,waiting"),
    HelpEntry("key:=value", "exactly so, in this case", "user:=web"),
    HelpEntry("~pattern", "a regular expression, in any column or after a key, in any case", "app:~^api"),
    HelpEntry("-term", "not so", "-query:copy"),
    HelpEntry('"words"', 'with spaces, commas or signs in it; \\" is a quote and \\\\ a backslash', 'app:"my app"'),
    HelpEntry("key>number", "more (<, >=, <= too); times in ms s m h d w. What has no time is never found", "age>5m"),
    *(HelpEntry(key.name, key.meaning, key.example) for key in _KEYS.values()),
)
"""The language as plain data: its forms first, then its keys."""

_ALONE = re.compile(r"(?:[<>]=?|=|:)(?=\s|$)")
_JOINT = re.compile(r"(?:AND|OR|NOT)(?=\s|$)")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"\S+")
_LISTED = re.compile(r"[^\s,]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:(["\\])|u\{([0-9a-f]{1,6})\})')
_PAIR = re.compile(r"([^\W\d][\w-]*?)(:|>=|<=|>|<|=)")
_WHOLE = re.compile(r"[0-9]{1,10}")


class _Parser:
    """Reads a text from left to right; every reader leaves off behind what it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def terms(self) -> Iterator[Predicate]:
        """All terms; FilterError at the first that cannot be read."""
        self._run(_SPACE)
        while self._at < len(self._text):
            yield self._term()
            self._expect_end_of_term()
            self._run(_SPACE)

    def take(self, sign: str) -> bool:
        """Step over `sign` if it is next."""
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def values(self, example: str, empty: bool = False) -> list[tuple[str, int]]:
        """One value or more, with commas between them, and where each begins."""
        found = [self._value(_LISTED, example, empty)]
        while self.take(","):
            found.append(self._value(_LISTED, example, empty))
        return found

    def pattern(self, example: str) -> Pattern:
        """A regular expression, up to the next space or in quotes."""
        return pattern(*self._value(_WORD, example))

    def duration(self, example: str) -> float:
        """Seconds."""
        written, position = self._value(_WORD, example)
        try:
            return parse_duration(written)
        except ValueError as error:
            raise FilterError(f"{error}", position) from None

    def whole(self, example: str) -> int:
        """A whole number."""
        return _whole(*self._value(_WORD, example), example)

    def _term(self) -> Predicate:
        start = self._at
        if not self.take("-"):
            return self._plain_term()
        if self.take("-"):
            raise FilterError("one `-` is enough: put text that begins with `-` in quotes", start)
        return Not(self._plain_term())

    def _plain_term(self) -> Predicate:
        start = self._at
        pair = _PAIR.match(self._text, start)
        if pair is None:
            return self._word()
        key = _key(pair[1])
        if key is None and pair[2] == "=":
            return self._word()  # more likely a piece of SQL than a key
        if key is None:
            raise _unknown_key(pair[1], pair[2], start)
        self._at = pair.end()
        if pair[2] not in key.operators:
            raise FilterError(f"`{pair[1]}` does not go with `{pair[2]}`: write it as in {key.example}", pair.start(2))
        return key.read(self, key, pair[2])

    def _word(self) -> Predicate:
        if self.take("~"):
            return Anywhere(self.pattern("~^select"))
        if alone := _ALONE.match(self._text, self._at):
            raise FilterError(f"`{alone[0]}` stands alone: write it without spaces, as in age>5m", self._at)
        if joint := _JOINT.match(self._text, self._at):
            words = "all terms must hold; alternatives are user:web,api; -term is not; in quotes it is text"
            raise FilterError(f"`{joint[0]}` is not part of the language: {words}", self._at)
        word, _ = self._value(_WORD, "idle or -idle")
        return Anywhere(Contains(word.lower()))

    def _value(self, plain: re.Pattern[str], example: str, empty: bool = False) -> tuple[str, int]:
        """A value, plain or in quotes, and where it begins."""
        start = self._at
        if self._text.startswith('"', start):
            value = self._quoted()
        else:
            value = self._run(plain)
            empty = False
        if not value and not empty:
            raise FilterError(f"a value is missing: write it as in {example}", start)
        return value, start

    def _quoted(self) -> str:
        start = self._at
        found = _QUOTED.match(self._text, start)
        if found is None:
            raise FilterError('the quote is not closed: write another " at its end', start)
        self._at = found.end()
        return _ESCAPE.sub(_unescaped, found[1])

    def _run(self, pattern: re.Pattern[str]) -> str:
        """What `pattern` matches next; "" where it does not."""
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _expect_end_of_term(self) -> None:
        rest = self._text[self._at : self._at + 1]
        if rest and not rest.isspace():
            raise FilterError("a space is missing after the quote", self._at)


def quoted(text: str) -> str:
    """`text` as a value of the language, which reads it back unchanged; every character of it is printable."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _key(name: str) -> _Key | None:
    plain = name.lower().replace("_", "-")
    return _KEYS.get(_OTHER_NAMES.get(plain, plain))


def _unknown_key(name: str, sign: str, position: int) -> FilterError:
    import difflib  # only for who has mistyped one

    near = difflib.get_close_matches(name.lower(), [*_KEYS, *_OTHER_NAMES], n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"use one of {', '.join(_KEYS)}."
    quotes = f"Text with `{sign}` in it goes in quotes"
    return FilterError(f"unknown key `{name}`: {hint} {quotes}", position)


def _whole(written: str, position: int, example: str) -> int:
    if not _WHOLE.fullmatch(written):
        raise FilterError(f"{written!r} is not a whole number: write it as in {example}", position)
    return int(written)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[1]
    code = int(escape[2], 16)
    return chr(code) if code <= sys.maxunicode else escape[0]
