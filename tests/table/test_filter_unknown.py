"""Unknown values: a session matches neither a term nor its negation."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter
from tests.table.filter_scene import (
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


def decided(
    text: str, backend: Backend, size: int = 1024, text_bytes: int = 1 << 20
) -> bool | None:
    """Return the decision about one session, beside one that waits for nothing."""
    server = SERVER._replace(track_activity_query_size=size)
    derived = DerivedSnapshot.of(
        Snapshot(NOW, server, (backend,), text_bytes=text_bytes)
    )
    decision = Filter(text).decide(derived)(backend)
    assert Filter(text).matches(backend, derived) is (decision is True)
    return decision


IN_NO_TRANSACTION = RUNNER._replace(xact_start=None)
DROPPED = RUNNER._replace(usename=None, usesysid=77)
NUMBERED = RUNNER._replace(
    datid=5, datname="database 5", usename="role 77", usesysid=77
)
LOGGING_IN = Backend(4720, ago(1), application_name="", backend_type=CLIENT_BACKEND)
LOCAL_STANDBY = Backend(
    4721,
    ago(5),
    usename="replicator",
    usesysid=9,
    application_name="x",
    backend_type=WALSENDER,
)
UNTRACKED = Backend(4722, ago(5), 5, "shop", usename="web", usesysid=8, application_name="",
state="disabled",
                    query="", backend_type=CLIENT_BACKEND)  # fmt: skip
CUT = RUNNER._replace(query="SELECT name FROM customers")


@pytest.mark.parametrize(
    ("text", "backend", "decision"),
    [
        # a time that the session does not have
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
        # values that the role may not see
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
        # values that are known to be empty
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
        # a session with tracking disabled
        ("state:disabled", UNTRACKED, True),
        ("state:other", UNTRACKED, True),
        ("-state:active", UNTRACKED, None),
        ("-query:copy", UNTRACKED, None),
        # words with two meanings
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
def test_an_unknown_value_matches_neither_way(
    text: str, backend: Backend, decision: bool | None
) -> None:
    """A session with an unknown value is undecided: neither the term nor its negation
    selects it.
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
    ("size", "text_bytes"),
    [(len(CUT.query or "") + 1, 1 << 20), (1024, len(CUT.query or ""))],
)
def test_a_cut_query_decides_only_by_its_beginning(
    text: str, decision: bool | None, size: int, text_bytes: int
) -> None:
    """A query may be cut by track_activity_query_size, or to the requested length."""
    assert decided(text, CUT, size, text_bytes) is decision


def test_masked_values_are_unknown() -> None:
    """A `?` may stand for the word itself, so that a filter for sessions without that word does not
    select them.
    """
    masked = (
        RUNNER._replace(query="SELECT ? FROM t"),
        RUNNER._replace(pid=2, query="SELECT a FROM t"),
    )
    derived = DerivedSnapshot.of(Snapshot(NOW, SERVER, masked, are_queries_masked=True))
    decide = Filter("-query:payroll").decide(derived)
    assert [decide(backend) for backend in masked] == [None, True]


def test_a_cut_query_may_lack_half_a_character() -> None:
    """A cut text may be up to three bytes shorter than the buffer, even if the rest is ASCII."""
    length = len(CUT.query or "")
    assert [decided("query:nightly", CUT, length + short) for short in (1, 4, 5)] == [
        None,
        None,
        False,
    ]


def test_a_dot_matches_newlines() -> None:
    """A dot matches a newline, as the table shows each query in one line."""
    assert (
        decided("query:~select.*from", RUNNER._replace(query="SELECT 1\nFROM t"))
        is True
    )


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
def test_addresses_match_by_their_beginning_or_network(
    text: str, address: str | None, decision: bool | None
) -> None:
    """A host with the name local is not a socket."""
    assert (
        decided(
            text,
            RUNNER._replace(client_addr=address, client_hostname="local-7.example"),
        )
        is decision
    )


def test_waiters_may_be_hidden() -> None:
    """With hidden waiters the number of blocked sessions is a lower bound."""
    derived = DerivedSnapshot.of(Snapshot(NOW, SERVER, (HOLDER, WAITER, HIDDEN)))

    def of(text: str, backend: Backend) -> bool | None:
        return Filter(text).decide(derived)(backend)

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


def test_a_waiter_with_unknown_blockers_is_undecided() -> None:
    """A session that waits for a lock has a blocker, so that zero would be wrong."""
    assert decided("blocked=0", WAITER._replace(blocked_by=())) is None
    assert decided("blocked=0", RUNNER) is True
