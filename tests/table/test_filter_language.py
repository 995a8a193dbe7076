"""The language of filters as its users write it: what each form is understood as, and what is
refused.
"""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.filters import filter_for_protection
from pgtop.cli.completion import filter_keys
from pgtop.errors import UsageError
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.help import FILTER_HELP
from pgtop.table.language.keys import KEYS
from pgtop.table.language.vocabulary import Relation
from tests.table.test_filter import (
    CHECKPOINTER,
    HIDDEN,
    HOLDER,
    NOW,
    RUNNER,
    SERVER,
    SLEEPER,
    WAITER,
    ago,
)


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("", ""),
        (
            "db:shop state:idle-in-tx age>10m",
            'in a database with a name containing "shop", idle in a transaction, with an age of more than 10 min',
        ),
        ("db=shop", 'in database "shop"'),
        ("db:=shop", 'in database "shop"'),
        ("db==shop", 'in database "shop"'),
        ("dbname=shop", 'in database "shop"'),
        ("datname = 'shop'", 'in database "shop"'),
        ("not db:shop", 'not in a database with a name containing "shop"'),
        ("-db:shop", 'not in a database with a name containing "shop"'),
        ("!db:shop", 'not in a database with a name containing "shop"'),
        ("db!:shop", 'not in a database with a name containing "shop"'),
        ("NOT db:shop", 'not in a database with a name containing "shop"'),
        ("not db!:shop", 'in a database with a name containing "shop"'),
        ("db!=shop", 'not in database "shop"'),
        ("db<>shop", 'not in database "shop"'),
        ("db <> 'shop'", 'not in database "shop"'),
        (r"app~^web-\d+", r'where the application name matches "^web-\d+"'),
        ("app:~^web", 'where the application name matches "^web"'),
        ("app ~* '^web'", 'where the application name matches "^web"'),
        ("app!~^web", 'where the application name does not match "^web"'),
        ("user:web and user:api", 'where the role contains "web", where the role contains "api"'),
        (
            "user:web or user:api age>1h",
            'where the role contains "web" or (where the role contains "api" and with an age of more than 1 h)',
        ),
        (
            "(user:web OR user:api) AND age>1h",
            '(where the role contains "web" or where the role contains "api"), with an age of more than 1 h',
        ),
        ("not (db:a state:idle)", 'not (in a database with a name containing "a" and idle)'),
        ("not (not db:a)", 'in a database with a name containing "a"'),
        ("user:web,api", 'where the role contains "web" or "api"'),
        ("user!:web,api", 'where the role contains neither "web" nor "api"'),
        ("user!=web,api", 'where the role is neither "web" nor "api"'),
        ("state:active,waiting", "running or waiting for a lock"),
        ("-state:idle,other", "neither idle nor in another state"),
        ("state:other", "in another state"),
        ("state = 'idle in transaction'", 'in state "idle in transaction"'),
        ("state:aborted", "idle in a failed transaction"),
        ("invoice", 'with "invoice" in any column'),
        ('-"drop table"', 'with "drop table" in no column'),
        ("~^sel", 'matching "^sel" in any column'),
        ("app:my tool", 'where the application name contains "my", with "tool" in any column'),
        ("app:'it''s'", 'where the application name contains "it\'s"'),
        ("client:local", "from a local socket"),
        ("client:10.0.", "from network 10.0.0.0/16"),
        ("client:10.0.0.0/8", "from network 10.0.0.0/8"),
        ("client=10.0.0.7", "from address 10.0.0.7"),
        ("client:2001:db8:,::1", "from network 2001:db8::/32 or address ::1"),
        ("-client:local,10.0.0.7", "from neither a local socket nor address 10.0.0.7"),
        ("host:web-1", 'where the host name contains "web-1"'),
        ("wait:Lock,read", 'waiting for an event of type "Lock" or containing "read"'),
        ("-wait:lock:tuple", 'not waiting for an event beginning with "lock:tuple"'),
        ("query-age>30s", "running a statement for more than 30 s"),
        ("query-age > 1h30m", "running a statement for more than 1 h 30 min"),
        ("-xact<5m", "in a transaction for at least 5 min"),
        ("idle>=90", "idle for at least 90 s"),
        ("state-age<200ms", "in the same state for less than 200 ms"),
        ("backend-age<=1d", "logged in for at most 1 d"),
        ("pid:4711", "with pid 4711"),
        ("4711", "with pid 4711"),
        ("pid!=4711,4712", "with a pid other than 4711 or 4712"),
        ("b:0,4711", "waiting for a prepared transaction or pid 4711"),
        ("-root:4711", "outside the blocking tree of pid 4711"),
        ("blocks>1", "blocking more than 1 session"),
        ("blocked!=2", "not blocked by exactly 2 sessions"),
        ("-blocks>=2", "blocking fewer than 2 sessions"),
        ("blocks>0", "blocking at least 1 session"),
        ("-blocks>0", "blocking no session"),
        ("blocked=0", "blocked by no session"),
        ("blocked!=0", "blocked by at least 1 session"),
        ("-state:active", "not running (but perhaps waiting for a lock)"),
        ("-state:active,waiting", "neither running nor waiting for a lock"),
        ("state!=active", 'not in state "active"'),
        (
            "-db:shop or user:web",
            '(not in a database with a name containing "shop") or where the role contains "web"',
        ),
        ("user:WEB", 'where the role contains "WEB" ignoring case'),
        ("user=WEB", 'where the role is "WEB"'),
        (r"query~\Wselect", r'where the query matches "\Wselect"'),
        ("query~^SELECT", 'where the query matches "^SELECT" ignoring case'),
        ('wait=""', "waiting for nothing"),
        ("wait!=Lock", 'not waiting for an event of the exact name or type "Lock"'),
    ],
)
def test_a_filter_says_back_what_it_understood(written: str, understood: str) -> None:
    """The sentence is plain English, and its grouping can be seen."""
    assert Filter.parse(written).understood == understood


@pytest.mark.parametrize("entry", FILTER_HELP, ids=lambda entry: entry.name)
def test_the_canonical_text_of_every_example_means_the_same(entry: tuple[str, str, str]) -> None:
    """Help shows only what can be said back."""
    chosen = Filter.parse(entry[2])
    assert Filter.parse(chosen.canonical) == chosen
    assert chosen.understood


@pytest.mark.parametrize(
    ("arguments", "canonical"),
    [
        (["state:idle in transaction"], "state:idle-in-tx"),
        (["-state:idle in transaction"], "not state:idle-in-tx"),
        (["state:idle in transaction (aborted)"], "state:aborted"),
        (["state:active,idle in transaction"], "state:active,idle-in-tx"),
        (["state", "=", "idle in transaction"], "state=idle-in-tx"),
        (["app:my app"], 'app:"my app"'),
        (["app:my worker", "state:idle"], 'app:"my worker" state:idle'),
        (["not", "app:my worker"], 'not app:"my worker"'),
        (["app", "!=", "my worker"], 'not app="my worker"'),
        (["app = my app"], 'app="my app"'),
        (["app", "=", "my app"], 'app="my app"'),
        (["app:my app,psql"], 'app:"my app",psql'),
        (["query:drop table users"], 'query:"drop table users"'),
        (["query:~drop +table"], 'query~"drop +table"'),
        (["db:shop state:idle-in-tx age>10m"], "db:shop state:idle-in-tx age>10m"),
        (["db:shop", "state:idle-in-tx", "age>10m"], "db:shop state:idle-in-tx age>10m"),
        (["datname", "=", "'shop'"], "db=shop"),
        (["datname", "=", "shop", "state:idle"], "db=shop state:idle"),
        (["datname =", "shop"], "db=shop"),
        (["age", ">", "5m"], "age>5m"),
        (["not", "db:shop"], "not db:shop"),
        (["(db:shop", "or", "db:crm)", "state:idle"], "(db:shop or db:crm) state:idle"),
        (['"drop table"'], '"drop table"'),
        (["app:'my app'"], 'app:"my app"'),
        (["4711"], "pid:4711"),
        ([], ""),
    ],
)
def test_what_the_shell_has_grouped_stays_together(arguments: list[str], canonical: str) -> None:
    """An argument is one term, with the blanks of its value, or several whole ones; a comparison
    may be three.
    """
    chosen = Filter.of_arguments(arguments)
    assert chosen.canonical == canonical
    assert Filter.parse(chosen.text) == chosen


@pytest.mark.parametrize(
    ("arguments", "position", "words"),
    [
        # what a shell leaves of quotes
        (["state:idle", "in", "transaction"], 11, "write state:idle-in-tx"),
        (["app:my", "app"], 7, "`app` is a key"),
        (["app:my worker state:idle"], 7, "goes in quotes"),
        (["app:my worker or db:shop"], 7, "goes in quotes"),
        (["app:worker 2"], 11, "a pid is pid:2"),
        (["app:'my", "app'"], 4, "the quote is not closed"),
        (["app:my , worker"], 7, "several values"),
        (["query:~a -b:c"], 12, "as in b:4711"),
        (["age>5", "m"], 6, "write 5m"),
        (["age>5 m"], 6, "write 5m"),
        (["query:select * from t"], 13, "`*` is no wildcard"),
        (["db:shop", "app:x y=z"], 14, "unknown key `y`"),
        # what may be two terms, where one of them selects more
        (["not app:my worker"], 11, 'in quotes, as in not app:"my app"'),
        (["not db:shop idle"], 12, "in quotes"),
        (["db!=shop active"], 9, "in quotes"),
        (["query!~drop table"], 12, "in quotes"),
        (["!db:shop crm"], 9, "in quotes"),
        # what a shell has emptied
        ([""], 0, "an argument is empty"),
        (["db:shop", ""], 8, "an argument is empty"),
        (["app:"], 4, "a value is missing"),
        (["app:", "state:idle"], 4, "a value is missing"),
        (["app:", "web"], 4, "a value is missing"),
        (["app=", "web"], 4, "a value is missing"),
        (["user:="], 6, "a value is missing"),
        (["user:web,"], 9, "a value is missing"),
        (["app:''"], 4, "a value is missing"),
        (["app: state:idle"], 4, "a value is missing"),
        (["datname", "=", "state:idle"], 15, "cannot stand in a value"),
        (["datname", "="], 9, "a value is missing"),
        (["datname", "=", "and", "state:idle"], 10, "`and`"),
        (["app:my "], 6, "a word may be missing"),
        (["app:my  worker"], 6, "a word may be missing"),
        (["db:shop  state:idle"], 7, "a word may be missing"),
        ([" db:shop"], 0, "a word may be missing"),
        (["not", "(", ")"], 6, "a term is missing"),
        (["db:shop", "or"], 10, "a term is missing"),
        (["age>m"], 4, "is not a duration"),
        (["client:/8"], 7, "is no address"),
    ],
)
def test_what_a_shell_has_split_or_emptied_is_refused(
    arguments: list[str], position: int, words: str
) -> None:
    """Positions count characters of the arguments joined by blanks."""
    with pytest.raises(FilterError) as caught:
        Filter.of_arguments(arguments)
    assert (caught.value.position, words in caught.value.message) == (position, True), caught.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("db:shop state:idle", "db:shop state:idle"),
        ("shop invoice", '"shop" "invoice"'),
        ("invoice db:shop", '"invoice" db:shop'),
        ("state:idle in transaction", "state:idle-in-tx"),
        ("app:my app", 'app:"my app"'),
        ('app:"my app" tool', 'app:"my app" "tool"'),
    ],
)
def test_the_value_of_an_option_means_what_it_does_on_the_screen(text: str, canonical: str) -> None:
    """What cannot be read there may be one value with blanks."""
    assert Filter.of_option(text).canonical == canonical


@pytest.mark.parametrize(
    ("text", "position"),
    [("app:my tool", 7), ("db:shop invoice", 8), ("app:my app state:idle", 7), ("db:shop 4711", 8)],
)
def test_the_value_of_an_option_is_not_taken_otherwise_than_on_the_screen(
    text: str, position: int
) -> None:
    """`--protect 'app:my tool'` would protect fewer than it reads to, or other ones."""
    with pytest.raises(FilterError) as caught:
        Filter.of_option(text)
    assert caught.value.position == position
    assert "in quotes" in caught.value.message


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "--all-clients"),
        ("invoice", 0, 'write "invoice" in quotes'),
        ("db:shop invoice", 8, "in quotes"),
        ("drop table", 0, "in quotes"),
        ("app:my -worker", 8, "in quotes"),
        ("app:my (worker)", 8, "in quotes"),
        ("db:shop or not invoice", 15, "in quotes"),
        ("~web", 0, "in quotes"),
        ("app:~^", 0, "matches the empty text"),
        ("db:shop app:~^$", 8, "matches the empty text"),
        ("app:~.*", 0, "matches the empty text"),
        ("-app:~x?", 1, "matches the empty text"),
        ("app:~web|", 0, "matches the empty text"),
        ('~"(?!x)"', 0, "matches the empty text"),
        ('app:=""', 0, "write not app~."),
        (r"app~\b\b", 0, "matches between characters"),
        ("app~^.", 0, "write app~. if that is intended"),
        ("app~.+", 0, "matches any text that is not empty"),
        ("app!~web|.$", 0, "matches any text that is not empty"),
        ("~'.+'", 0, "write ~. if that is intended"),
        (r"not app~web|\b\b", 4, "matches between characters"),
        ('query~"(?<=a)"', 0, "matches between characters"),
        ("age>5", 0, "write 5s, or 5m for minutes"),
        ("db:shop not idle<=90", 12, "write 90s"),
        ('not (db:shop or user="")', 16, "write not user~."),
    ],
)
def test_a_signal_is_not_decided_by_what_may_be_a_slip(
    text: str, position: int, words: str
) -> None:
    """A word that may be anything, a pattern that matches everything and an empty value narrow a
    view, and no more.
    """
    chosen = Filter.parse(text)
    with pytest.raises(FilterError) as caught:
        chosen.check_for_signals()
    assert caught.value.position == position
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["app!~^", "not app~^$", r"app!~\b\b", "user:web or not app~.*"])
def test_a_pattern_that_lost_its_words_protects_nothing_in_silence(text: str) -> None:
    """`--protect "app!~^$APP"` held of every session, and so negated of none."""
    Filter.parse(text)
    with pytest.raises(UsageError, match=r"--protect is wrong .*: the pattern matches"):
        filter_for_protection(text, "--protect")
    assert (
        filter_for_protection('app!~^web user!=""', "--protect").canonical
        == 'not app~"^web" not user=""'
    )


@pytest.mark.parametrize(
    "text",
    [
        "age>0",
        "age>=1h",
        "app~.",
        "query~^.{200,}",
        r"app~\w\d",
        "query~(?=.*a)(?=.*b)",
        '"invoice"',
        '~"inv"',
        "app:~^web",
        "4711",
        "not app~.",
        "db:shop or user=web",
    ],
)
def test_a_signal_may_be_decided_by_what_is_marked(text: str) -> None:
    """Quotes say that a word is text, and a key says where."""
    Filter.parse(text).check_for_signals()


# What is not known.


def decided(
    text: str, backend: Backend, size: int = 1024, text_bytes: int = 1 << 20
) -> bool | None:
    """Return the decision about one session, beside one that waits for nothing."""
    server = SERVER._replace(track_activity_query_size=size)
    picture = DerivedSnapshot.of(Snapshot(NOW, server, (backend,), text_bytes=text_bytes))
    decision = Filter.parse(text).decide(picture)(backend)
    assert Filter.parse(text).matches(backend, picture) is (decision is True)
    return decision


IN_NO_TRANSACTION = RUNNER._replace(xact_start=None)
DROPPED = RUNNER._replace(usename=None, usesysid=77)
NUMBERED = RUNNER._replace(datid=5, datname="database 5", usename="role 77", usesysid=77)
LOGGING_IN = Backend(4720, ago(1), application_name="", backend_type=CLIENT_BACKEND)
LOCAL_STANDBY = Backend(
    4721, ago(5), usename="replicator", usesysid=9, application_name="x", backend_type=WALSENDER
)
UNTRACKED = Backend(4722, ago(5), 5, "shop", usename="web", usesysid=8, application_name="", state="disabled",
                    query="", backend_type=CLIENT_BACKEND)  # fmt: skip
CUT = RUNNER._replace(query="SELECT name FROM customers")


@pytest.mark.parametrize(
    ("text", "backend", "decision"),
    [
        # a time that a session does not have
        ("xact<5m", IN_NO_TRANSACTION, None),
        ("-xact<5m", IN_NO_TRANSACTION, None),
        ("query-age>30s", SLEEPER, None),
        ("-query-age>30s", SLEEPER, None),
        ("query-age>30s", HOLDER, None),
        ("query-age>10s", WAITER, True),
        ("query-age>29s", RUNNER, True),
        ("idle>1m", RUNNER, None),
        ("idle>1m", SLEEPER, True),
        ("age>1m", CHECKPOINTER, None),
        ("backend-age>1s", CHECKPOINTER, True),
        ("age>0", UNTRACKED, None),
        # what the role may not see
        ("state:idle", HIDDEN, None),
        ("-state:idle", HIDDEN, None),
        ("state:other", HIDDEN, None),
        ("state:hidden", HIDDEN, True),
        ("-state:hidden", HIDDEN, False),
        ("client:local", HIDDEN, None),
        ("-client:10.0.", HIDDEN, None),
        ("type:client", HIDDEN, None),
        ("-wait:lock", HIDDEN, None),
        ("-query:copy", HIDDEN, None),
        ("query:insufficient", HIDDEN, None),
        ('"insufficient"', HIDDEN, None),
        ('-"invoice"', HIDDEN, None),
        ('"crm"', HIDDEN, True),
        ("blocked=0", HIDDEN, None),
        ("blocks=0", HIDDEN, None),
        ("-b:4711", HIDDEN, None),
        ("db:crm", HIDDEN, True),
        ("-user:web", HIDDEN, True),
        ("app!=psql", HIDDEN, True),
        # a name that cannot be found
        ("user:web", DROPPED, None),
        ("-user:web", NUMBERED, None),
        ("user:role", NUMBERED, None),
        ("user!=web", NUMBERED, None),
        ("user~^r", NUMBERED, None),
        ('user="role 77"', NUMBERED, True),
        ('user!="role 77"', NUMBERED, False),
        ('user="role 77"', NUMBERED._replace(usesysid=78), True),
        ("user:role", NUMBERED._replace(usesysid=78), True),
        ("db!=shop", NUMBERED, None),
        ("db:database", NUMBERED, None),
        ('db="database 5"', NUMBERED, True),
        ('"role 77"', NUMBERED, None),
        ('-"database"', NUMBERED, None),
        ("-user:web", DROPPED, None),
        ("user!=web", DROPPED, None),
        ('-"web"', DROPPED, None),
        ('user=""', DROPPED, True),
        ("-db:shop", LOGGING_IN, None),
        ("-user:web", LOGGING_IN, None),
        ("-host:web", RUNNER, None),
        ("-host:web", HOLDER, True),
        # what is known though it is empty
        ("-db:shop", CHECKPOINTER, True),
        ("db:shop", CHECKPOINTER, False),
        ("-user:web", CHECKPOINTER, True),
        ("-client:local", CHECKPOINTER, True),
        ("client:local", LOCAL_STANDBY, True),
        ("-db:shop", LOCAL_STANDBY, True),
        ("-wait:lock", RUNNER, True),
        ("-app:web", WAITER, True),
        ("-query:copy", CHECKPOINTER, True),
        ("-state:idle", CHECKPOINTER, True),
        ("state:other", CHECKPOINTER, False),
        # a session that does not say what it does
        ("state:disabled", UNTRACKED, True),
        ("state:other", UNTRACKED, True),
        ("-state:active", UNTRACKED, None),
        ("-query:copy", UNTRACKED, None),
        # two readings of one word
        ("state=active", RUNNER, True),
        ("state=active", WAITER, None),
        ("state!=active", WAITER, None),
        ("state!=active", SLEEPER, True),
        ("state = 'idle in transaction'", HOLDER, True),
        (
            "state = 'idle in transaction'",
            HOLDER._replace(state="idle in transaction (aborted)"),
            None,
        ),
        # Kleene's and, or, not
        ("state:idle db:shop", HIDDEN, False),
        ("state:idle or db:crm", HIDDEN, True),
        ("state:idle or db:shop", HIDDEN, None),
        ("not (state:idle db:shop)", HIDDEN, True),
        ("not (state:idle or db:shop)", HIDDEN, None),
    ],
)
def test_unknown_is_neither_so_nor_not_so(
    text: str, backend: Backend, decision: bool | None
) -> None:
    """A session of which it is not known is undecided, and a view that is narrowed to either does
    not show it.
    """
    assert decided(text, backend) is decision


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("query:name", True),
        ("-query:name", False),
        ("query:nightly", None),
        ("-query:nightly", None),
        ('"nightly"', None),
        ('-"nightly"', None),
        ("query='SELECT name FROM customers'", None),
        ("query:~^select.*from", True),
        ("query:~^insert", None),
        (r"query:~\bfrom\b", True),
        ("query:~customers$", None),
        (r"query:~customers\b", None),
        (r"query:~customers\Z", None),
        ('query:~"from (?!.*nightly)"', None),
        ("query:~(?>s.*x|s)elect", None),
        ("query:~s*+elect", None),
        ("user:web query:nightly", None),
        ("user:anna query:nightly", False),
        ("user:web or query:nightly", True),
    ],
)
@pytest.mark.parametrize(
    ("size", "text_bytes"), [(len(CUT.query or "") + 1, 1 << 20), (1024, len(CUT.query or ""))]
)
def test_a_cut_query_decides_only_what_its_beginning_shows(
    text: str, decision: bool | None, size: int, text_bytes: int
) -> None:
    """Be it cut by track_activity_query_size or because no more of it was asked for."""
    assert decided(text, CUT, size, text_bytes) is decision


def test_what_is_masked_is_not_known() -> None:
    """A `?` may stand for the very word, so that a filter for sessions without it selects none of
    these.
    """
    masked = (
        RUNNER._replace(query="SELECT ? FROM t"),
        RUNNER._replace(pid=2, query="SELECT a FROM t"),
    )
    picture = DerivedSnapshot.of(Snapshot(NOW, SERVER, masked, are_queries_masked=True))
    decide = Filter.parse("-query:payroll").decide(picture)
    assert [decide(backend) for backend in masked] == [None, True]


def test_half_a_character_may_have_been_dropped_at_the_end_of_a_cut_query() -> None:
    """A text may be three bytes short of what is kept, also if all that is left is ASCII."""
    length = len(CUT.query or "")
    assert [decided("query:nightly", CUT, length + short) for short in (1, 4, 5)] == [
        None,
        None,
        False,
    ]


def test_a_dot_matches_newlines() -> None:
    """The table shows a query in one line, whatever it was written as."""
    assert decided("query:~select.*from", RUNNER._replace(query="SELECT 1\nFROM t")) is True


@pytest.mark.parametrize(
    ("text", "address", "decision"),
    [
        ("client:7.0.0.", "127.0.0.1", False),
        ("client:127.0.0.", "127.0.0.1", True),
        ("client:10.0.0.1", "10.0.0.10", False),
        ("client:10.1.", "10.10.0.1", False),
        ("client:10.0.0.0/8", "10.255.0.1", True),
        ("client:10.0.0.0/8", "11.0.0.1", False),
        ("client:10.0.0.0/8", None, False),
        ("client:10.0.0.0/8", "::1", False),
        ("client:2001:db8:", "2001:db8::7", True),
        ("client:2001:db8::/32", "2001:db9::7", False),
        ("client:local", "10.0.0.1", False),
        ("client:local", None, True),
        ("-client:local", None, False),
        ("client:~^10", "10.0.0.1", True),
        ("client:10.0.0.0/8", "no address", None),
    ],
)
def test_addresses_match_from_the_front_or_by_network(
    text: str, address: str | None, decision: bool | None
) -> None:
    """A host that is called local is not a socket."""
    assert (
        decided(text, RUNNER._replace(client_addr=address, client_hostname="local-7.example"))
        is decision
    )


def test_waiters_may_be_hidden() -> None:
    """How many wait for a session is then only the least that it can be."""
    picture = DerivedSnapshot.of(Snapshot(NOW, SERVER, (HOLDER, WAITER, HIDDEN)))

    def of(text: str, backend: Backend) -> bool | None:
        return Filter.parse(text).decide(picture)(backend)

    assert of("blocks>0", HOLDER) is True
    assert of("blocks>1", HOLDER) is None
    assert of("blocks<=1", HOLDER) is None
    assert of("blocks<1", HOLDER) is False
    assert of("blocks=1", HOLDER) is None
    assert of("blocks=0", HOLDER) is False
    assert of("blocks!=0", HOLDER) is True
    assert of("root:4712", WAITER) is True
    assert of("root:4713", WAITER) is True
    assert of("root:4711", WAITER) is None
    assert of("root:4711", HOLDER) is False


def test_a_waiter_whose_blockers_nobody_asked_for_is_undecided() -> None:
    """It waits for a lock, so that zero is no answer."""
    assert decided("blocked=0", WAITER._replace(blocked_by=())) is None
    assert decided("blocked=0", RUNNER) is True


def test_shells_complete_every_key_that_takes_a_colon() -> None:
    """The completion is made from the examples of the help."""
    colons = {f"{key.name}:" for key in KEYS.values() if Relation.CONTAINS in key.relations}
    assert set(filter_keys()) == colons
