"""The filter: what it finds, what it refuses and where, and that no pattern can hold up the
keyboard.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, HIDDEN_QUERY, WALSENDER, Backend
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.filter import Filter, FilterError, quoted
from pgtop.table.language.help import FILTER_HELP, HelpEntry

NOW = 10_000 * MICROSECONDS
SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))


def ago(seconds: float) -> int:
    return NOW - int(seconds * MICROSECONDS)


RUNNER = Backend(
    4711, ago(3600), datname="shop", usename="web", application_name="api-7", client_addr="10.0.0.1",
    xact_start=ago(600), query_start=ago(30), state_change=ago(30), state="active",
    query="SELECT total FROM Orders WHERE id = 5", backend_type=CLIENT_BACKEND,
)  # fmt: skip
HOLDER = Backend(
    4712, ago(7200), datname="shop", usename="worker", application_name="my app, v2", client_hostname="batch.local",
    client_addr="10.0.0.2", xact_start=ago(400), query_start=ago(399), state_change=ago(399),
    wait_event_type="Client", wait_event="ClientRead", state="idle in transaction", query="LOCK TABLE stock",
    backend_type=CLIENT_BACKEND,
)  # fmt: skip
WAITER = Backend(
    4713, ago(50), datname="crm", usename="web", application_name="", xact_start=ago(20), query_start=ago(20),
    state_change=ago(20), wait_event_type="Lock", wait_event="relation", state="active", query="COPY stock TO STDOUT",
    backend_type=CLIENT_BACKEND, blocked_by=(4712, 4712),
)  # fmt: skip
SLEEPER = Backend(
    4714, ago(9000), datname="crm", usename="anna", application_name='say "hi" \\o/', client_addr="10.0.0.9",
    query_start=ago(1200), state_change=ago(1200), wait_event_type="Client", wait_event="ClientRead", state="idle",
    query="COMMIT", backend_type=CLIENT_BACKEND,
)  # fmt: skip
BROKEN = Backend(
    4715, ago(100), datname="crm", usename="anna", application_name="psql", client_addr="::1", xact_start=ago(90),
    query_start=ago(80), state_change=ago(80), wait_event_type="LWLock", wait_event="WALWrite",
    state="idle in transaction (aborted)", query="selekt 1", backend_type=CLIENT_BACKEND,
)  # fmt: skip
HIDDEN = Backend(
    4716,
    datid=5,
    datname="crm",
    usename="secret",
    usesysid=99,
    application_name="",
    query=HIDDEN_QUERY,
)
STANDBY = Backend(
    4717, ago(5), usename="replicator", application_name="standby1", client_addr="10.0.0.3", state="active",
    state_change=ago(5), wait_event_type="Activity", wait_event="WalSenderMain", backend_type=WALSENDER,
)  # fmt: skip
CHECKPOINTER = Backend(9, ago(5), application_name="", backend_type="checkpointer", query="")
ALL = (RUNNER, HOLDER, WAITER, SLEEPER, BROKEN, HIDDEN, STANDBY, CHECKPOINTER)
PICTURE = DerivedSnapshot.of(Snapshot(NOW, SERVER, ALL))


def found(text: str) -> set[int]:
    return {backend.pid for backend in ALL if Filter.parse(text).matches(backend, PICTURE)}


EVERYBODY = {backend.pid for backend in ALL}
SEEN = EVERYBODY - {4716}


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("", EVERYBODY),
        ("  ", EVERYBODY),
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
        # states by the names on screen and the server's; who waits for a lock is apart, as in the
        # bar
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
        # ages against the picture, with units; what has no time is never found
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
        ('-app:"my app"', EVERYBODY - {4712}),
        ("-~^sel", SEEN - {4711, 4715}),
        ("not db:shop", EVERYBODY - {4711, 4712}),
        ("not (db:shop or user:anna)", EVERYBODY - {4711, 4712, 4714, 4715}),
        ("not (age>5m state:active)", {4712, 4713, 4714, 4715, 9, 4717}),
        # or, and groups
        ("db:shop or user:anna", {4711, 4712, 4714, 4715}),
        ("db:shop user:web or db:crm user:anna", {4711, 4714, 4715}),
        ("db:crm (user:web or state:idle)", {4713, 4714}),
        ("pid:4711 or 4712", {4711, 4712}),
        ("db:shop user:web app:~^api state:active age>5m pid:4711 -query:copy", {4711}),
    ],
)
def test_what_is_found(text: str, pids: set[int]) -> None:
    """Each form of the language finds exactly these sessions."""
    assert found(text) == pids


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("foer:x", 0, "unknown key `foer`"),
        ("shop foer:x", 5, "use one of db, user, app"),
        ("usr:x", 0, "did you mean `user`?"),
        ("http://x", 0, "in quotes"),
        ("size>5", 0, "unknown key `size`"),
        ("id=5", 0, "unknown key `id`"),
        ("shop ~^sel", 0, "unknown key `shop`"),
        ("state:", 6, "as in state:active"),
        ("state:blocked", 6, "`blocked` is no state: use one of active, waiting, idle, idle-in-tx"),
        ("state:idl", 6, "`idl` is no state"),
        ("state:idle,nosuch", 11, "`nosuch` is no state"),
        ("state:idle in transaction", 11, "write state:idle-in-tx"),
        ("state:active,", 13, "a value is missing"),
        ("db:shop user:", 13, "as in user:web"),
        ("user:=", 6, "a value is missing"),
        ("user: web", 5, "a value is missing"),
        ("user:web, api", 9, "a value is missing"),
        ("user:web ,api", 9, "user:web,api"),
        ("age>", 4, "as in age>5m"),
        ("age> 5m", 4, "as in age>5m"),
        ("age >  5m", 5, "as in age>5m"),
        ("age>5x", 4, "is not a duration"),
        ("age>-5", 4, "is not a duration"),
        ("age>5 m", 6, "write 5m"),
        ("age > 1.5 hours db:x", 10, "write 1.5h"),
        ("age>200 MS", 8, "write 200ms"),
        ("age>999999d", 4, "at most 99999d"),
        ("age>" + "9" * 400, 4, "at most 99999d"),
        ("age:5m", 3, "`age` does not go with `:`"),
        ("age=5m", 3, "as in age>5m"),
        ("age=>5m", 3, "as in age>5m"),
        ("age between 1m and 5m", 4, "write age>=1m age<=5m"),
        ("db>shop", 2, "as in db:shop"),
        ("pid:x", 4, "is not a whole number"),
        ("pid:1,x", 6, "is not a whole number"),
        ("pid:99999999999", 4, "is not a whole number"),
        ("pid in (1,2)", 4, "as in pid:4711,4712"),
        ("blocks>many", 7, "is not a whole number"),
        ("blocks:1", 6, "as in blocks>0"),
        ('app:"my', 4, "the quote is not closed"),
        ("app:'my", 4, "the quote is not closed: write another '"),
        ('"my app', 0, "the quote is not closed"),
        ('app:"my"app', 8, "a space is missing"),
        ('"a","b"', 3, "a space is missing"),
        ('db:""', 3, "a value is missing"),
        ('""', 0, "nothing in the quotes"),
        ('"datname"=shop', 9, "a key goes without quotes"),
        ("app:it's", 6, "goes in quotes"),
        ("app:web*", 7, "already means contains"),
        ("app:%web%", 4, "already means contains"),
        ("app:web|api", 7, "app:web,api"),
        ("app:^web", 4, "a pattern is app:~^web"),
        ("app:a:b", 5, "cannot stand in a value"),
        ("app:-web", 4, "in quotes"),
        ("app:null", 4, "`null` is not part of the language"),
        ("app=~web", 4, "as in app:~^api"),
        ("app like 'web%'", 4, "write app:web (contains) or app~^web"),
        ("app NOT LIKE 'web%'", 4, "write not app:web"),
        ("user in (web,api)", 5, "write user:web,api"),
        ("query is null", 6, "write not query~. for none"),
        ("user = web in", 11, "`in` is not part of the language"),
        ("app:my app", 7, "`app` is a key"),
        ("user", 0, "`user` is a key"),
        ("in", 0, "`in` is not part of the language"),
        ("shop LIKE web", 5, "`LIKE` is not part of the language"),
        ("web*", 3, "is no wildcard here"),
        ("a=b", 0, "unknown key `a`"),
        ("5=5", 1, "in quotes"),
        ("= 5", 0, "`=` needs a key"),
        ("shop || crm", 5, "with `or` between them"),
        ("shop && crm", 5, "with `and` between them"),
        ("shop;crm", 4, "in quotes"),
        ("client:10.1", 7, "`10.1` is no address"),
        ("client:web-1", 7, "host names go with host:"),
        ("client:web1", 7, "host names go with host:"),
        ("client:10.1.2.3/8", 7, "write 10.0.0.0/8"),
        ("client=10.0.", 7, "write client:10.0."),
        ("-", 1, "a term is missing"),
        ("! shop", 1, "a term is missing"),
        ("not", 3, "a term is missing"),
        ("--x", 1, "one `-` is enough"),
        ("not not x", 4, "one `not` is enough"),
        ("or", 0, "a term is missing"),
        ("shop or", 7, "a term is missing"),
        ("shop or and crm", 8, "a term is missing"),
        ("()", 1, "a term is missing"),
        ("(shop", 0, "the parenthesis is not closed"),
        ("shop)", 4, "`)` closes nothing"),
        # what chats, editors and keyboards make of the signs
        ("db：shop", 2, "write :"),
        ("age≥5m", 3, "write >="),
        ("db≠shop", 2, "write !="),
        ("–db:shop", 0, "write -"),
        ("app:“web”", 4, "write \" or '"),
        ("app!~“web”", 5, "write \" or '"),
        ("app!=‘web’", 5, "write \" or '"),
        ("（db:shop）", 0, "write ("),
        ("db!=shop\u200b", 8, "cannot be seen (U+200B): remove it"),
        ("app!~web\u200b", 8, "cannot be seen (U+200B)"),
        ('db!="shop\u200b"', 9, "cannot be seen (U+200B)"),
        ("db!='my\u00a0shop'", 7, "not an ordinary one (U+00A0)"),
        ("age>5m 30s", 7, "write 5m30s"),
        ("age>1h 30m db:shop", 7, "write 1h30m"),
        ("stmt>5m", 0, "did you mean `query-age`?"),
        ("xact_start<5m", 0, "did you mean `xact`?"),
        # lists that are none
        ("pid:1 pid:2", 6, "several are pid:1,2"),
        ("pid:1 db:a 2", 11, "several are pid:1,2"),
        ("user=web user=api", 9, "several are user=web,api"),
        ("db=a (age>1m db=b)", 13, "several are db=a,b"),
        ("state:idle state:active", 11, "several are state:idle,active"),
        # parts of a type
        ("type!=client", 6, 'write type:client, or type="client backend"'),
        ("type=autovacuum", 5, "write type:autovacuum"),
        ("type=WALSENDER", 5, 'type="walsender"'),
        ("(" * 21 + "x" + ")" * 21, 20, "20 deep"),
        ("~", 1, "a pattern is missing"),
        ("user~~'web%'", 5, "goes in quotes"),
        ("user !~~ web", 7, "goes in quotes"),
        ("user ~= web", 6, "goes in quotes"),
        ('app:~^"my', 6, "goes in quotes"),
        ("app ~ state:idle", 6, "looks like a term"),
        ("4711 4712", 5, "pid:4711,4712"),
        ("pid:4711 4712", 9, "pid:4711,4712"),
        ("idle in transaction", 5, "write state:idle-in-tx"),
        ("idle", 0, "or state:idle"),
        ("blocked_by>0", 10, "as in b:4711"),
        ("client:10.0.*", 12, "as in client:10.0."),
        ("~(", 1, "missing )"),
        ("app:~[a", 5, "cannot be read"),
        ("~(?L)(?u)a", 1, "cannot be read"),
        ("~" + "(" * 400, 1, "nested too deeply"),
        ("~" + "a" * 501, 1, "500 characters"),
        ("x" * 2001, 2000, "2000 characters"),
    ],
)
def test_what_cannot_be_read(text: str, position: int, words: str) -> None:
    """An error names the character and says what is right, also of the word that is still being
    typed.
    """
    with pytest.raises(FilterError) as caught:
        Filter.parse(text)
    assert caught.value.position == position
    assert words in caught.value.message
    assert str(caught.value) == f"character {position + 1}: {caught.value.message}"


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
FRAGMENTS = st.lists(
    TERMS | st.sampled_from([*'-:=~<>,"\\ (){}*', "age", "pid", "state"]) | st.text(max_size=3)
)


@settings(deadline=None)  # a pattern may take its whole limit
@given(FRAGMENTS.map("".join) | st.text())
def test_reading_raises_nothing_else(text: str) -> None:
    """Whatever is typed is a filter or a FilterError at a place in the text; a filter can be put to
    any session.
    """
    error = error_of(text)
    assert error is None or (0 <= error.position <= len(text) and error.message)


def error_of(text: str) -> FilterError | None:
    try:
        chosen = Filter.parse(text)
        for backend in ALL:
            chosen.matches(backend, PICTURE)
    except FilterError as error:
        return error
    return None


@given(TERMS.filter(lambda term: not term.startswith("-")))
def test_nobody_is_found_by_a_term_and_by_its_negation(term: str) -> None:
    """Whoever is found by neither is undecided, such as a session where the state is hidden."""
    assert not found(f"-{term}") & found(term)
    decide = Filter.parse(term).decide(PICTURE)
    assert {b.pid for b in ALL if decide(b) is None} == EVERYBODY - found(f"-{term}") - found(term)


@given(TERMS, TERMS)
def test_terms_are_anded(one: str, other: str) -> None:
    """Two terms find what both find, in either order."""
    assert found(f"{one} {other}") == found(one) & found(other) == found(f"{other} {one}")


@given(
    st.text()
    | st.sampled_from(
        ['a"b', "-x", "~x", "=x", "a, b", "\\", '\\"', "\\u{41}", "\u202eevil\x1b[2J", "\ud800"]
    )
)
def test_quoted_names_come_back(name: str) -> None:
    """A quoted name finds exactly the sessions that bear it, whatever is in it; so do two in one
    list.
    """
    named, other = Backend(1, application_name=name), Backend(2, application_name=f"{name}!")
    only = Filter.parse(f"app:={quoted(name)}")
    assert only.matches(named, PICTURE)
    assert not only.matches(other, PICTURE)
    both = Filter.parse(f"app:={quoted(name)},{quoted(name + '!')}")
    assert both.matches(named, PICTURE)
    assert both.matches(other, PICTURE)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_quoted_words_are_found_in_any_case(word: str) -> None:
    """A quoted word is found within a query in upper or lower case as Python has them."""
    backend = RUNNER._replace(query=f"before {word.lower()} after")
    assert Filter.parse(quoted(word)).matches(backend, PICTURE)
    assert not Filter.parse(f"-{quoted(word)}").matches(backend, PICTURE)


def crowd(size: int, query: str) -> Iterable[Backend]:
    return [
        RUNNER._replace(pid=10_000 + i, application_name=f"app-{i}", query=f"{query} {i}")
        for i in range(size)
    ]


def test_a_hopeless_pattern_is_stopped_on_one_session() -> None:
    """Catastrophic backtracking ends in a FilterError at the pattern, within a blink."""
    backend = RUNNER._replace(query="ab" * 400)
    began = time.monotonic()
    with pytest.raises(FilterError, match="takes too long") as caught:
        Filter.parse("shop query:~(a|b|ab)*(a|b|ab)*[cd]$").matches(backend, PICTURE)
    assert caught.value.position == 12
    assert time.monotonic() - began < 0.5


def test_a_slow_pattern_is_stopped_over_all_sessions() -> None:
    """A pattern that is bearable on each session but not on thousands stops too, so no pass can
    freeze the keyboard.
    """
    test = Filter.parse("query:~.*.*.*[!?]").on(PICTURE)
    began = time.monotonic()
    with pytest.raises(FilterError, match="takes too long"):
        [test(backend) for backend in crowd(5000, "ab " * 250)]
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "text",
    [
        "~(?:a{5000}){5000}",
        "~" + "(?:" * 30 + "a" + "){9}" * 30,
        '~"(?x)(?:a{5 000}){999}"',
    ],
)
def test_a_pattern_that_would_not_even_compile_in_time_is_refused(text: str) -> None:
    """Counted repeats inside each other would take the compiler minutes and gigabytes."""
    began = time.monotonic()
    with pytest.raises(FilterError, match="repeats more than"):
        Filter.parse(text)
    assert time.monotonic() - began < 0.5


def test_a_word_is_quick_over_ten_thousand_sessions() -> None:
    """Filtering as one types stays far below a frame: a few milliseconds here, with room for slow
    machines.
    """
    backends = crowd(10_000, "SELECT o.id, o.total FROM orders o WHERE o.customer_id = $1")
    test = Filter.parse("nowhere").on(PICTURE)
    began = time.process_time()
    assert not any(map(test, backends))
    assert time.process_time() - began < 0.1


def test_the_pattern_library_is_loaded_only_for_patterns() -> None:
    """Start-up does not pay for a library that most filters never need."""
    code = "import sys; from pgtop.table.filter import Filter; Filter('db:shop x age>5m'); print('regex' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_the_language_is_loaded_only_for_filters() -> None:
    """Nor does it pay for a parser that has nothing to read."""
    code = "import sys; from pgtop.table.filter import Filter; Filter(); print('pgtop.table.predicates' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_equal_texts_are_equal_filters() -> None:
    """Filters are values: a change of the text is a change of the filter, and nothing else is."""
    assert Filter.parse("db:shop") == Filter("db:shop") != Filter("db:crm")
    assert Filter() == Filter.parse("")


@pytest.mark.parametrize("entry", FILTER_HELP, ids=lambda entry: entry.name)
def test_the_help_is_true(entry: HelpEntry) -> None:
    """Every example in the help can be read, and every entry says something."""
    Filter.parse(entry.example)
    assert entry.name
    assert entry.meaning


def test_the_help_names_every_key() -> None:
    """Every key that an error offers is explained."""
    with pytest.raises(FilterError) as caught:
        Filter.parse("zzzz:1")
    offered = re.search(r"use one of ([^.]*)\.", caught.value.message)
    assert offered is not None
    assert set(offered[1].split(", ")) <= {entry.name for entry in FILTER_HELP}
