"""The filter: which sessions match, and that no pattern can delay the keyboard."""

import subprocess
import sys
import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.backend import Backend
from pgtop.table.filter import Filter, FilterError, quoted
from pgtop.table.language.help import FILTER_HELP, HelpEntry
from tests.table.filter_scene import ALL, DERIVED, RUNNER

TERMS = st.sampled_from(
    [
        '"shop"',
        "db:shop",
        "state:idle",
        "-query:copy",
        "wait:Lock",
        "age>5m",
        "blocks>0",
        "pid:4711",
        "~^sel",
        "app:~i",
        '"x"',
    ]
)


def matching(text: str) -> set[int]:
    return {backend.pid for backend in ALL if Filter(text).matches(backend, DERIVED)}


EVERY_PID = {backend.pid for backend in ALL}
SEEN = EVERY_PID - {4716}


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("", EVERY_PID),
        ("  ", EVERY_PID),
        # plain words: any column, any case, all of them
        ("shop", {4711, 4712}),
        ("SHOP", {4711, 4712}),
        ("orders", {4711}),
        ("web crm", {4713}),
        ("web and crm", {4713}),
        ("anna commit", {4714}),
        ("4713", {4713}),
        ("checkp", {9}),
        ("walsender", {4717}),
        ("clientread", {4712, 4714}),
        ('"lock:rel"', {4713}),
        ("batch.local", {4712}),
        ("10.0.0.", {4711, 4712, 4714, 4717}),
        ("local", {4712, 4713}),
        ("waiting", {4713}),
        ('"id = 5"', {4711}),
        ('"web crm"', set()),
        ("~^sel", {4711, 4715}),
        ("~orders?\\b", {4711}),
        # columns, their full names, alternatives, exact, patterns
        ("db:shop", {4711, 4712}),
        ("DB:Sho", {4711, 4712}),
        ("database:shop", {4711, 4712}),
        ("datname:shop", {4711, 4712}),
        ("user:web,anna", {4711, 4713, 4714, 4715}),
        ("role:web", {4711, 4713}),
        ("user:=we", set()),
        ("user:=web", {4711, 4713}),
        ("user:=WEB", set()),
        ("user:=web,worker", {4711, 4712, 4713}),
        ('db:=""', {4717, 9}),
        ('app:="" type:client', {4713}),
        ("app:~^api", {4711}),
        ("app:~^API-[0-9]{1,3}$", {4711}),
        ('app:"my app"', {4712}),
        ('app:"my app, v2",psql', {4712, 4715}),
        ('app:="my app, v2"', {4712}),
        ('app:="say \\"hi\\" \\\\o/"', {4714}),
        ('application_name:~"app, v\\d"', {4712}),
        ("client:10.0.0.1", {4711}),
        ("host:batch", {4712}),
        ("client:10.0.0.", {4711, 4712, 4714, 4717}),
        ("client:10.0.0.0/29", {4711, 4712, 4717}),
        ("client:10.0.0.1,::1", {4711, 4715}),
        ("-client:10.0.0.0/8,::1", {4713, 9}),
        ("client:local", {4713}),
        ("client:=local", {4713}),
        ("client:::1", {4715}),
        ("type:walsender", {4717}),
        ("query:copy", {4713}),
        ("query:~^(copy|lock)", {4712, 4713}),
        ("pid:4711", {4711}),
        ("pid:471", set()),
        ("pid:4711,9", {4711, 9}),
        # states by the names on screen and the server's; waiting for a lock is apart, as in the bar
        ("state:active", {4711, 4717}),
        ("state:=active", {4711, 4717}),
        ("active", {4711, 4717}),
        ("state:active,waiting", {4711, 4713, 4717}),
        ("state:idle", {4714}),
        ("state:active,idle", {4711, 4714, 4717}),
        ("state:idle-in-tx", {4712, 4715}),
        ("state:idle-in-transaction", {4712, 4715}),
        ('state:"idle in tx"', {4712, 4715}),
        ("state:Idle-In-Tx", {4712, 4715}),
        ("-state:idle-in-tx", {4711, 4713, 4714, 4717, 9}),
        ('state:="idle in transaction"', {4712}),
        ("state:aborted", {4715}),
        ("state:waiting", {4713}),
        ("state:hidden", {4716}),
        ("state:~trans", {4712, 4715}),
        # waits by type, event or both; Lock is not LWLock
        ("wait:Lock", {4713}),
        ("wait:lock", {4713}),
        ("wait:lwlock", {4715}),
        ("wait:relation", {4713}),
        ("wait:Lock:relation", {4713}),
        ("wait:lock:rel", {4713}),
        ("wait:lock:tuple", set()),
        ("wait:=Lock", {4713}),
        ("wait:=Lock:relation", {4713}),
        ("wait:client", {4712, 4714}),
        ("wait:read", {4712, 4714}),
        ("wait:~^L.*:", {4713, 4715}),
        # ages at the snapshot's time, with units; sessions without that time never match
        ("age>5m", {4711, 4712, 4714}),
        ("age>5 web", {4711, 4713}),
        ("age>=10m", {4711, 4714}),
        ("age>10m", {4714}),
        ("age<1m", {4713, 4717}),
        ("age<1.5s", set()),
        ("xact>0", {4711, 4712, 4713, 4715}),
        ("xact<10m", {4712, 4713, 4715}),
        ("query-age<=30", {4711, 4713}),
        ("query_age<=30s", {4711, 4713}),
        ("state-age>1000", {4714}),
        ("backend-age>1h30m", {4712, 4714}),
        ("idle>5m", {4714}),
        ("idle<1h", {4714}),
        # counts
        ("blocks>0", {4712}),
        ("blocks>1", set()),
        ("blocked>0", {4713}),
        ("blocked=1", {4713}),
        ("blocked<1", SEEN - {4713}),
        ("blocked=0", SEEN - {4713}),
        ("blocked!=1", SEEN - {4713}),
        # not
        ("-shop", SEEN - {4711, 4712}),
        ("-query:copy db:crm", {4714, 4715}),
        ("-age>5m", {4713, 4715, 4717}),
        ("-xact<10m", {4711}),
        ("-state:active,waiting,idle -state:hidden type:client", {4712, 4715}),
        ('-app:"my app"', EVERY_PID - {4712}),
        ("-~^sel", SEEN - {4711, 4715}),
        ("not db:shop", EVERY_PID - {4711, 4712}),
        ("not (db:shop or user:anna)", EVERY_PID - {4711, 4712, 4714, 4715}),
        ("not (age>5m state:active)", {4712, 4713, 4714, 4715, 9, 4717}),
        # or, and groups
        ("db:shop or user:anna", {4711, 4712, 4714, 4715}),
        ("db:shop user:web or db:crm user:anna", {4711, 4714, 4715}),
        ("db:crm (user:web or state:idle)", {4713, 4714}),
        ("pid:4711 or 4712", {4711, 4712}),
        ("db:shop user:web app:~^api state:active age>5m pid:4711 -query:copy", {4711}),
    ],
)
def test_which_sessions_match(text: str, pids: set[int]) -> None:
    """Each form of the language matches exactly these sessions."""
    assert matching(text) == pids


@given(TERMS.filter(lambda term: not term.startswith("-")))
def test_no_session_matches_a_term_and_its_negation(term: str) -> None:
    """A session that matches neither is undecided, such as one with a hidden state."""
    assert not matching(f"-{term}") & matching(term)
    decide = Filter(term).decide(DERIVED)
    assert {b.pid for b in ALL if decide(b) is None} == EVERY_PID - matching(
        f"-{term}"
    ) - matching(term)


@given(TERMS, TERMS)
def test_terms_are_joined_by_and(one: str, other: str) -> None:
    """A session matches two terms, in either order, if it matches both."""
    assert (
        matching(f"{one} {other}")
        == matching(one) & matching(other)
        == matching(f"{other} {one}")
    )


@given(
    st.text()
    | st.sampled_from(
        [
            'a"b',
            "-x",
            "~x",
            "=x",
            "a, b",
            "\\",
            '\\"',
            "\\u{41}",
            "\u202eevil\x1b[2J",
            "\ud800",
        ]
    )
)
def test_a_quoted_name_matches_exactly(name: str) -> None:
    """A quoted name matches exactly the sessions with that name, whatever is in it; so do two in
    one list.
    """
    named, other = (
        Backend(1, application_name=name),
        Backend(2, application_name=f"{name}!"),
    )
    only = Filter(f"app:={quoted(name)}")
    assert only.matches(named, DERIVED)
    assert not only.matches(other, DERIVED)
    both = Filter(f"app:={quoted(name)},{quoted(name + '!')}")
    assert both.matches(named, DERIVED)
    assert both.matches(other, DERIVED)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_quoted_word_matches_in_any_case(word: str) -> None:
    """A quoted word matches within a query in upper or lower case, as Python defines them."""
    backend = RUNNER._replace(query=f"before {word.lower()} after")
    assert Filter(quoted(word)).matches(backend, DERIVED)
    assert not Filter(f"-{quoted(word)}").matches(backend, DERIVED)


def crowd(size: int, query: str) -> Iterable[Backend]:
    return [
        RUNNER._replace(
            pid=10_000 + i, application_name=f"app-{i}", query=f"{query} {i}"
        )
        for i in range(size)
    ]


def test_a_hopeless_pattern_is_stopped_at_one_session() -> None:
    """Catastrophic backtracking ends in a FilterError at the pattern, within half a second."""
    backend = RUNNER._replace(query="ab" * 400)
    began = time.monotonic()
    with pytest.raises(FilterError, match="takes too long") as caught:
        Filter("shop query:~(a|b|ab)*(a|b|ab)*[cd]$").matches(backend, DERIVED)
    assert caught.value.position == 12
    assert time.monotonic() - began < 0.5


def test_a_slow_pattern_is_stopped_at_many_sessions() -> None:
    """A pattern that is fast enough for one session but not for thousands stops, too, so that no
    scan can freeze the keyboard.
    """
    test = Filter("query:~.*.*.*[!?]").on(DERIVED)
    began = time.monotonic()
    with pytest.raises(FilterError, match="takes too long"):
        [test(backend) for backend in crowd(5000, "ab " * 250)]
    assert time.monotonic() - began < 1.5


def test_a_word_is_fast_for_ten_thousand_sessions() -> None:
    """Filtering while typing takes a few milliseconds here; the limit has room for slow
    machines.
    """
    backends = crowd(
        10_000, "SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1"
    )
    test = Filter("nowhere").on(DERIVED)
    began = time.process_time()
    assert not any(map(test, backends))
    assert time.process_time() - began < 0.1


def test_the_pattern_library_is_loaded_only_for_patterns() -> None:
    """Most filters never need the library of patterns, so that start-up does not load it."""
    assert not is_loaded("regex", by="Filter('db:shop x age>5m')")
    assert is_loaded("regex", by="Filter('~^x')")


def is_loaded(module: str, by: str) -> bool:
    """Return whether a statement loads a module into a fresh interpreter."""
    code = (
        f"import sys; from pgtop.table.filter import "
        f"Filter; {by}; print({module!r} in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return run.stdout.strip() == "True"


def test_the_language_is_loaded_only_for_a_filter() -> None:
    """An empty filter needs no parser, so that start-up does not load it."""
    assert not is_loaded("pgtop.table.predicates", by="Filter()")


def test_equal_texts_are_equal_filters() -> None:
    """Filters are values: they are equal if their texts mean the same."""
    assert Filter("db:shop") == Filter("db:shop") != Filter("db:crm")
    assert Filter() == Filter("")


@pytest.mark.parametrize("entry", FILTER_HELP, ids=lambda entry: entry.name)
def test_the_help_is_true(entry: HelpEntry) -> None:
    """Every example in the help is a filter, and every entry has a meaning."""
    Filter(entry.example)
    assert entry.name
    assert entry.meaning
