"""Clients of poolers behind backends: matched by pid and addresses, certain only if they cannot
have changed.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pgtop.analysis.pooled_clients import pooled_clients
from pgtop.model.backend import ACTIVE, IDLE, Backend
from pgtop.model.pools import (
    SECTION,
    Pool,
    PoolClient,
    PoolerReading,
    PoolLink,
    PoolsReading,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, to_datetime
from tests.scenes.base import NOW
from tests.scenes.base import snapshot as scene

READ_AT = NOW - MICROSECONDS
BEFORE = READ_AT - MICROSECONDS
AFTER = READ_AT + 1
CLIENT = PoolClient("10.0.3.7", 51312, "shop-web", "shop", "web")
LINK = PoolLink(
    4711,
    "10.0.2.9",
    51000,
    CLIENT,
    "shop/web",
    "transaction",
    seen_since=BEFORE - 1,
)
BACKEND = Backend(
    4711,
    BEFORE - 10,
    usename="web",
    client_addr="10.0.2.9",
    client_port=51000,
    state=ACTIVE,
    xact_start=BEFORE,
    state_change=BEFORE,
    backend_type="client backend",
)
POOLER = PoolerReading("db1:6432", read_at=READ_AT, ended_at=READ_AT + 1, links=(LINK,))


def snapshot(backend: Backend = BACKEND, pooler: PoolerReading = POOLER) -> Snapshot:
    section = Section(NOW, PoolsReading((pooler,)))
    return replace(scene([backend]), sections={SECTION: section})


def exact(backend: Backend = BACKEND, pooler: PoolerReading = POOLER) -> bool | None:
    """Return whether the client of the backend is certain; None without a client."""
    client = pooled_clients(snapshot(backend, pooler)).get(backend.identity)
    return None if client is None else client.is_exact


def in_mode(mode: str, *, resets: bool = True) -> PoolerReading:
    link = LINK._replace(mode=mode)
    return POOLER._replace(links=(link,), resets_sessions=resets)


def test_a_transaction_older_than_the_reading_has_its_client() -> None:
    client = pooled_clients(snapshot())[BACKEND.identity]
    assert client.is_exact
    assert client.client == CLIENT
    assert client.linked_since == BEFORE
    assert client.pooler == "db1:6432"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_port": 51001},
        {"client_addr": "10.0.2.8"},
        {"client_addr": None, "client_port": -1},
        {"backend_start": None, "client_addr": None, "client_port": None},
    ],
)
def test_a_pid_alone_is_no_match(changes: dict[str, Any]) -> None:
    assert exact(BACKEND._replace(**changes)) is None


def test_addresses_are_compared_by_value() -> None:
    link = LINK._replace(local_addr="2001:db8:0:0:0:0:0:1")
    pooler = POOLER._replace(links=(link,))
    assert exact(BACKEND._replace(client_addr="2001:db8::1"), pooler)


def test_a_younger_transaction_may_have_another_client() -> None:
    assert exact(BACKEND._replace(xact_start=AFTER)) is False
    assert exact(BACKEND._replace(xact_start=None, state=IDLE)) is False


def test_a_younger_transaction_of_another_application_has_another_client() -> None:
    younger = BACKEND._replace(xact_start=AFTER, application_name="shop-web")
    assert exact(younger) is False
    assert exact(younger._replace(application_name="shop-api")) is None
    unnamed = LINK._replace(client=CLIENT._replace(application_name=""))
    assert exact(younger, POOLER._replace(links=(unnamed,))) is False


def test_a_younger_transaction_belongs_to_a_client_that_waited() -> None:
    younger = BACKEND._replace(xact_start=NOW - 1)
    pool = Pool("shop", "web", "transaction", waiting=3)
    waited_for = POOLER._replace(pools=(pool,))
    assert exact(younger, waited_for) is None
    assert exact(younger, POOLER._replace(pools=(pool._replace(waiting=0),))) is False
    assert exact(BACKEND, waited_for)
    session = in_mode("session", resets=False)._replace(pools=(pool,))
    assert exact(younger, session) is False


def test_a_reading_that_ended_after_the_sample_proves_nothing() -> None:
    assert exact(pooler=POOLER._replace(ended_at=NOW + 1)) is False


def test_in_session_mode_an_idle_session_keeps_its_client() -> None:
    """The statement between two clients would have changed its state; without one, that may be."""
    idle = BACKEND._replace(xact_start=None, state=IDLE)
    assert exact(idle, in_mode("session"))
    assert exact(idle, in_mode("session", resets=False)) is False
    assert exact(idle._replace(state_change=AFTER), in_mode("session")) is False
    client = pooled_clients(snapshot(idle, in_mode("session")))[idle.identity]
    assert client.linked_since == BEFORE - 1


def test_a_silent_pooler_names_only_clients_that_are_certain() -> None:
    """An open transaction keeps its client, however long the pooler is silent."""
    old = POOLER._replace(read_at=READ_AT - 60 * MICROSECONDS, reason="does not answer")
    assert exact(BACKEND._replace(xact_start=AFTER), old) is None
    assert exact(BACKEND._replace(xact_start=READ_AT - 90 * MICROSECONDS), old)


def test_a_pooler_that_was_never_read_names_no_client() -> None:
    assert exact(pooler=POOLER._replace(read_at=None, ended_at=None)) is None


@pytest.mark.parametrize(
    ("seconds", "user", "is_match"),
    [(0, "web", True), (2, "web", True), (3, "web", False), (0, "api", False)],
)
def test_over_a_unix_socket_the_start_and_the_role_must_match(
    seconds: int, user: str, is_match: bool
) -> None:
    """The pid may be of another namespace; the clock is the same, in an unknown time zone."""
    backend = BACKEND._replace(client_addr=None, client_port=-1, backend_start=BEFORE)
    start = to_datetime(BEFORE) - timedelta(seconds=seconds)
    link = LINK._replace(
        local_addr=None,
        local_port=None,
        connected=start.minute % 15 * 60 + start.second,
        server_user=user,
    )
    match = exact(backend, POOLER._replace(links=(link,)))
    assert (match is not None) is is_match
