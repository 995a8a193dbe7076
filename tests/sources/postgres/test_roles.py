"""The rights of each kind of role on a real server: the table of the topic rights."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.budget import budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.demo.server import Cluster
from pgtop.model.backend import Backend
from pgtop.model.signal import Outcome, ReplyStatus, Signal
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.ports import SourceError
from pgtop.signalling.observe import send_and_observe
from pgtop.signalling.planning import plan_for_one
from pgtop.signalling.rights import right_to_signal
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.view.banner import budget_line, legend_line, server_line
from pgtop.view.confirmation import propose
from pgtop.view.outcome import outcome_words
from pgtop.view.slot_words import your_words
from tests import servers
from tests.roles import (
    ALL,
    ALL_BUT_SUPERUSERS,
    ONLY_GRANTED,
    OWN,
    OWN_AND_GRANTED,
    SLOTS,
    SUPERUSER,
    TEAM,
    WATCHERS,
    WEB,
    Experience,
    Watcher,
    ordinary,
)
from tests.waiting import until_async

DATABASE = "shop"
_SETTINGS = {"max_connections": str(SLOTS), "superuser_reserved_connections": "5"}
_SETTINGS_16 = _SETTINGS | {
    "superuser_reserved_connections": "3",
    "reserved_connections": "2",
}
_WIDE = 200
_PLACE = re.compile(r" \(on socket .*\)")
_WARNING = "the server will refuse: "


@pytest.fixture(scope="module")
def server_with_roles(bindir: Path) -> Iterator[dict[str, str]]:
    """Yield the parameters, except the role, of a server with every kind of role."""
    major = int(servers.version(bindir).partition(".")[0])
    with Cluster(bindir, settings=_SETTINGS if major < 16 else _SETTINGS_16) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            for name in (TEAM, WEB, *(watcher.name for watcher in WATCHERS)):
                grant = f"GRANT CONNECT ON DATABASE postgres TO {name}"
                admin.execute(f"CREATE ROLE {name} LOGIN; {grant}".encode())
            admin.execute("REVOKE CONNECT ON DATABASE postgres FROM public")
            for watcher in WATCHERS:
                if watcher.since <= major:
                    admin.execute(watcher.sql.encode())
            admin.execute(f"CREATE DATABASE {DATABASE}".encode())
        parameters = {
            name: str(value)
            for name, value in conninfo_to_dict(cluster.socket_dsn).items()
        }
        yield parameters | {"dbname": DATABASE}


@pytest.fixture
async def scene(
    server_with_roles: dict[str, str], watcher: Watcher
) -> AsyncIterator[tuple[ServerConnection, Snapshot]]:
    """Yield the watcher's pgtop, with four sessions: its own, one of team's, one of web's and a
    superuser's.
    """
    async with AsyncExitStack() as stack:
        for role in (watcher.name, TEAM, WEB, SUPERUSER):
            options = server_with_roles | {"user": role}
            other = await psycopg.AsyncConnection.connect(**options)  # type: ignore[arg-type]
            stack.push_async_callback(other.close)
        session = ServerConnection(server_with_roles | {"user": watcher.name})
        stack.push_async_callback(session.close)
        source = PostgresSource(session)
        seen: list[Snapshot] = []

        async def sessions_gone() -> bool:
            """Wait until the sessions of the previous test have ended."""
            seen.append(await source.sample())
            return budget(seen[-1]).used == 5

        await until_async(sessions_gone)
        yield session, seen[-1]


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.name)
async def test_each_role_gets_what_the_table_says(
    server_with_roles: dict[str, str],
    watcher: Watcher,
    scene: tuple[ServerConnection, Snapshot],
) -> None:
    """Visible sessions, budget, rights, warnings and refusals are those of the table, and the
    server agrees.
    """
    session, snapshot = scene
    assert (
        _opened(server_with_roles | {"user": watcher.name}) == budget(snapshot).openable
    )
    refused = await _refusal(
        server_with_roles | {"user": watcher.name, "dbname": watcher.refused_at}
    )
    others = {
        str(b.usename): b
        for b in snapshot.backends
        if b.is_client and b.pid != snapshot.server.pid
    }
    assert others.keys() == {watcher.name, TEAM, WEB, SUPERUSER}
    signaller = PostgresSignaller(session)
    outcomes = {
        name: [o async for o in _ended(backend, snapshot, signaller)][-1]
        for name, backend in others.items()
    }
    ended = {
        name
        for name, outcome in outcomes.items()
        if outcome.reply.status is ReplyStatus.SENT
    }
    assert ended == {
        name
        for name, b in others.items()
        if right_to_signal(snapshot.server, b).allowed
    }
    for name in others.keys() - ended:
        _check_refusal(others[name], outcomes[name], snapshot)
    got = Experience(
        sees=_extent(
            {name for name, backend in others.items() if not backend.hidden}, watcher
        ),
        budget=_budget_words(snapshot),
        ends=_extent(ended, watcher),
        warned="; ".join(_warnings([others[WEB], others[SUPERUSER]], snapshot)),
        refused=refused,
    )
    is_known = snapshot.server.major >= watcher.since
    assert got == (watcher.experience if is_known else ordinary(watcher.name))


async def test_both_roles_are_shown_if_they_differ(
    server_with_roles: dict[str, str],
) -> None:
    """Rights follow the current role and slots the login role, and pgtop's own session is
    certain.
    """
    session = ServerConnection(server_with_roles | {"user": "acting"})
    snapshot = await PostgresSource(session).sample()
    await session.close()
    server = snapshot.server
    assert (server.user, server.login.name) == (TEAM, "acting")
    assert f"as {TEAM}, logged in as acting@{DATABASE}" in "".join(
        span.text for span in server_line(snapshot, _WIDE)
    )
    own = snapshot.at(server.pid)
    assert own is not None
    assert own.hidden
    assert not own.may_be_worker


def _opened(parameters: dict[str, str]) -> int:
    """Return how many connections the server lets this role open."""
    with ExitStack() as stack:
        for count in range(SLOTS + 1):
            try:
                stack.enter_context(psycopg.connect(**parameters))  # type: ignore[arg-type]
            except psycopg.OperationalError:
                return count
    raise AssertionError("no limit")


async def _ended(
    backend: Backend, snapshot: Snapshot, signaller: PostgresSignaller
) -> AsyncIterator[Outcome]:
    """Return the outcomes of a terminate that is confirmed in the dialog."""
    [request] = plan_for_one(Signal.TERMINATE, backend, snapshot).requests
    async for (outcome,) in send_and_observe((request,), signaller, MonotonicClock()):
        yield outcome


def _check_refusal(backend: Backend, outcome: Outcome, snapshot: Snapshot) -> None:
    """Check that no signal was sent, and that the notice has the reasons of pgtop and of the
    server.
    """
    assert outcome.reply.status is ReplyStatus.REFUSED
    why_not = right_to_signal(snapshot.server, backend).reason
    words = outcome_words(outcome, why_not).text
    assert words == f"refused: {backend.pid} {why_not} ({outcome.reply.reason})"
    assert (
        "terminate" in outcome.reply.reason
        or "superuser" in outcome.reply.reason.lower()
    )


def _warnings(backends: Iterable[Backend], snapshot: Snapshot) -> Sequence[str]:
    """Return what the dialogs say of refusals to come, each once."""
    derived = DerivedSnapshot.of(snapshot)
    plans = [
        plan_for_one(Signal.TERMINATE, backend, derived.snapshot)
        for backend in backends
    ]
    lines = [
        "".join(span.text for span in field.value)
        for plan in plans
        for field in propose(plan, derived).fields
    ]
    warned = [
        text.removeprefix(_WARNING) for text in lines if text.startswith(_WARNING)
    ]
    return list(dict.fromkeys(warned))


def _budget_words(snapshot: Snapshot) -> str:
    slots = budget(snapshot)
    used = re.match(r".*? free", budget_line(slots, _WIDE)[-1].text.strip())
    assert used is not None
    assert your_words(slots)[0] in "".join(
        span.text for span in legend_line(slots, _WIDE)
    )
    return f"{used[0]}; {your_words(slots)[0]}"


def _extent(names: set[str], watcher: Watcher) -> str:
    """Return the owners of these sessions, in the words of the table."""
    own = {watcher.name}
    return {
        frozenset(own): OWN,
        frozenset({TEAM}): ONLY_GRANTED,
        frozenset(own | {TEAM}): OWN_AND_GRANTED,
        frozenset(own | {TEAM, WEB}): ALL_BUT_SUPERUSERS,
        frozenset(own | {TEAM, WEB, SUPERUSER}): ALL,
    }[frozenset(names)]


async def _refusal(parameters: dict[str, str]) -> str:
    """Return the message at login if the database does not let this role in."""
    if not parameters["dbname"]:
        return ""
    session = ServerConnection(parameters)
    with pytest.raises(SourceError) as caught:
        await session.connect()
    await session.close()
    failure = caught.value.failure
    return f"{_PLACE.sub('', failure.what)}. {failure.advice}"
