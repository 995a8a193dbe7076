"""Scripted servers: the same sessions at the same instant every time, for tests and screenshots.

Nothing here is random and nothing reads a clock. A scene is a Snapshot; its server is
`scene.server`.
"""

from dataclasses import replace

from pgtop.model.backend import (
    ACTIVE,
    Backend,
)
from pgtop.model.locks import LockState, Prepared, Slot
from pgtop.model.server import Limits, Login, Rights
from pgtop.model.snapshot import Snapshot
from tests.scenes import sessions
from tests.scenes.base import (
    DAY,
    HOUR,
    LOGIN,
    NOW,
    PGTOP_PID,
    RUNAWAY,
    SEARCH,
    STOCK,
    VACUUMING,
    active,
    ago,
    client,
    server,
    snapshot,
)
from tests.scenes.incident import calm_night, incident

__all__ = [
    "DAY",
    "HOSTILE_TEXTS",
    "HOUR",
    "LOGIN",
    "NOW",
    "PGTOP_PID",
    "RUNAWAY",
    "SEARCH",
    "STOCK",
    "active",
    "busy",
    "calm",
    "calm_night",
    "client",
    "crowd",
    "full",
    "hostile",
    "incident",
    "nearly_full",
    "not_privileged",
    "server",
    "snapshot",
    "standstill",
]


def calm() -> Snapshot:
    """Return a quiet afternoon: small pools, mostly idle, a few short queries."""
    return snapshot(
        [
            *sessions.own(),
            *sessions.pool(9),
            *sessions.short_queries(4),
            *sessions.services(),
        ]
    )


def busy() -> Snapshot:
    """Return something of everything: a storm, a runaway query with workers, a chain of waiters,
    idle transactions."""
    rows = [
        *sessions.own(),
        *sessions.pool(22),
        *sessions.short_queries(11),
        *sessions.runaway(),
        *sessions.lock_chain(),
        *sessions.forgotten(),
        *sessions.services(),
    ]
    return replace(
        snapshot(rows),
        locks=LockState(
            sessions.chain_waits(),
            exempt=frozenset({VACUUMING}),
            is_current=True,
            is_complete=True,
        ),
    )


def standstill() -> Snapshot:
    """Return a standstill: idle and prepared transactions, a queue, a deadlock, a worker, a
    vanished root."""
    roots = sessions.chain_waits() | sessions.standstill_waits()
    prepared = Prepared(
        882_001_377,
        "transfer-'4711'",
        ago(2 * DAY + 4 * HOUR),
        "billing",
        "billing",
        1_620_113,
    )
    slots = (
        Slot("standby2", 4_812_004),
        Slot("debezium", 96_311, active=True, catalog=True),
    )
    rows = [
        *sessions.own(),
        *sessions.pool(6),
        *sessions.runaway(),
        *sessions.lock_chain(),
        *sessions.standstill(),
        *sessions.services(),
    ]
    facts = LockState(
        roots,
        (prepared,),
        slots,
        frozenset({VACUUMING}),
        is_current=True,
        is_complete=True,
    )
    return replace(snapshot(rows), locks=facts)


def nearly_full() -> Snapshot:
    """Return a server with 91 of its 97 ordinary slots in use: an application leaks connections."""
    return snapshot([*busy().backends, *sessions.leak(91 - sessions.slots(busy()))])


def full() -> Snapshot:
    """Return a server without an ordinary slot; pgtop itself uses one that is reserved for
    superusers."""
    others = [backend for backend in nearly_full().backends if backend.pid != PGTOP_PID]
    used = sum(backend.is_client for backend in others)
    own = sessions.own(account="postgres@postgres")
    return snapshot(
        [*own, *others, *sessions.leak(97 - used, first=71_000)],
        user="postgres", user_oid=10, rights=Rights(superuser=True, reads_all=True,
            signals_all=True),
        login=Login(10, "postgres", superuser=True),
    )  # fmt: skip


def not_privileged() -> Snapshot:
    """Return the busy server as a role without grants sees it: others' sessions are a pid and a
    role."""
    seen = [
        sessions.hidden(backend) if backend.usename != "monitor" else backend
        for backend in busy().backends
    ]
    return snapshot(seen, rights=Rights())


HOSTILE_TEXTS = (
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "\x9b31mC1 \x85next\x90line",
    "abc\u202edcba\u202c\u2066x\u2069\u200f",
    "[/red] [bold [@click=app.quit]q[/] [link=x]",
    "日本語のクエリ 한국어 中文",
    "e\u0301" + "\u0336" * 40 + "Z̵a̴l̶g̷o",
    "\u0301\u0302leading marks",
    "👩\u200d👩\u200d👧\u200d👦 👍🏽 🇩🇪 ❤\ufe0f",
    "tab\tnewline\nreturn\rvt\x0bff\x0cnul\x00del\x7f",
    "lone \ud800 surrogate, private \ue000, unassigned \U000e0fff, bom \ufeff, tag \U000e0041",
    "soft\xadhyphen zero\u200bwidth word\u2060joiner\u2028line\u2029paragraph",
    "x" * 2_000,
)


def hostile() -> Snapshot:
    """Return a server with everything that a stranger may put into a text, in every text there
    is."""
    rows = [
        client(30_000 + place, "web@shop", state=ACTIVE, since=place)._replace(
            datname=text, usename=text, application_name=text, client_addr=text,
            client_hostname=text,
            wait_event_type=text, wait_event=text, query=text,
        )
        for place, text in enumerate(HOSTILE_TEXTS)
    ]  # fmt: skip
    kinds = [row._replace(pid=row.pid + 1_000, state=row.query) for row in rows]
    strange = [
        row._replace(pid=row.pid + 2_000, backend_type=row.query) for row in rows
    ]
    text = "".join(HOSTILE_TEXTS[:5])
    return snapshot(
        [*sessions.own(), *rows, *kinds, *strange],
        version=text,
        host=text,
        database=text,
        user=text,
    )


def crowd(n: int) -> Snapshot:
    """Return `n` client backends, most of them idle; every tenth works, some wait, some have
    uncounted workers."""
    rows = [_one_of_many(place) for place in range(n)]
    workers = [
        sessions.worker(row, 500_000 + row.pid)
        for row in rows
        if row.pid % 250 == 7 and row.state == ACTIVE
    ]
    limits = Limits(
        max_connections=n + 100, superuser_reserved_connections=3, max_wal_senders=10
    )
    return snapshot([*rows, *workers], limits=limits)


def _one_of_many(place: int) -> Backend:
    account, application = (
        ("web@shop", "shop-web"),
        ("api@shop", "shop-api"),
        ("billing@billing", "invoicer"),
    )[place % 3]
    pid, login = 10_000 + place, 60.0 + (place * 7_919) % 80_000
    address = f"10.4.{place % 7}.{place % 250}"
    if place % 10:
        return client(
            pid,
            account,
            application,
            query=LOGIN,
            since=(place * 104_729) % 3_600 / 7,
            login=login,
            address=address,
        )
    blocker = (10_000 + place - 10,) if place % 50 == 0 and place else ()
    wait = "Lock:transactionid" if blocker else None
    seconds = (place * 15_485_863) % 90_000 / 1_000
    return active(
        pid,
        account,
        application,
        SEARCH,
        seconds,
        login=login,
        address=address,
        wait=wait,
        blocked_by=blocker,
    )
