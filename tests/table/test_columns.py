"""Each column says what a DBA needs to know of a session, compares by value, and is loud only where
it should be.
"""

import pytest

from pgtop.analysis.age_limits import AgeLimits
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    IDLE_IN_TRANSACTION,
    IDLE_IN_TRANSACTION_ABORTED,
    Backend,
)
from pgtop.table.layout import PlacedColumn, cells_of
from pgtop.table.session_cells import HIDDEN_WORDS
from pgtop.table.session_columns import COLUMNS, column
from pgtop.table.session_state import age_start, severity, state_word
from pgtop.text.tone import Tone
from tests import scenes
from tests.scenes import NOW, active, client
from tests.scenes.base import ago

BUSY = DerivedSnapshot.of(scenes.busy())
NAMES = (
    "pid",
    "database",
    "user",
    "who",
    "application",
    "client",
    "state",
    "wait",
    "xact",
    "query_age",
    "state_age",
    "age",
    "lock",
    "blocked_by",
    "blocks",
    "query",
    "backend_age",
    "xmin_age",
    "query_id",
    "usual",
    "cpu",
    "memory",
    "read",
    "write",
    "leader",
)


def drawn_tone(name: str, backend: Backend, derived: DerivedSnapshot) -> Tone:
    """Return the tone in which a column is drawn."""
    [(_, tone)] = cells_of((PlacedColumn(column(name), 12),), backend, derived)
    return tone


def session(pid: int, derived: DerivedSnapshot = BUSY) -> Backend:
    """Return the backend of the scene with this pid."""
    return next(backend for backend in derived.snapshot.backends if backend.pid == pid)


def derived_from(*backends: Backend) -> DerivedSnapshot:
    return DerivedSnapshot.of(scenes.snapshot(backends))


def test_every_promised_column_exists_once() -> None:
    """Users sort by these names, so they are stable."""
    assert sorted(column.name for column in COLUMNS) == sorted(NAMES)
    assert len({column.rank for column in COLUMNS}) == len(COLUMNS)
    assert all(column.meaning for column in COLUMNS)


def test_titles_leave_room_for_the_mark_of_the_order() -> None:
    """A title and the arrow beside it fit into the narrowest form of the column."""
    forms = [form for column in COLUMNS for form in (column, column.narrow) if form]
    assert [form.name for form in forms if len(form.title) > form.width - 1] == []


def test_an_unknown_column_names_the_known_ones() -> None:
    """The sentence can be shown as it is."""
    with pytest.raises(
        ValueError, match="there is no column 'load': use one of pid, who,"
    ):
        column("load")


@pytest.mark.parametrize(
    ("name", "pid", "text"),
    [
        ("pid", 48_711, "48711"), ("who", 48_711, "analyst@warehouse"),
        ("database", 48_711, "warehouse"),
        ("user", 48_711, "analyst"), ("application", 48_711, "metabase"),
        ("client", 48_711, "10.4.7.40"),
        ("client", 47_903, "local"), ("client", 1_101, ""), ("who", 1_204, "replicator"),
        ("who", 48_940, "shop"),
        ("who", 1_101, ""), ("state", 48_711, "active"), ("wait", 48_801, "Lock:transactionid"),
        ("wait", 48_600, ""),
        ("age", 48_711, "47m12s"), ("xact", 47_903, "13m41s"), ("query_age", 47_903, "13m22s"),
        ("state_age", 47_903, "13m20s"),
        ("xact", 48_200, ""), ("backend_age", 1_204, "6d00h"), ("age", 1_101, ""),
        ("blocked_by", 48_809, "4"),
        ("blocked_by", 48_711, ""), ("blocks", 48_801, "3"), ("blocks", 48_711, ""),
        ("xmin_age", 48_711, "2418806"),
        ("leader", 48_712, "48711"), ("leader", 48_711, ""), ("query", 48_600, scenes.SEARCH),
        ("query", 48_712, f"└ {scenes.RUNAWAY}"), ("query", 1_101, ""),
    ],
)  # fmt: skip
def test_cells_of_the_busy_server(name: str, pid: int, text: str) -> None:
    """Each column has its text, raw."""
    assert column(name).text(session(pid), BUSY) == text


@pytest.mark.parametrize(
    ("backend", "word"),
    [
        (client(1, "web@shop"), "idle"),
        (client(1, "web@shop", state=ACTIVE), "active"),
        (client(1, "web@shop", state=ACTIVE, wait="Lock:tuple"), "waiting"),
        (client(1, "web@shop", state=IDLE_IN_TRANSACTION), "idle in tx"),
        (client(1, "web@shop", state=IDLE_IN_TRANSACTION_ABORTED), "idle in tx!"),
        (client(1, "web@shop", state="fastpath function call"), "fastpath"),
        (client(1, "web@shop", state="disabled"), "disabled"),
        (client(1, "web@shop", state="a new one"), "a new one"),
        (Backend(1, backend_type=CLIENT_BACKEND), "starting"),
        (Backend(1, usesysid=7, usename="web"), "hidden"),
        (Backend(1, backend_type="walsender", state=ACTIVE), "walsender"),
        (Backend(1, backend_type="autovacuum worker", state=ACTIVE), "autovacuum"),
        (
            Backend(1, backend_type="parallel worker", state=ACTIVE, leader_pid=2),
            "worker",
        ),
        (Backend(1, backend_type="checkpointer"), "checkpointer"),
        (Backend(1, backend_type="a kind of tomorrow"), "a kind of tomorrow"),
    ],
)
def test_a_state_is_a_short_word(backend: Backend, word: str) -> None:
    """Clients are called by their state, processes of the server by their kind."""
    assert state_word(backend) == word


@pytest.mark.parametrize(
    ("backend", "tone"),
    [
        (client(1, "web@shop", since=9_000_000), Tone.QUIET),
        (active(1, "web@shop", "", "select", 600), Tone.CALM),
        (active(1, "web@shop", "", "select", 601), Tone.WARN),
        (client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=60), Tone.NOTICE),
        (client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=61), Tone.WARN),
        (
            client(1, "web@shop", state=IDLE_IN_TRANSACTION_ABORTED, xact=601),
            Tone.WARN,
        ),
        (active(1, "web@shop", "", "update", 60, wait="Lock:tuple"), Tone.WARN),
        (active(1, "web@shop", "", "update", 601, wait="Lock:tuple"), Tone.WARN),
        (Backend(1, usesysid=7, usename="web"), Tone.QUIET),
        (
            Backend(1, backend_type="walsender", state=ACTIVE, state_change=0),
            Tone.QUIET,
        ),
    ],
)
def test_tones_of_state_and_age(backend: Backend, tone: Tone) -> None:
    """Nothing is an alarm but a root; a wait, and what lasts long, is worth a look."""
    derived = derived_from(backend)
    assert severity(backend, derived) is tone
    assert drawn_tone("state", backend, derived) is tone
    in_row = Tone.PLAIN if tone is Tone.CALM else tone
    assert drawn_tone("age", backend, derived) is in_row


@pytest.mark.parametrize(
    ("pid", "tone"),
    [
        (47_903, Tone.ALARM),
        (48_801, Tone.STRONG),
        (48_815, Tone.PLAIN),
        (48_200, Tone.QUIET),
    ],
)
def test_tones_of_blockers(pid: int, tone: Tone) -> None:
    """The root of a tree is an alarm; a waiter that others wait for is strong."""
    assert column("pid").tone(session(pid), BUSY) is tone


def test_a_fresh_idle_transaction_that_blocks_is_an_alarm() -> None:
    """A transaction need not be old to block others."""
    holder = client(1, "anna@billing", state=IDLE_IN_TRANSACTION, xact=2)
    waiter = active(
        2, "web@billing", "", "update", 1, wait="Lock:tuple", blocked_by=[1]
    )
    derived = derived_from(holder, waiter)
    assert severity(holder, derived) is Tone.ALARM
    assert drawn_tone("state", holder, derived) is Tone.ALARM_PLATE


@pytest.mark.parametrize(
    ("backend", "since"),
    [
        (Backend(1, xact_start=5, query_start=6, state_change=7, state=ACTIVE), 5),
        (Backend(1, query_start=6, state_change=7, state=ACTIVE), 6),
        (Backend(1, state_change=7, state=ACTIVE), 7),
        (Backend(1, query_start=6, state_change=7, state=IDLE), 7),
        (Backend(1), None),
    ],
)
def test_age_counts_from_the_transaction_first(
    backend: Backend, since: int | None
) -> None:
    """Then from the running query, then from the change of state."""
    assert age_start(backend) == since


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (client(1, "web@shop", state=IDLE, since=186), "3m"),
        (client(1, "web@shop", state=IDLE, since=6), "6s"),
        (client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=186), "3m06s"),
        (active(1, "web@shop", "", "SELECT 1", 186), "3m06s"),
    ],
)
def test_the_age_of_a_quiet_session_is_rough(backend: Backend, words: str) -> None:
    """Idle sessions do not change on the screen every second; of the others each second counts."""
    assert column("age").text(backend, derived_from(backend)) == words


def test_a_hidden_session_names_the_grant() -> None:
    """State and query show that they are hidden, quietly, and everything else is empty."""
    derived = DerivedSnapshot.of(scenes.not_privileged())
    hidden = session(48_711, derived)
    shown = {
        column.name: column.text(hidden, derived)
        for column in COLUMNS
        if column.text(hidden, derived)
    }
    assert shown == {
        "pid": "48711",
        "database": "warehouse",
        "user": "analyst",
        "who": "analyst@warehouse",
        "application": "metabase",
        "state": "hidden",
        "query": HIDDEN_WORDS,
    }
    assert {
        column.tone(hidden, derived)
        for column in COLUMNS
        if column.name not in ("pid", "blocks")
    } == {Tone.QUIET}


def test_a_query_that_is_still_to_come_is_an_ellipsis() -> None:
    """The text arrives with a later sample; nothing else is invented for it."""
    late = client(1, "web@shop")._replace(query=None)
    assert column("query").text(late, derived_from(late)) == "…"
    assert column("query").key(late, derived_from(late)) is None


def test_the_same_blocker_named_twice_counts_once() -> None:
    """The server names a parallel query's pid once for each process that holds the lock."""
    waiter = active(
        2, "web@shop", "", "update", 1, wait="Lock:tuple", blocked_by=[1, 1, 0]
    )
    assert column("blocked_by").key(waiter, derived_from(waiter)) == 2


def test_addresses_compare_by_number() -> None:
    """10.0.0.9 before 10.0.0.10, sockets before addresses, IPv4 before IPv6, nonsense last and
    without an error.
    """
    addresses = [
        None,
        "9.255.0.1",
        "10.0.0.9",
        "10.0.0.10",
        "::1",
        "2001:db8::1",
        "not an address",
    ]
    rows = [
        client(pid, "web@shop", address=address)
        for pid, address in enumerate(addresses)
    ]
    keys = [column("client").key(row, BUSY) for row in rows]
    assert keys == sorted(keys)


def test_ages_are_taken_against_the_snapshot() -> None:
    """Ages end at the instant of the snapshot; a start after it, as of a new statement, is zero."""
    backend = Backend(
        1,
        backend_start=NOW - 2_500_000,
        query_start=NOW + 40,
        backend_type=CLIENT_BACKEND,
    )
    assert column("backend_age").key(backend, derived_from(backend)) == 2.5
    assert column("query_age").key(backend, derived_from(backend)) == 0.0


def test_the_user_chooses_the_ages_that_are_a_warning() -> None:
    """Each kind of age has its own limit."""
    limits = AgeLimits(statement=5, transaction=50, idle_in_transaction=500)
    statement = active(1, "web@shop", "", "select", 6)
    waiting = client(1, "web@shop", state=IDLE_IN_TRANSACTION, xact=400)
    transaction = statement._replace(query_start=ago(1), xact_start=ago(51))
    for backend, tone in (
        (statement, Tone.WARN),
        (transaction, Tone.WARN),
        (transaction._replace(xact_start=ago(49)), Tone.CALM),
        (waiting, Tone.NOTICE),
    ):
        derived = derived_from(backend)._replace(limits=limits)
        assert severity(backend, derived) is tone
