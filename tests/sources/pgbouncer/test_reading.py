"""Readings of the console's tables: of each version, and of damaged and hostile ones."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.model.pools import Pool, PoolClient, PoolLink
from pgtop.model.section import Section
from pgtop.model.serialise import read_section, record
from pgtop.sources.pgbouncer.reading import MOST_WAITING
from pgtop.sources.pgbouncer.tables import LONGEST_TEXT
from pgtop.sources.sections import SECTION_TYPES
from tests.hostile_text import TEXTS, harmful
from tests.sources.pgbouncer.consoles import COLUMNS, reading

SERVER: dict[str, Any] = {
    "user": "web",
    "database": "shop",
    "state": "active",
    "addr": "10.0.2.1",
    "port": 5432,
    "local_addr": "10.0.2.9",
    "local_port": 51000,
    "connect_time": "2026-11-30 20:20:16 UTC",
    "ptr": "0x1",
    "link": "0x2",
    "remote_pid": 4711,
}
CLIENT: dict[str, Any] = {
    "user": "web",
    "database": "shop",
    "state": "active",
    "addr": "10.0.3.7",
    "port": 51312,
    "wait": 0,
    "wait_us": 0,
    "ptr": "0x2",
    "link": "0x1",
    "application_name": "shop-web",
}
POOL: dict[str, Any] = {
    "database": "shop",
    "user": "web",
    "cl_active": 20,
    "cl_waiting": 143,
    "sv_active": 18,
    "sv_idle": 1,
    "sv_used": 2,
    "sv_tested": 1,
    "sv_login": 1,
    "maxwait": 9,
    "maxwait_us": 100_000,
    "pool_mode": "transaction",
}
DATABASE: dict[str, Any] = {
    "name": "shop",
    "host": "db1",
    "port": 5432,
    "pool_size": 20,
    "reserve_pool": 5,
    "reserve_pool_size": 5,
    "max_connections": 30,
    "paused": 0,
    "disabled": 0,
}
WAITING = CLIENT | {"state": "waiting", "link": None, "wait": 3, "wait_us": 500_000}


@pytest.mark.parametrize("version", COLUMNS)
def test_each_version_has_the_same_reading(version: str) -> None:
    """Only what a version does not show is missing: the application before 1.18."""
    whole = reading(
        version,
        servers=[SERVER],
        clients=[CLIENT, WAITING],
        pools=[POOL, POOL | {"database": "pgbouncer"}],
        databases=[DATABASE],
        config=[
            {"key": "max_client_conn", "value": 500},
            {"key": "max_user_connections", "value": 15},
        ],
    ).reading
    [pool] = whole.pools
    assert pool == Pool(
        "shop",
        "web",
        "transaction",
        size=20,
        active=18,
        idle=3,
        other=2,
        waiting=143,
        longest_wait_seconds=9.1,
        clients=163,
        reserve=5,
        database_limit=30,
        user_limit=15,
        server="db1:5432",
    )
    application = "" if version == "1.16.1" else "shop-web"
    client = PoolClient("10.0.3.7", 51312, application, "shop", "web")
    [link] = whole.links
    assert link == PoolLink(
        4711,
        "10.0.2.9",
        51000,
        client,
        "shop/web",
        "transaction",
        connected=5 * 60 + 16,
        server_user="web",
    )
    assert whole.clients == (client._replace(wait_seconds=3.5),)
    assert whole.max_clients == 500
    assert not whole.resets_sessions


def test_the_size_of_a_user_comes_before_that_of_the_database() -> None:
    users = [{"name": "web", "pool_size": "        7", "reserve_pool_size": ""}]
    whole = reading(pools=[POOL], databases=[DATABASE], users=users).reading
    assert whole.pools[0].size == 7
    assert whole.pools[0].reserve == 5


def test_a_pool_of_an_unknown_database_has_no_size() -> None:
    pool = reading(pools=[POOL]).reading.pools[0]
    assert pool.size is None
    assert not pool.is_full


def test_a_link_needs_both_of_its_ends() -> None:
    """A server connection that changed hands between the two tables has no client."""
    moved = CLIENT | {"link": "0x3"}
    assert not reading(servers=[SERVER], clients=[moved]).reading.links


def test_unix_sockets_have_no_address() -> None:
    server = SERVER | {"local_addr": "unix", "local_port": 6432}
    client = CLIENT | {"addr": "unix", "port": 6432}
    [link] = reading(servers=[server], clients=[client]).reading.links
    assert (link.local_addr, link.local_port) == (None, None)
    assert (link.client.client_addr, link.client.client_port) == (None, None)


def test_the_longest_waits_are_kept() -> None:
    clients = [WAITING | {"wait": second} for second in range(MOST_WAITING + 50)]
    kept = reading(clients=clients).reading.clients
    assert len(kept) == MOST_WAITING
    assert kept[0].wait_seconds == MOST_WAITING + 49.5
    assert kept[-1].wait_seconds == 50.5


_NAMES = sorted(
    {name for each in COLUMNS.values() for name in " ".join(each.values()).split()}
)
_VALUES = st.none() | TEXTS | st.integers().map(lambda number: str(number).encode())


@given(
    st.sampled_from(sorted(COLUMNS)),
    st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=8),
)
def test_hostile_tables_do_no_harm(version: str, values: dict[str, Any]) -> None:
    """Every text is clean and short, whatever the columns hold, and a recording keeps all."""
    whole = reading(
        version,
        servers=[SERVER | values],
        clients=[CLIENT | values, WAITING | values],
        pools=[POOL | values],
        databases=[DATABASE | values],
        users=[{"name": "web"} | values],
        config=[{"key": "server_reset_query"} | values],
    ).reading
    for pool in whole.pools:
        for words in (pool.database, pool.user, pool.mode, pool.server):
            _check(words)
        assert min(pool.active, pool.idle, pool.other, pool.waiting) >= 0
    for client in (*whole.clients, *(link.client for link in whole.links)):
        for words in (
            client.application_name,
            client.database,
            client.client_addr or "",
        ):
            _check(words)
    section = Section(0, SECTION_TYPES["pools"]((whole,)))
    assert read_section(record(section), SECTION_TYPES["pools"]) == section


@given(TEXTS)
def test_hostile_names_are_cleaned(text: bytes) -> None:
    client = CLIENT | {"application_name": text, "user": text, "addr": text * 9}
    server = SERVER | {"user": text}
    [link] = reading(servers=[server], clients=[client]).reading.links
    for words in (link.client.application_name, link.client.user, link.pool):
        _check(words)
    _check(link.client.client_addr or "")


def _check(words: str) -> None:
    assert not harmful(words)
    assert len(words) <= 2 * LONGEST_TEXT + 10
