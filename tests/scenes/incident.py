"""A full server in the night: a queue of nine behind one forgotten transaction, a pool that leaks,
and a runaway query. The screens of FACE's mock-ups show the same.
"""

from dataclasses import replace

from pgtop.model.backend import IDLE, IDLE_IN_TRANSACTION, PARALLEL_WORKER, Backend
from pgtop.model.server import Limits
from pgtop.model.snapshot import Snapshot
from tests.scenes.base import HOUR, MINUTE, active, client, snapshot

_ROOT_QUERY = "update acc set bal = bal + 1 where id in (1, 2, 3)"
_UPDATE = "update acc set bal = bal + 1 where id = $1"
_SELECT = "select count(*) from acc where bal > 0 and region = any ($1)"
_RUNAWAY = "select sum(length(t)) from notes t cross join notes u where t.body like u.body || $1"
_POOL = "select bal from acc where id = $1"
_RENAMED = {"warehouse": "worker", "analyst": "report"}


def incident(far: int = 0) -> Snapshot:
    """Return the server with 148 sessions; each pid is higher by `far`."""
    rows = [*_queue(), *_others(), *_pool(127)]
    backends = [_moved(_renamed(row), far) for row in rows]
    return replace(
        snapshot(
            backends,
            host="db1.example.net",
            version="17.2",
            version_num=170_002,
            limits=Limits(max_connections=175, superuser_reserved_connections=5),
        )
    )


def calm_night(far: int = 0) -> Snapshot:
    """Return the same server without waiters: 61 sessions."""
    rows = [*_others()[1:], *_pool(56)]
    return snapshot([_moved(_renamed(row), far) for row in rows])


def _renamed(row: Backend) -> Backend:
    return row._replace(usename=_RENAMED.get(row.usename or "", row.usename))


def _moved(row: Backend, far: int) -> Backend:
    return row._replace(
        pid=row.pid + far,
        leader_pid=None if row.leader_pid is None else row.leader_pid + far,
        blocked_by=tuple(pid + far for pid in row.blocked_by),
    )


def _queue() -> list[Backend]:
    def root(
        pid: int, application: str, query: str, address: str, xact: float
    ) -> Backend:
        return client(
            pid,
            "warehouse@shop",
            application,
            state=IDLE_IN_TRANSACTION,
            query=query,
            xact=xact,
            since=3 * MINUTE + 1,
            address=address,
        )

    def waiter(
        pid: int,
        application: str,
        seconds: float,
        lock: str,
        *blocked_by: int,
        query: str = _UPDATE,
        account: str = "warehouse@shop",
        address: str = "10.0.3.7",
    ) -> Backend:
        return active(
            pid,
            account,
            application,
            query,
            seconds,
            wait=f"Lock:{lock}",
            blocked_by=blocked_by,
            address=address,
        )

    alter = waiter(
        14_112,
        "migration",
        2 * MINUTE + 46,
        "relation",
        *(13_323, 13_319, 13_326, 13_343, 13_336),
        query="/* deploy 4711 */ alter table acc add column note text",
        account="postgres@shop",
        address="10.0.9.2",
    )
    readers = [
        waiter(
            pid,
            f"select-{place}",
            2 * MINUTE + 45 - place / 2,
            "relation",
            14_112,
            query=_SELECT,
        )
        for place, pid in enumerate((14_137, 14_165, 14_170, 14_183, 14_216))
    ]
    return [
        root(13_323, "root session", _ROOT_QUERY, "10.0.3.7", 181.9),
        root(13_319, "cron 0", _UPDATE, "10.0.3.9", 181.5),
        waiter(13_326, "waiter-1", 3 * MINUTE + 1, "transactionid", 13_323),
        waiter(13_343, "waiter-3", 3 * MINUTE + 1, "transactionid", 13_323),
        waiter(13_336, "waiter-2", 3 * MINUTE, "tuple", 13_326),
        alter,
        *readers,
    ]


def _others() -> list[Backend]:
    runaway = active(
        13_432,
        "analyst@shop",
        "analytics",
        _RUNAWAY,
        2 * HOUR + 14 * MINUTE,
        wait="IO:BufFileRead",
        address="10.0.5.1",
    )
    worker = runaway._replace(
        pid=21_252,
        leader_pid=13_432,
        backend_type=PARALLEL_WORKER,
        application_name="analytics",
        client_addr=None,
    )
    return [
        client(
            13_320,
            "warehouse@shop",
            "cron 1",
            state=IDLE_IN_TRANSACTION,
            query=_UPDATE,
            xact=3 * MINUTE + 1,
            since=3 * MINUTE + 1,
            address="10.0.3.9",
        ),
        runaway,
        worker,
        active(
            13_439,
            "postgres@shop",
            "psql",
            "vacuum (verbose) big",
            4 * MINUTE + 12,
            wait="Timeout:VacuumDelay",
            address=None,
        ),
        active(
            21_393,
            "warehouse@shop",
            "cgi",
            "select id, title, price from product where sku = $1",
            0.2,
            wait="IO:DataFileRead",
            address="10.0.3.7",
        ),
        client(
            21_400,
            "web@billing",
            "psql",
            query="fetch 100 from c1",
            since=20,
            address=None,
        ),
    ]


def _pool(size: int) -> list[Backend]:
    return [
        client(
            13_146 + place,
            "web@shop",
            "web-pool",
            state=IDLE,
            query=_POOL,
            since=41 * MINUTE + place / 100,
            address="10.0.4.1",
        )
        for place in range(size)
    ]
