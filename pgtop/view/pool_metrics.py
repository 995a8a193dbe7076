"""Metrics of connection poolers: whether each answers, and the figures of its pools."""

from collections.abc import Callable, Iterator, Sequence

from pgtop.model.pools import Pool, PoolerReading, pools_of
from pgtop.model.snapshot import Snapshot
from pgtop.view.metric import Labels, Metric, Value

_Figure = tuple[str, str, Callable[[Pool], Value]]

_POOL: Sequence[_Figure] = (
    ("size", "Server connections that a pool may have.", lambda pool: pool.size),
    ("clients", "Clients of a pool.", lambda pool: pool.clients),
    (
        "clients_waiting",
        "Clients that wait for a server connection.",
        lambda pool: pool.waiting,
    ),
    (
        "longest_wait_seconds",
        "How long the first of the waiting clients has waited.",
        lambda pool: pool.longest_wait_seconds,
    ),
    ("paused", "1 while the pool is paused, else 0.", lambda pool: int(pool.is_paused)),
)


def pool_metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the metrics of all poolers; those of a silent one are left out, as they are old."""
    reading = pools_of(snapshot)
    if reading is None:
        return
    poolers = {pooler.endpoint: pooler for pooler in reading.poolers}
    yield Metric(
        "pooler_up",
        "1 if the pooler answers, else 0.",
        tuple([({"pooler": name}, int(not p.reason)) for name, p in poolers.items()]),
    )
    answering = [pooler for pooler in poolers.values() if not pooler.reason]
    yield from _of_poolers(answering)
    pools = [(_labels(each, pool), pool) for each in answering for pool in each.pools]
    yield _connections(pools)
    for name, words, value in _POOL:
        values = [(labels, value(pool)) for labels, pool in pools]
        yield Metric(f"pool_{name}", words, tuple(values))


def _of_poolers(poolers: Sequence[PoolerReading]) -> Iterator[Metric]:
    clients = [({"pooler": each.endpoint}, each.client_count) for each in poolers]
    limits = [({"pooler": each.endpoint}, each.max_clients) for each in poolers]
    yield Metric("pooler_clients", "Clients of a pooler.", tuple(clients))
    yield Metric("pooler_clients_limit", "Clients that a pooler allows.", tuple(limits))


def _connections(pools: Sequence[tuple[Labels, Pool]]) -> Metric:
    values: list[tuple[Labels, Value]] = []
    for labels, pool in pools:
        counts = {"active": pool.active, "idle": pool.idle, "other": pool.other}
        for state, count in counts.items():
            values.append(({**labels, "state": state}, count))
    return Metric(
        "pool_server_connections",
        "Server connections of a pool by state; each holds a slot of the server.",
        tuple(values),
    )


def _labels(pooler: PoolerReading, pool: Pool) -> Labels:
    return {"pooler": pooler.endpoint, "database": pool.database, "user": pool.user}
