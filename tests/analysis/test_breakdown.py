"""The breakdown: shares, limits, idle times, and filters that select the sessions of a share."""

from typing import Any

import pytest

from pgtop.analysis.breakdown import Dimension, Share, breakdown
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.server import Database, Limits, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS

NOW = 10_000 * MICROSECONDS
SERVER = Server(
    "18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3),
    roles={10: Role("root", superuser=True, connection_limit=3),
        11: Role("web", connection_limit=20), 12: Role("x")},
    databases={5: Database("shop", connection_limit=30), 6: Database("crm")},
)  # fmt: skip


def client(
    name: str | None = "api",
    state: str | None = "idle",
    since: float = 1,
    **changes: Any,
) -> Backend:
    plain = Backend(
        1, NOW, datname="shop", usesysid=11, usename="web", application_name=name,
        client_addr="10.0.0.1", state=state,
        state_change=NOW - int(since * MICROSECONDS), backend_type=CLIENT_BACKEND,
    )  # fmt: skip
    return plain._replace(**changes)


HIDDEN = Backend(
    2,
    datid=5,
    datname="shop",
    usesysid=11,
    usename="web",
    application_name="etl",
    query="<insufficient privilege>",
)


def shares(dimension: Dimension, *backends: Backend) -> tuple[Share, ...]:
    return breakdown(Snapshot(NOW, SERVER, backends), dimension)


def test_the_largest_share_comes_first() -> None:
    """Shares count client backends only and are ordered by size, then by name."""
    walsender = client("standby", backend_type=WALSENDER)
    result = shares(
        Dimension.APPLICATION,
        client("b"),
        client("c"),
        client("c"),
        client("a"),
        walsender,
    )
    assert [(share.name, share.sessions, share.share) for share in result] == [
        ("c", 2, 0.5),
        ("a", 1, 0.25),
        ("b", 1, 0.25),
    ]


def test_ages() -> None:
    """Long idle means more than five minutes; the oldest is the longest of transaction, running
    query and idle session.
    """
    (share,) = shares(
        Dimension.APPLICATION,
        client(since=300), client(since=301), client(since=900.5),
        client(state="idle in transaction", since=1, xact_start=NOW - 5000 * MICROSECONDS),
    )  # fmt: skip
    assert (share.idle_long, share.oldest) == (2, 5000)
    (busy,) = shares(
        Dimension.APPLICATION,
        client(state="active", since=1, query_start=NOW - 3 * MICROSECONDS),
    )
    assert (busy.idle_long, busy.oldest) == (0, 3)


@pytest.mark.parametrize(
    ("dimension", "backend", "limit"),
    [
        (Dimension.DATABASE, client(), 30),
        (Dimension.DATABASE, client(datname="crm"), None),
        (Dimension.DATABASE, client(datname="dropped"), None),
        (Dimension.ROLE, client(), 20),
        # Superusers are exempt.
        (
            Dimension.ROLE,
            client(usesysid=10, usename="root"),
            None,
        ),
        (Dimension.ROLE, client(usesysid=12, usename="x"), None),
        (Dimension.APPLICATION, client("shop"), None),
    ],
)
def test_limits(dimension: Dimension, backend: Backend, limit: int | None) -> None:
    """A share has the limit that the server enforces on it."""
    assert shares(dimension, backend)[0].limit == limit


@pytest.mark.parametrize(
    ("dimension", "names"),
    [
        (Dimension.DATABASE, {"shop"}),
        (Dimension.ROLE, {"web"}),
        (Dimension.APPLICATION, {"etl", "hidden by name", ""}),
        (Dimension.CLIENT, {"hidden", "10.0.0.1", "local"}),
        (Dimension.STATE, {"hidden", "idle", "waiting"}),
    ],
)
def test_hidden_sessions_have_a_share_of_their_own(
    dimension: Dimension, names: set[str]
) -> None:
    """Hidden values are not counted as empty.

    Every role sees the database, role and application of every session.
    """
    waiting = client("hidden by name", "active", wait_event_type="Lock")
    result = shares(dimension, HIDDEN, client(None, client_addr=None), waiting)
    assert {share.name for share in result} == names


def test_a_server_without_clients_has_no_shares() -> None:
    """A server without client backends has no shares, and nothing is divided by zero."""
    assert all(shares(dimension) == () for dimension in Dimension)


def test_a_share_does_not_depend_on_other_servers() -> None:
    """Limits are looked up by name on the server of this snapshot."""
    bare = SERVER._replace(roles={}, databases={})
    assert breakdown(Snapshot(NOW, bare, (client(),)), Dimension.ROLE)[0].limit is None
