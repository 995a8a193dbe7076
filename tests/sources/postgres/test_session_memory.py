"""The sessions that one poll remembers for the next, without a server."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.backend import Backend
from pgtop.model.server import Database, Limits, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.probes.activity import NameCache, read_backend
from pgtop.sources.postgres.probes.lock_target import (
    PgLocksRow,
    is_self_contained,
    self_contained_target,
    target,
)
from pgtop.sources.postgres.probes.locks.answers import LatestWaits
from pgtop.sources.postgres.probes.session_memory import SessionMemory

SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))
SERVERS = st.sampled_from(
    [
        SERVER._replace(roles={10: Role("me")}, databases={5: Database("app")}),
        SERVER._replace(roles={10: Role("renamed")}, databases={5: Database("app")}),
    ]
)
TEXT_BYTES = 800
LOCK_TYPES = (
    "relation",
    "extend",
    "page",
    "tuple",
    "transactionid",
    "virtualxid",
    "spectoken",
    "object",
    "advisory",
)


@st.composite
def rows_of_poll(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Return the rows of one poll, each session once, often those of another poll."""
    pids = draw(st.lists(st.integers(1, 5), unique=True))
    return [_row(pid, draw) for pid in pids]


def _row(pid: int, draw: st.DrawFn) -> tuple[Any, ...]:
    wait, blockers, text, queried, started = draw(
        st.sampled_from(
            [
                (None, None, None, 2, 1),
                (None, None, b"SELECT 1", 2, 1),
                (b"Lock", None, None, 2, 1),
                (b"Lock", (8, 9, 8), None, 2, 1),
                (b"Lock", (), b"SELECT 1", 2, 1),
                (None, None, None, 3, 1),
                (None, None, None, 2, 0),
                (None, None, None, None, None),
            ]
        )
    )
    before_wait = (pid, started, 5, None, 10, b"web", None, None, None, 1, queried, 3)
    state = (wait, wait, b"active", None, None, None, None)
    return (*before_wait, *state, text, b"client backend", blockers, None, None, None)


def _moved(backend: Backend, blocked_by: tuple[int, ...] | None) -> Backend:
    return backend if blocked_by is None else backend._replace(blocked_by=blocked_by)


@given(
    st.lists(st.tuples(rows_of_poll(), SERVERS), max_size=6),
    st.lists(st.sampled_from([None, None, (), (9,)]), min_size=5, max_size=5),
)
def test_remembered_sessions_are_those_read_afresh(
    polls: list[tuple[list[tuple[Any, ...]], Server]],
    replaced: list[tuple[int, ...] | None],
) -> None:
    """Each backend is that of its row, with the text and the blockers that are known of it, also
    after the locks have shown other blockers.
    """
    memory = SessionMemory(TEXT_BYTES)
    known: dict[object, Backend] = {}
    for rows, server in polls:
        afresh = [
            read_backend(row, server, NameCache(), TEXT_BYTES, known.get(row[:2]))
            for row in rows
        ]
        backends = memory.read(rows, server)
        assert backends == afresh
        pairs = zip(backends, replaced, strict=False)
        shown = tuple([_moved(*pair) for pair in pairs])
        memory.remember(rows, Snapshot(1, server, shown))
        known.update({backend[:2]: backend for backend in shown})


def test_a_session_that_does_the_same_is_the_same_object() -> None:
    row = (7, 1, 5, None, 10, *[None] * 20)
    memory = SessionMemory(TEXT_BYTES)
    for _ in range(2):
        [backend] = memory.read([row], SERVER)
        memory.remember([row], Snapshot(1, SERVER, (backend,)))
    [again] = memory.read([row], SERVER)
    assert again is backend


def test_a_poll_that_failed_keeps_no_names() -> None:
    """A poll may fail after its rows were read: the next one reads the new names again."""
    row = (7, 1, 5, None, 10, *[None] * 20)
    memory = SessionMemory(TEXT_BYTES)
    named = SERVER._replace(roles={10: Role("me")})
    memory.remember([row], Snapshot(1, named, tuple(memory.read([row], named))))
    renamed = SERVER._replace(roles={10: Role("renamed")})
    for _ in range(2):
        [backend] = memory.read([row], renamed)
        assert backend.usename == "renamed"


def test_blockers_of_an_equal_row_are_read_again() -> None:
    """The snapshot before may have had none for it, as the locks showed that they had moved on."""
    lock = (b"Lock", b"relation", b"active", None, None, None, None)
    row = (7, 1, 5, None, 10, *[None] * 7, *lock, None, None, (8, 9), *[None] * 3)
    memory = SessionMemory(TEXT_BYTES)
    [backend] = memory.read([row], SERVER)
    assert backend.blocked_by == (8, 9)
    unblocked = backend._replace(blocked_by=())
    memory.remember([row], Snapshot(1, SERVER, (unblocked,)))
    assert memory.read([row], SERVER) == [backend]


@given(
    st.builds(
        PgLocksRow,
        locktype=st.sampled_from(LOCK_TYPES),
        mode=st.just("ShareLock"),
        granted=st.just(False),
        database=st.sampled_from([0, 5, 6]),
        relation=st.just(16_384),
        name=st.sampled_from([None, "public.orders"]),
        page=st.just(1),
        tuple=st.just(2),
        transactionid=st.just(700),
    )
)
def test_words_without_a_server_are_those_with_one(row: PgLocksRow) -> None:
    """A lock that is self-contained has the same words whatever the server."""
    if is_self_contained(row):
        assert self_contained_target(row) == target(row, SERVER)
    else:
        assert row.locktype != "transactionid"


def test_the_words_of_equal_locks_follow_the_known_names() -> None:
    """Equal rows are not read again, unless the words for a lock depend on what pgtop has learned
    since.
    """
    waits = LatestWaits()
    contained = [_lock_row(b"public.orders")]
    nameless = [_lock_row(None)]

    def words(rows: list[tuple[Any, ...]], name: str) -> str:
        return waits.of(rows, lambda row: name, "UTF8", ())[7].lock.target

    first = waits.of(contained, lambda row: "", "UTF8", ())
    assert waits.of([*contained], lambda row: "", "UTF8", ()) is first
    assert words(nameless, "relation 16384") == "relation 16384"
    assert words(nameless, "archive.orders") == "archive.orders"
    assert words(contained, "archive.orders") == "orders"


def _lock_row(name: bytes | None) -> tuple[Any, ...]:
    lock = (b"relation", b"ShareLock", False, None, 1, 5, 16_384, name)
    return (7, b"3/1", *lock, *[None] * 8, None)
