"""Scripted servers: the same sessions at the same instant every time, for tests that look at them
and for pictures.

Nothing here is random and nothing reads a clock. A scene is a Snapshot; its server is
`scene.server`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    HIDDEN_QUERY,
    IDLE,
    IDLE_IN_TRANSACTION,
    IDLE_IN_TRANSACTION_ABORTED,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.detail import Lock
from pgtop.model.locks import Hold, LockState, Prepared, Slot, Wait
from pgtop.model.server import Database, Limits, Login, Rights, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, from_datetime

NOW: Instant = from_datetime(datetime(2026, 3, 10, 14, 25, 7, 250_000, tzinfo=UTC))
PGTOP_PID = 48_120
_VACUUMING = 48_940
MINUTE, HOUR, DAY = 60, 3_600, 86_400

_ROLES = {
    10: Role("postgres", superuser=True),
    16_501: Role("monitor", connection_limit=5, mine=True),
    16_502: Role("web"),
    16_503: Role("api", connection_limit=70),
    16_504: Role("billing"),
    16_505: Role("warehouse", connection_limit=20),
    16_506: Role("analyst", connection_limit=8),
    16_507: Role("replicator", connection_limit=4),
    16_508: Role("anna"),
}
_DATABASES = {
    5: Database("postgres"),
    16_401: Database("shop"),
    16_402: Database("billing", connection_limit=30),
    16_403: Database("warehouse"),
}
_ROLE_OIDS = {role.name: oid for oid, role in _ROLES.items()}
_DATABASE_OIDS = {database.name: oid for oid, database in _DATABASES.items()}

CHECKOUT = "SELECT id, sku, quantity, price FROM cart_items WHERE cart_id = $1 ORDER BY added_at"
LOGIN = "UPDATE users SET last_seen_at = now() WHERE id = $1"
STOCK = "UPDATE stock SET reserved = reserved + $1 WHERE sku = $2 AND warehouse_id = $3"
SEARCH = (
    "SELECT id, name, price FROM products WHERE search @@ plainto_tsquery('english', $1) LIMIT 24"
)
INVOICE = (
    "INSERT INTO invoices (order_id, total, currency, due_at) VALUES ($1, $2, $3, $4) RETURNING id"
)
RUNAWAY = """\
SELECT c.region, date_trunc('month', o.placed_at) AS month, sum(l.quantity * l.price) AS revenue
  FROM orders o
  JOIN order_lines l ON l.order_id = o.id
  CROSS JOIN customers c  -- was: JOIN customers c ON c.id = o.customer_id
 GROUP BY 1, 2
 ORDER BY revenue DESC"""


def server(**changes: object) -> Server:
    """The shop's server as the role monitor sees it: it reads all and signals all but
    superusers.
    """
    shop = Server(
        version="18.4",
        version_num=180_004,
        host="db1.shop.internal",
        port=5432,
        database="postgres",
        user="monitor",
        pid=PGTOP_PID,
        user_oid=16_501,
        database_oid=5,
        started_at=_ago(41 * DAY + 3 * HOUR),
        limits=Limits(max_connections=100, superuser_reserved_connections=3, max_wal_senders=10),
        rights=Rights(reads_all=True, signals_all=True),
        roles=_ROLES,
        databases=_DATABASES,
        login=Login(16_501, "monitor"),
        cluster="7713858437711655984/00000001/var/lib/postgresql",
        wal=5_000_000,
    )
    return shop._replace(**changes)  # type: ignore[arg-type]  # test helper: the caller names real fields


def snapshot(backends: Iterable[Backend], **changes: object) -> Snapshot:
    """These backends on the shop's server, with `changes` to it."""
    return Snapshot(NOW, server(**changes), tuple(backends))


def client(
    pid: int,
    who: str,
    application: str = "psql",
    *,
    state: str = IDLE,
    query: str = "",
    address: str | None = "10.4.1.17",
    login: float = HOUR,
    since: float = 1.0,
    ran: float | None = None,
    xact: float | None = None,
    wait: str | None = None,
    blocked_by: Sequence[int] = (),
) -> Backend:
    """A client backend. `who` is role@database; `login`, `since` (state), `ran` (query) and `xact`
    are seconds ago.
    """
    role, _, database = who.partition("@")
    waits = wait or ("Client:ClientRead" if state != ACTIVE else None)
    wait_type, _, event = (waits or "").partition(":")
    return Backend(
        pid=pid,
        backend_start=_ago(login),
        datid=_DATABASE_OIDS[database],
        datname=database,
        usesysid=_ROLE_OIDS[role],
        usename=role,
        application_name=application,
        client_addr=address,
        client_port=50_000 + pid % 10_000 if address else -1,
        xact_start=None if xact is None else _ago(xact),
        query_start=_ago(since if ran is None else ran),
        state_change=_ago(since),
        wait_event_type=wait_type or None,
        wait_event=event or None,
        state=state,
        query=query,
        query_id=7_041_776_318 * (1 + len(query)) if query else None,
        backend_type=CLIENT_BACKEND,
        blocked_by=tuple(blocked_by),
    )


def active(
    pid: int, who: str, application: str, query: str, seconds: float, **more: object
) -> Backend:
    """A client backend that has run `query`, in a transaction of its own, for so long."""
    times = {"since": seconds, "xact": seconds}
    return client(pid, who, application, state=ACTIVE, query=query, **(times | more))  # type: ignore[arg-type]


def calm() -> Snapshot:
    """A quiet afternoon: small pools, mostly idle, a few short queries."""
    return snapshot([*_own(), *_pool(9), *_short_queries(4), *_services()])


def busy() -> Snapshot:
    """Something of everything: a storm, a runaway query with workers, waiters in a chain, forgotten
    transactions.
    """
    rows = [
        *_own(),
        *_pool(22),
        *_short_queries(11),
        *_runaway(),
        *_lock_chain(),
        *_forgotten(),
        *_services(),
    ]
    return replace(
        snapshot(rows),
        locks=LockState(
            _chain_waits(), exempt=frozenset({_VACUUMING}), is_current=True, is_complete=True
        ),
    )


def standstill() -> Snapshot:
    """Everybody waits: forgotten and prepared transactions, a queue, a deadlock, a worker, a root
    just gone.
    """
    roots = _chain_waits() | _standstill_waits()
    prepared = Prepared(
        882_001_377, "transfer-'4711'", _ago(2 * DAY + 4 * HOUR), "billing", "billing", 1_620_113
    )
    slots = (Slot("standby2", 4_812_004), Slot("debezium", 96_311, active=True, catalog=True))
    rows = [*_own(), *_pool(6), *_runaway(), *_lock_chain(), *_standstill(), *_services()]
    facts = LockState(
        roots, (prepared,), slots, frozenset({_VACUUMING}), is_current=True, is_complete=True
    )
    return replace(snapshot(rows), locks=facts)


def nearly_full() -> Snapshot:
    """91 of the 97 ordinary slots are used: an application leaks connections."""
    return snapshot([*busy().backends, *_leak(91 - _slots(busy()))])


def full() -> Snapshot:
    """No ordinary slot is left; pgtop itself came in on one that is reserved for superusers."""
    others = [backend for backend in nearly_full().backends if backend.pid != PGTOP_PID]
    used = sum(backend.is_client for backend in others)
    own = _own(who="postgres@postgres")
    return snapshot(
        [*own, *others, *_leak(97 - used, first=71_000)],
        user="postgres", user_oid=10, rights=Rights(superuser=True, reads_all=True, signals_all=True),
        login=Login(10, "postgres", superuser=True),
    )  # fmt: skip


def not_privileged() -> Snapshot:
    """The busy server as a role sees it that was granted nothing: others' sessions are a pid and a
    role.
    """
    seen = [
        _hidden(backend) if backend.usename != "monitor" else backend for backend in busy().backends
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
    """Everything that a stranger may put into a text, in every text there is."""
    rows = [
        client(30_000 + place, "web@shop", state=ACTIVE, since=place)._replace(
            datname=text, usename=text, application_name=text, client_addr=text, client_hostname=text,
            wait_event_type=text, wait_event=text, query=text,
        )
        for place, text in enumerate(HOSTILE_TEXTS)
    ]  # fmt: skip
    kinds = [row._replace(pid=row.pid + 1_000, state=row.query) for row in rows]
    strange = [row._replace(pid=row.pid + 2_000, backend_type=row.query) for row in rows]
    text = "".join(HOSTILE_TEXTS[:5])
    return snapshot(
        [*_own(), *rows, *kinds, *strange], version=text, host=text, database=text, user=text
    )


def crowd(n: int) -> Snapshot:
    """`n` client backends, most of them idle; every tenth works, some wait, some have parallel
    workers, not counted.
    """
    rows = [_one_of_many(place) for place in range(n)]
    workers = [
        _worker(row, 500_000 + row.pid)
        for row in rows
        if row.pid % 250 == 7 and row.state == ACTIVE
    ]
    limits = Limits(max_connections=n + 100, superuser_reserved_connections=3, max_wal_senders=10)
    return snapshot([*rows, *workers], limits=limits)


def _one_of_many(place: int) -> Backend:
    who, application = (
        ("web@shop", "shop-web"),
        ("api@shop", "shop-api"),
        ("billing@billing", "invoicer"),
    )[place % 3]
    pid, login = 10_000 + place, 60.0 + (place * 7_919) % 80_000
    address = f"10.4.{place % 7}.{place % 250}"
    if place % 10:
        return client(
            pid,
            who,
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
        who,
        application,
        SEARCH,
        seconds,
        login=login,
        address=address,
        wait=wait,
        blocked_by=blocker,
    )


def _ago(seconds: float) -> Instant:
    return NOW - round(seconds * MICROSECONDS)


def _slots(scene: Snapshot) -> int:
    return sum(backend.is_client for backend in scene.backends)


def _own(who: str = "monitor@postgres") -> list[Backend]:
    """pgtop's own session."""
    return [
        active(
            PGTOP_PID,
            who,
            "pgtop",
            "SELECT … FROM pg_stat_get_activity(NULL)",
            0.0,
            login=94,
            address="10.4.9.2",
        )
    ]


def _pool(size: int) -> list[Backend]:
    """Idle sessions of the shop's pools, on three machines."""
    faces = (
        ("web@shop", "shop-web", CHECKOUT),
        ("web@shop", "shop-web", LOGIN),
        ("api@shop", "shop-api", SEARCH),
    )
    return [
        client(
            48_200 + place * 3, *faces[place % 3][:2], query=faces[place % 3][2], address=f"10.4.1.{17 + place % 3}",
            since=0.35 + place * place * 1.7, login=5 * HOUR + place * 41,
        )
        for place in range(size)
    ]  # fmt: skip


def _short_queries(size: int) -> list[Backend]:
    """The storm: queries of milliseconds, each from another session."""
    faces = (
        ("api@shop", "shop-api", SEARCH),
        ("web@shop", "shop-web", CHECKOUT),
        ("warehouse@warehouse", "stock-sync", STOCK),
    )
    waits = (None, "IO:DataFileRead", None, "LWLock:WALWrite", None)
    return [
        active(
            48_600 + place * 2, *faces[place % 3], 0.012 + place * 0.031, wait=waits[place % 5],
            address=f"10.4.{2 + place % 2}.{30 + place}", login=2 * HOUR + place * 13,
        )
        for place in range(size)
    ]  # fmt: skip


def _runaway() -> list[Backend]:
    """A report without its join condition, for 47 minutes, and two parallel workers that help
    it.
    """
    report = active(
        48_711, "analyst@warehouse", "metabase", RUNAWAY, 47 * MINUTE + 12, wait="IO:BufFileWrite", address="10.4.7.40",
        login=3 * HOUR,
    )  # fmt: skip
    leader = report._replace(backend_xmin=881_204_113, xmin_age=2_418_806)
    return [leader, _worker(leader, 48_712), _worker(leader, 48_713)]


def _worker(leader: Backend, pid: int) -> Backend:
    started = leader.query_start
    return leader._replace(
        pid=pid, backend_start=started, state_change=started, leader_pid=leader.pid, backend_type=PARALLEL_WORKER,
        wait_event_type="IO", wait_event="DataFileRead",
    )  # fmt: skip


def _lock_chain() -> list[Backend]:
    """Anna forgot to commit; the invoicer waits for her, and others wait for the invoicer."""
    update = "UPDATE accounts SET balance = balance - $1 WHERE id = $2"

    def waiter(
        pid: int, application: str, query: str, seconds: float, lock: str, *blocked_by: int
    ) -> Backend:
        times = {"wait": f"Lock:{lock}", "blocked_by": blocked_by, "address": "10.4.5.11"}
        return active(pid, "billing@billing", application, query, seconds, **times)

    return [
        client(47_903, "anna@billing", state=IDLE_IN_TRANSACTION, address=None, login=4 * HOUR,
               query="UPDATE accounts SET note = 'checked' WHERE id = 4711;",
               xact=13 * MINUTE + 41, since=13 * MINUTE + 20, ran=13 * MINUTE + 22),
        waiter(48_801, "invoicer", update, 9 * MINUTE + 3, "transactionid", 47_903),
        waiter(48_803, "invoicer", update, 4 * MINUTE + 47, "tuple", 48_801),
        waiter(48_806, "dunning", update, 38.4, "tuple", 48_801, 48_803),
        waiter(48_809, "invoicer", "ALTER TABLE accounts ADD iban text", 12.9, "relation",
               47_903, 48_801, 48_803, 48_806),
    ]  # fmt: skip


def _awaits(mode: str, locktype: str, target: str, seconds: float, *holds: Hold) -> Wait:
    return Wait(Lock(locktype, mode, False, target, _ago(seconds)), holds)


def _chain_waits() -> dict[int, Wait]:
    """What those in the chain wait for, and who has it."""
    table = [Hold("RowExclusiveLock", pid) for pid in (47_903, 48_801, 48_803, 48_806)]
    row = Hold("ExclusiveLock", 48_801)
    return {
        48_801: _awaits(
            "ShareLock",
            "transactionid",
            "transaction 882944017",
            542.9,
            Hold("ExclusiveLock", 47_903),
        ),
        48_803: _awaits("ExclusiveLock", "tuple", "row (0,7) of accounts", 286.8, row),
        48_806: _awaits("ExclusiveLock", "tuple", "row (0,7) of accounts", 38.3, row),
        48_809: _awaits("AccessExclusiveLock", "relation", "accounts", 12.8, *table),
    }


def _standstill() -> list[Backend]:
    """Those that wait beside the chain."""
    transfer = "UPDATE ledger SET total = total + $1 WHERE day = $2"

    def waiter(pid: int, query: str, seconds: float, lock: str, *blocked_by: int) -> Backend:
        return active(
            pid, "web@shop", "shop-web", query, seconds, wait=f"Lock:{lock}", blocked_by=blocked_by
        )

    worker = waiter(49_022, SEARCH, 8.0, "advisory", 49_001)
    return [
        waiter(49_001, transfer, 900.0, "transactionid", 0),
        waiter(49_004, "SELECT * FROM ledger", 11.0, "relation", 49_005),
        waiter(49_005, "TRUNCATE ledger", 41.0, "relation", 49_001),
        waiter(49_010, STOCK, 0.6, "transactionid", 49_011),
        waiter(49_011, STOCK, 0.4, "transactionid", 49_010),
        waiter(49_013, STOCK, 0.2, "tuple", 49_010),
        active(49_021, "analyst@warehouse", "metabase", SEARCH, 8.5, wait="IPC:ExecuteGather"),
        worker._replace(
            leader_pid=49_021, backend_type=PARALLEL_WORKER, usename="analyst", datname="warehouse"
        ),
        waiter(49_030, LOGIN, 5.0, "transactionid", 46_999),
    ]


def _standstill_waits() -> dict[int, Wait]:
    truncated = [Hold("RowExclusiveLock", 49_001)]
    return {
        49_001: _awaits("ShareLock", "transactionid", "transaction 882001377", 899.0,
                        Hold("ExclusiveLock", None, 882_001_377)),
        49_004: _awaits("AccessShareLock", "relation", "ledger", 10.9, *truncated),
        49_005: _awaits("AccessExclusiveLock", "relation", "ledger", 40.8, *truncated),
        49_010: _awaits("ShareLock", "transactionid", "transaction 883622007", 0.5, Hold("ExclusiveLock", 49_011)),
        49_011: _awaits("ShareLock", "transactionid", "transaction 883622001", 0.3, Hold("ExclusiveLock", 49_010)),
        49_013: _awaits("ExclusiveLock", "tuple", "row (2,11) of stock", 0.1, Hold("ExclusiveLock", 49_010)),
        49_022: _awaits("ShareLock", "advisory", "advisory key 4711", 7.9, Hold("ExclusiveLock", 49_001)),
    }  # fmt: skip


def _forgotten() -> list[Backend]:
    """Transactions that somebody left open, one of them failed."""
    return [
        client(48_815, "web@shop", "shop-web", state=IDLE_IN_TRANSACTION, query=CHECKOUT,
               xact=3 * MINUTE + 6, since=2 * MINUTE + 58),
        client(48_818, "warehouse@warehouse", "stock-sync", state=IDLE_IN_TRANSACTION_ABORTED, query=STOCK,
               xact=71, since=66, address="10.4.2.31"),
        client(48_821, "billing@billing", "invoicer", state=IDLE_IN_TRANSACTION, query=INVOICE,
               xact=0.42, since=0.08, address="10.4.5.11"),
    ]  # fmt: skip


def _leak(size: int, first: int = 61_000) -> list[Backend]:
    """Sessions that an application opened and forgot."""
    return [
        client(first + place, "api@shop", "coupon-import", query="SELECT code, valid_until FROM coupons WHERE id = $1",
               since=6 * MINUTE + place * 51, login=7 * MINUTE + place * 51, address="10.4.6.3")
        for place in range(size)
    ]  # fmt: skip


def _services() -> list[Backend]:
    """A standby's walsender, an autovacuum worker, and the processes that every server has."""
    start = _ago(41 * DAY)
    standby = Backend(
        pid=1_204, backend_start=_ago(6 * DAY), usesysid=16_507, usename="replicator", application_name="standby1",
        client_addr="10.4.9.21", client_port=40_112, query_start=_ago(6 * DAY), state_change=_ago(6 * DAY),
        wait_event_type="Activity", wait_event="WalSenderMain", state=ACTIVE, backend_type=WALSENDER,
        query='START_REPLICATION SLOT "standby1" 3F/C2000000 TIMELINE 1',
    )  # fmt: skip
    vacuum = Backend(
        pid=_VACUUMING, backend_start=_ago(95), datid=16_401, datname="shop", xact_start=_ago(92), query_start=_ago(92),
        state_change=_ago(92), wait_event_type="Timeout", wait_event="VacuumDelay", state=ACTIVE, xmin_age=0,
        backend_xmin=883_622_919, query="autovacuum: VACUUM public.cart_items", backend_type="autovacuum worker",
    )  # fmt: skip
    own = (
        "checkpointer",
        "background writer",
        "walwriter",
        "autovacuum launcher",
        "logical replication launcher",
    )
    events = (
        "CheckpointerMain",
        "BgwriterMain",
        "WalWriterMain",
        "AutovacuumMain",
        "LogicalLauncherMain",
    )
    processes = [
        Backend(
            pid=pid,
            backend_start=start,
            wait_event_type="Activity",
            wait_event=event,
            query="",
            backend_type=kind,
        )
        for pid, kind, event in zip(count(1_101), own, events, strict=False)
    ]
    return [*processes, standby, vacuum]


def _hidden(backend: Backend) -> Backend:
    """What a role that was granted nothing sees of it."""
    return Backend(
        pid=backend.pid,
        datid=backend.datid,
        datname=backend.datname,
        usesysid=backend.usesysid,
        usename=backend.usename,
        application_name=backend.application_name,
        query=HIDDEN_QUERY,
    )
