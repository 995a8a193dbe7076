"""Properties of all filters: the printed sentence selects the same sessions, and no slip selects
more.
"""

import re
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    CLIENT_BACKEND,
    HIDDEN_QUERY,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter, FilterError
from tests.table.filter_scene import NOW, SERVER, ago
from tests.table.sentences import read

NAMES = (
    "web",
    "api",
    "my app",
    'a"b',
    "x\\d",
    "or",
    "Null",
    "-web",
    "",
    "\x1b[2J",
    "50%",
)
AGES = st.sampled_from([None, 0, 1, 5, 60, 300, 301, 90_000])
STATES = (
    "active", "idle", "idle in transaction", "idle in transaction (aborted)",
    "fastpath function call", "disabled",
    None,
)  # fmt: skip
WAITS = (
    (None, None),
    ("Lock", "relation"),
    ("Lock", "tuple"),
    ("LWLock", "WALWrite"),
    ("Client", "ClientRead"),
)
TYPES = (CLIENT_BACKEND, CLIENT_BACKEND, WALSENDER, PARALLEL_WORKER, "checkpointer")
QUERIES = (
    "",
    "select 1",
    "SELECT name\nFROM stock",
    "copy web to stdout",
    "commit",
    'say "or"',
    None,
)


def started() -> st.SearchStrategy[int | None]:
    return AGES.map(lambda seconds: None if seconds is None else ago(seconds))


@st.composite
def backends(draw: st.DrawFn) -> Backend:
    """Draw a session as a server could show it to a role."""
    named = draw(st.sampled_from([*NAMES, None, "role 10"]))
    wait, event = draw(st.sampled_from(WAITS))
    backend = Backend(
        draw(st.integers(1, 9)), ago(draw(st.sampled_from([1, 60, 301]))),
        draw(st.sampled_from([5, None])),
        draw(st.sampled_from([*NAMES, None, "database 5"])),
        usesysid=draw(st.sampled_from([10, None])), usename=named,
        application_name=draw(st.sampled_from(NAMES)),
        client_addr=draw(st.sampled_from([None, "10.0.0.7", "10.1.0.7", "127.0.0.1",
        "2001:db8::7"])),
        client_hostname=draw(st.sampled_from([None, "web-1.example"])),
        xact_start=draw(started()), query_start=draw(started()), state_change=draw(started()),
        wait_event_type=wait, wait_event=event, state=draw(st.sampled_from(STATES)),
        query=draw(st.sampled_from(QUERIES)),
        backend_type=draw(st.sampled_from(TYPES)),
        blocked_by=tuple(draw(st.lists(st.integers(0, 9), max_size=2,
        unique=True))) if wait == "Lock" else (),
    )  # fmt: skip
    return _hidden(backend) if draw(st.integers(0, 4)) == 0 else backend


def _hidden(backend: Backend) -> Backend:
    """Return the values that a role without rights sees: of a walsender also its type."""
    return Backend(
        backend.pid, None, backend.datid, backend.datname, usesysid=backend.usesysid,
        usename=backend.usename,
        application_name=backend.application_name, query=HIDDEN_QUERY,
        backend_type=WALSENDER if backend.backend_type == WALSENDER else None,
    )  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn) -> DerivedSnapshot:
    """Draw a server with a few sessions; it keeps twenty bytes of each query, or all of it."""
    size = draw(st.sampled_from([21, 1024]))
    several = draw(
        st.lists(
            backends(), min_size=1, max_size=6, unique_by=lambda backend: backend.pid
        )
    )
    return DerivedSnapshot.of(
        Snapshot(NOW, SERVER._replace(track_activity_query_size=size), tuple(several))
    )


def quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


VALUES = st.sampled_from(
    ["web", "api", "my app", 'a"b', "x\\d", "or", "WEB", "-web", "50%", "rom", "e"]
).map(quoted)
LISTS = st.lists(VALUES, min_size=1, max_size=3).map(",".join)
PATTERNS = st.sampled_from(["^web", "p+", "select.name", "^$", "o.", r"[\"w]e"]).map(
    quoted
)
WORD_KEYS = st.sampled_from(["db", "user", "app", "host", "type", "query"])
STATE_WORDS = st.sampled_from(
    [
        "active",
        "waiting",
        "idle",
        "idle-in-tx",
        "aborted",
        "other",
        "hidden",
        "fastpath",
        "disabled",
        "starting",
    ]
)
PLACES = st.sampled_from(
    ["local", "10.0.", "10.0.0.7", "10.0.0.0/8", "2001:db8:", "::1", "127.0.0.0/30"]
)
EVENTS = st.sampled_from(["lock", "Lock:tuple", "write", "client", "rel", "lwlock:w"])
PIDS = st.lists(st.integers(0, 9).map(str), min_size=1, max_size=3).map(",".join)
DURATIONS = st.sampled_from(
    ["0", "5", "5m", "1m", "1.5h", "1h30m", "5000ms", "301s", "1d1h"]
)


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(
        *(st.just(part) if isinstance(part, str) else part for part in parts)
    ).map("".join)


WORDS_SIGNS = st.sampled_from([":", ":=", "=", "!=", "!:", " = ", " <> "])
COMPARISONS = st.one_of(
    joined(WORD_KEYS, WORDS_SIGNS, LISTS),
    joined(WORD_KEYS, st.sampled_from(["~", ":~", "!~"]), PATTERNS),
    joined(st.sampled_from(["db", "user", "app"]), st.sampled_from(["=", "!="]), '""'),
    joined("state", st.sampled_from([":", "=", "!:"]),
    st.lists(STATE_WORDS, min_size=1, max_size=3).map(",".join)),
    joined("state", st.sampled_from(["~", "!~"]), PATTERNS),
    joined("client", st.sampled_from([":", "!:"]),
    st.lists(PLACES, min_size=1, max_size=3).map(",".join)),
    joined("client~", st.sampled_from(['"^10"', '"l$"'])),
    joined("wait", st.sampled_from([":", "=", "!="]),
    st.lists(EVENTS, min_size=1, max_size=3).map(",".join)),
    joined(st.sampled_from(["pid", "b"]), st.sampled_from([":", "!="]), PIDS),
    joined(st.sampled_from(["age", "xact", "query-age", "state-age", "backend-age", "idle"]),
           st.sampled_from(["<", ">", "<=", ">=", " > "]), DURATIONS),
    joined(st.sampled_from(["blocks", "blocked"]),
    st.sampled_from(["<", ">", "<=", ">=", "=", "!="]),
           st.integers(0, 3).map(str)),
    VALUES,
    joined("~", PATTERNS.filter(lambda pattern: pattern != '"^$"')),
    st.sampled_from(["web", "4711", "5"]),
)  # fmt: skip
TERMS = joined(st.sampled_from(["", "", "-", "!", "not "]), COMPARISONS)


def is_readable(text: str) -> bool:
    try:
        Filter(text)
    except FilterError:
        return False
    return True


FILTERS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        joined(inner, st.sampled_from([" ", " and ", " or ", "  ", " OR "]), inner),
        joined(st.sampled_from(["(", "not (", "-("]), inner, ")"),
    ),
    max_leaves=6,
).filter(is_readable)  # a word before a pattern, and two pids, are not


def decisions(text: str, derived: DerivedSnapshot) -> dict[int, bool | None]:
    decide = Filter(text).decide(derived)
    return {backend.pid: decide(backend) for backend in derived.snapshot.backends}


@settings(deadline=None)
@given(FILTERS)
def test_the_canonical_text_is_read_back_as_an_equal_filter(text: str) -> None:
    """The canonical text is its own canonical text, and has the same sentence."""
    chosen = Filter(text)
    again = Filter(chosen.canonical)
    assert again == chosen
    assert again.canonical == chosen.canonical
    assert again.understood == chosen.understood
    assert chosen.understood.isprintable()


@settings(deadline=None)
@given(FILTERS, snapshots())
def test_the_printed_sentence_selects_the_same_sessions(
    text: str, derived: DerivedSnapshot
) -> None:
    """An independent reader of the sentence decides the same for every session."""
    chosen = Filter(text)
    decide = read(chosen.understood)
    expected = {
        backend.pid: decide(backend, derived) for backend in derived.snapshot.backends
    }
    assert decisions(text, derived) == expected
    matches = chosen.on(derived)
    assert {b.pid for b in derived.snapshot.backends if matches(b)} == {
        pid for pid in expected if expected[pid]
    }


@settings(deadline=None)
@given(FILTERS, snapshots())
def test_no_session_matches_a_filter_and_its_negation(
    text: str, derived: DerivedSnapshot
) -> None:
    """A session that is undecided for one is undecided for the other."""
    of, of_negation = decisions(text, derived), decisions(f"not ({text})", derived)
    assert of_negation == {
        pid: None if answer is None else not answer for pid, answer in of.items()
    }


EMPTIED = (
    "db:{}", "-db:{}", "!db:{}", "not db:{}", "db={}", "db:={}", "db!={}", "user:web,{}",
    "user:{},web", "app~{}",
    "app:~^{}", "app!~{}", "app:~^{}$", 'app:"{}"', "app:'{}'", 'app:="{}"', '-app="{}"', '~"{}"',
    '"{}"', "{}",
    "db = {}", "({} or user:web)", "(user:web or {})", "(db:{})", "not (db:{})", "user:web {}",
    "state:idle app:{}",
    "app:{} state:idle", "app:{} or state:idle", "query:drop {}", "query:{} table",
)  # fmt: skip
TIMES_EMPTIED = (
    "age>{}",
    "age>{}m",
    "-age>{}",
    "pid:{}",
    "pid:{},5",
    "blocks>{}",
    "-pid:{}",
    "{}",
)


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw a script's arguments as intended, and with one of its variables empty."""
    template = draw(st.sampled_from(EMPTIED + TIMES_EMPTIED))
    is_number = template in TIMES_EMPTIED and template != "{}"
    value = draw(
        st.sampled_from(["5"] if is_number else ["web", "api", "user:web", "shop"])
    )
    others = [
        *draw(
            st.lists(
                st.sampled_from(
                    ["user:web", "-state:idle", "age>1m", "(db:api or app:web)"]
                ),
                max_size=2,
            )
        )
    ]
    place = draw(st.integers(0, len(others)))
    intended, emptied = (
        [*others[:place], template.format(text), *others[place:]]
        for text in (value, "")
    )
    return intended, emptied


@settings(deadline=None)
@given(command_lines(), snapshots())
def test_an_empty_variable_never_selects_more(
    lines: tuple[list[str], list[str]], derived: DerivedSnapshot
) -> None:
    """A command with an emptied value is refused, or selects some of the intended sessions."""
    intended, emptied = lines
    assert signalled(emptied, derived) <= signalled(intended, derived)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["user", "app", "query"]), min_size=1, max_size=1),
    st.sampled_from(["=", "!=", ":", "~", "<>"]),
    st.lists(
        st.sampled_from(
            ["state:idle", "-db:shop", "(", "and", "or", "not", "age>5m", '-"web"']
        ),
        max_size=3,
    ),
    snapshots(),
)
def test_a_dropped_value_is_not_replaced_by_the_next_term(
    key: list[str], sign: str, rest: list[str], derived: DerivedSnapshot
) -> None:
    """`app = $APP state:idle` without its value is refused: the next term is not taken for it."""
    assert signalled([*key, sign, *rest], derived) == set()


def signalled(arguments: Sequence[str], derived: DerivedSnapshot) -> set[int]:
    """Return the pids that a command would signal; none if it refuses."""
    chosen = filter_of(arguments)
    if chosen is None:
        return set()
    try:
        chosen.check_for_signals()
    except FilterError:
        return set()
    decide = chosen.decide(derived)
    return {backend.pid for backend in derived.snapshot.backends if decide(backend)}


def filter_of(arguments: Sequence[str]) -> Filter | None:
    """Return the filter, or None if there is an error at one of its characters."""
    place = 0
    try:
        return Filter.of_arguments(arguments)
    except FilterError as error:
        place = error.position
    assert 0 <= place <= len(" ".join(arguments))
    return None


OUTSIDER = Backend(
    900, ago(2), 6, "zzz", usesysid=11, usename="zzz", application_name="zzz",
    client_addr="192.168.9.9",
    client_hostname="zzz.example", xact_start=ago(1), query_start=ago(1), state_change=ago(1),
    state="active",
    query="zzz", backend_type=CLIENT_BACKEND,
)  # fmt: skip
"""A session that no term below matches."""
NARROW = st.sampled_from(
    [
        "db:shop", "app:'my app'", 'app:"my worker"', "state:'idle in transaction'", "user = 'web'",
        "age>5m",
        "query:'drop table'", "app~'^web'", "client:10.0.0.0/8", "pid:4711", "4711", '"drop table"',
        "wait:lock",
        "state:idle in transaction", "app:my app", "user in (web)", "app like 'w%'",
        "query:count(*)", "age > 5 m",
        "app:$APP", "user:web, api", "db == 'shop'", "app:~^web|api", "user:web;api",
        "client: 10.0.0.1",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(NARROW, min_size=1, max_size=4),
    st.sampled_from([" ", " and ", " or "]),
    st.data(),
)
def test_no_accident_of_quoting_selects_all_sessions(
    terms: list[str], sign: str, data: st.DataObject
) -> None:
    """A session that no term matches is never selected, even with lost quotes, split or joined
    words and empty variables.
    """
    derived = DerivedSnapshot.of(Snapshot(NOW, SERVER, (OUTSIDER,)))
    line = sign.join(terms)
    accidents = (
        [line],
        line.split(),
        re.sub(r"[\"']", "", line).split(),
        [re.sub(r"[\"']", "", line)],
        [re.sub(r"[\"']", "", term) for term in terms],
        line.replace("$APP", "").split(" "),
        [word for word in line.split() if data.draw(st.booleans())],
        [line[: data.draw(st.integers(0, len(line)))]],
    )
    for arguments in accidents:
        assert signalled(arguments, derived) == set(), arguments


@settings(deadline=None)
@given(
    st.lists(
        st.text(max_size=8)
        | st.sampled_from(
            ["db:x", "(", ")", "or", "not", "'", '"', "=", "app:a b", "~^"]
        )
    )
)
def test_any_arguments_are_a_filter_or_an_error(arguments: list[str]) -> None:
    """Arguments are a filter with a sentence, or a FilterError."""
    chosen = filter_of(arguments)
    if chosen is not None:
        assert Filter(chosen.text) == chosen == Filter(chosen.canonical)
        assert not chosen.understood or read(chosen.understood) is not None


UNITS = [
    "a ",
    "(",
    "-",
    "not ",
    "1",
    "age>5 ",
    "'",
    '"',
    "app:a,",
    "~(",
    "db=",
    "=",
    " ",
    "\\",
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_text_is_parsed_or_refused_at_once(unit: str) -> None:
    """A pasted text takes less than half a second."""
    for text in (unit * (2000 // len(unit)), unit * 500_000):
        began = time.perf_counter()
        with suppress(FilterError):
            Filter(text)
        filter_of([text])
        assert time.perf_counter() - began < 0.5
