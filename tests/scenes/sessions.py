"""Groups of sessions, of which the scenes are made."""

from itertools import count

from pgtop.model.backend import (
    ACTIVE,
    HIDDEN_QUERY,
    IDLE_IN_TRANSACTION,
    IDLE_IN_TRANSACTION_ABORTED,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.detail import Lock
from pgtop.model.locks import Hold, Wait
from pgtop.model.snapshot import Snapshot
from tests.scenes.base import (
    CHECKOUT,
    DAY,
    HOUR,
    INVOICE,
    LOGIN,
    MINUTE,
    PGTOP_PID,
    RUNAWAY,
    SEARCH,
    STOCK,
    VACUUMING,
    active,
    ago,
    client,
)


def slots(scene: Snapshot) -> int:
    return sum(backend.is_client for backend in scene.backends)


def own(account: str = "monitor@postgres") -> list[Backend]:
    """Return pgtop's own session."""
    return [
        active(
            PGTOP_PID,
            account,
            "pgtop",
            "SELECT … FROM pg_stat_get_activity(NULL)",
            0.0,
            login=94,
            address="10.4.9.2",
        )
    ]


def pool(size: int) -> list[Backend]:
    """Return idle sessions of the shop's pools, on three machines."""
    faces = (
        ("web@shop", "shop-web", CHECKOUT),
        ("web@shop", "shop-web", LOGIN),
        ("api@shop", "shop-api", SEARCH),
    )
    return [
        client(
            48_200 + place * 3, *faces[place % 3][:2], query=faces[place % 3][2],
            address=f"10.4.1.{17 + place % 3}",
            since=0.35 + place * place * 1.7, login=5 * HOUR + place * 41,
        )
        for place in range(size)
    ]  # fmt: skip


def short_queries(size: int) -> list[Backend]:
    """Return the storm: queries of milliseconds, each from another session."""
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


def runaway() -> list[Backend]:
    """Return a report without its join condition, after 47 minutes, and two parallel workers
    that help it."""
    report = active(
        48_711, "analyst@warehouse", "metabase", RUNAWAY, 47 * MINUTE + 12, wait="IO:BufFileWrite",
        address="10.4.7.40",
        login=3 * HOUR,
    )  # fmt: skip
    leader = report._replace(backend_xmin=881_204_113, xmin_age=2_418_806)
    return [leader, worker(leader, 48_712), worker(leader, 48_713)]


def worker(leader: Backend, pid: int) -> Backend:
    started = leader.query_start
    return leader._replace(
        pid=pid, backend_start=started, state_change=started, leader_pid=leader.pid,
        backend_type=PARALLEL_WORKER,
        wait_event_type="IO", wait_event="DataFileRead",
    )  # fmt: skip


def lock_chain() -> list[Backend]:
    """Return Anna's session, which forgot to commit, the invoicer that waits for it, and waiters
    for the invoicer."""
    update = "UPDATE accounts SET balance = balance - $1 WHERE id = $2"

    def waiter(
        pid: int,
        application: str,
        query: str,
        seconds: float,
        lock: str,
        *blocked_by: int,
    ) -> Backend:
        times = {
            "wait": f"Lock:{lock}",
            "blocked_by": blocked_by,
            "address": "10.4.5.11",
        }
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


def _awaits(
    mode: str, locktype: str, target: str, seconds: float, *holds: Hold
) -> Wait:
    return Wait(Lock(locktype, mode, False, target, ago(seconds)), holds)


def chain_waits() -> dict[int, Wait]:
    """Return what the sessions in the chain wait for, and which session holds it."""
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


def standstill() -> list[Backend]:
    """Return the sessions that wait beside the chain."""
    transfer = "UPDATE ledger SET total = total + $1 WHERE day = $2"

    def waiter(
        pid: int, query: str, seconds: float, lock: str, *blocked_by: int
    ) -> Backend:
        return active(
            pid,
            "web@shop",
            "shop-web",
            query,
            seconds,
            wait=f"Lock:{lock}",
            blocked_by=blocked_by,
        )

    worker = waiter(49_022, SEARCH, 8.0, "advisory", 49_001)
    return [
        waiter(49_001, transfer, 900.0, "transactionid", 0),
        waiter(49_004, "SELECT * FROM ledger", 11.0, "relation", 49_005),
        waiter(49_005, "TRUNCATE ledger", 41.0, "relation", 49_001),
        waiter(49_010, STOCK, 0.6, "transactionid", 49_011),
        waiter(49_011, STOCK, 0.4, "transactionid", 49_010),
        waiter(49_013, STOCK, 0.2, "tuple", 49_010),
        active(
            49_021,
            "analyst@warehouse",
            "metabase",
            SEARCH,
            8.5,
            wait="IPC:ExecuteGather",
        ),
        worker._replace(
            leader_pid=49_021,
            backend_type=PARALLEL_WORKER,
            usename="analyst",
            datname="warehouse",
        ),
        waiter(49_030, LOGIN, 5.0, "transactionid", 46_999),
    ]


def standstill_waits() -> dict[int, Wait]:
    truncated = [Hold("RowExclusiveLock", 49_001)]
    return {
        49_001: _awaits("ShareLock", "transactionid", "transaction 882001377", 899.0,
                        Hold("ExclusiveLock", None, 882_001_377)),
        49_004: _awaits("AccessShareLock", "relation", "ledger", 10.9, *truncated),
        49_005: _awaits("AccessExclusiveLock", "relation", "ledger", 40.8, *truncated),
        49_010: _awaits("ShareLock", "transactionid", "transaction 883622007", 0.5,
            Hold("ExclusiveLock", 49_011)),
        49_011: _awaits("ShareLock", "transactionid", "transaction 883622001", 0.3,
            Hold("ExclusiveLock", 49_010)),
        49_013: _awaits("ExclusiveLock", "tuple", "row (2,11) of stock", 0.1, Hold("ExclusiveLock",
            49_010)),
        49_022: _awaits("ShareLock", "advisory", "advisory key 4711", 7.9, Hold("ExclusiveLock",
            49_001)),
    }  # fmt: skip


def forgotten() -> list[Backend]:
    """Return transactions that were left open, one of them failed."""
    return [
        client(48_815, "web@shop", "shop-web", state=IDLE_IN_TRANSACTION, query=CHECKOUT,
               xact=3 * MINUTE + 6, since=2 * MINUTE + 58),
        client(48_818, "warehouse@warehouse", "stock-sync", state=IDLE_IN_TRANSACTION_ABORTED,
            query=STOCK,
               xact=71, since=66, address="10.4.2.31"),
        client(48_821, "billing@billing", "invoicer", state=IDLE_IN_TRANSACTION, query=INVOICE,
               xact=0.42, since=0.08, address="10.4.5.11"),
    ]  # fmt: skip


def leak(size: int, first: int = 61_000) -> list[Backend]:
    """Return sessions that an application opened and forgot."""
    return [
        client(first + place, "api@shop", "coupon-import",
            query="SELECT code, valid_until FROM coupons WHERE id = $1",
               since=6 * MINUTE + place * 51, login=7 * MINUTE + place * 51, address="10.4.6.3")
        for place in range(size)
    ]  # fmt: skip


def services() -> list[Backend]:
    """Return a standby's walsender, an autovacuum worker, and the processes of every server."""
    start = ago(41 * DAY)
    standby = Backend(
        pid=1_204, backend_start=ago(6 * DAY), usesysid=16_507, usename="replicator",
        application_name="standby1",
        client_addr="10.4.9.21", client_port=40_112, query_start=ago(6 * DAY),
        state_change=ago(6 * DAY),
        wait_event_type="Activity", wait_event="WalSenderMain", state=ACTIVE,
        backend_type=WALSENDER,
        query='START_REPLICATION SLOT "standby1" 3F/C2000000 TIMELINE 1',
    )  # fmt: skip
    vacuum = Backend(
        pid=VACUUMING, backend_start=ago(95), datid=16_401, datname="shop", xact_start=ago(92),
        query_start=ago(92),
        state_change=ago(92), wait_event_type="Timeout", wait_event="VacuumDelay", state=ACTIVE,
        xmin_age=0,
        backend_xmin=883_622_919, query="autovacuum: VACUUM public.cart_items",
        backend_type="autovacuum worker",
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


def hidden(backend: Backend) -> Backend:
    """Return what a role without grants sees of a session."""
    return Backend(
        pid=backend.pid,
        datid=backend.datid,
        datname=backend.datname,
        usesysid=backend.usesysid,
        usename=backend.usename,
        application_name=backend.application_name,
        query=HIDDEN_QUERY,
    )
