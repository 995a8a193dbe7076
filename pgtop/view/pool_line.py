"""The poolers in one line below the bar, and in the headline if clients wait for long."""

from collections.abc import Iterator, Sequence

from pgtop.analysis.pools import current_pools, silent_seconds, waited_for
from pgtop.model.pools import Pool, PoolerReading, PoolsReading, pools_of
from pgtop.model.timestamp import Instant
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import stepped_span
from pgtop.text.wrap import Line, line
from pgtop.view.alarm import SIGN
from pgtop.view.beside import Beside
from pgtop.view.headline import Lead, Trouble

_POOLS = Lead("show_pools", "the pools", "pools", view="pools")


def beside(state: State) -> Beside | None:
    """Return the worst pool and how many clients wait; while none does, how much of all pools is
    in use.
    """
    snapshot = state.derived.snapshot
    reading = pools_of(snapshot)
    if reading is None or not reading.poolers:
        return None
    if waiting := waited_for(reading):
        worst, *others = waiting
        name = f"pool {clean(worst.name)}"
        texts = [f"{name}{words}" for words in _wait_forms(worst, others)]
        return _wrong(texts, Tone.ALARM, reading)
    if silent := _silent(reading):
        texts = _silent_words(silent, snapshot.taken_at)
        return _wrong(texts, Tone.WARN, reading)
    calm = _calm_forms(reading)
    return Beside(calm) if calm else None


def _wrong(texts: Sequence[str], tone: Tone, reading: PoolsReading) -> Beside:
    forms = [line(text, tone) for text in texts]
    return Beside(forms, is_wrong=True, other_forms=_calm_forms(reading))


def troubles(state: State) -> Iterator[Trouble]:
    """Yield the pool that most clients wait for, and the poolers that do not answer."""
    snapshot = state.derived.snapshot
    reading = pools_of(snapshot)
    if reading is None:
        return
    if waiting := waited_for(reading):
        worst, *others = waiting
        plate = Span(f"{SIGN}pool {clean(worst.name)}", Tone.ALARM_PLATE)
        words = [*_wait_forms(worst, others), ""]
        forms = [(plate, Span(each, Tone.ALARM)) for each in words]
        yield Trouble(forms, _POOLS)
    if silent := _silent(reading):
        words = _silent_words(silent, snapshot.taken_at)
        yield Trouble([line(f"! {each}", Tone.WARN) for each in words], _POOLS)
    elif paused := _paused(reading):
        name = clean(paused[0].name)
        texts = [
            f"! pool {name} is paused, {paused[0].waiting} wait",
            f"! {name} paused",
        ]
        yield Trouble([line(text, Tone.WARN) for text in texts], _POOLS)


def _wait_forms(pool: Pool, others: Sequence[Pool]) -> list[str]:
    """Return what follows the name of a pool, the longest form first."""
    waiting = f"{pool.waiting} wait"
    oldest = f"{waiting}, oldest {stepped_span(pool.longest_wait_seconds or 0)}"
    more = f", {len(others)} more like it" if others else ""
    busy = f" {busy_words(pool)}, {oldest}"
    return [f"{busy}{more}", busy, f" {oldest}", f" {waiting}"]


def busy_words(pool: Pool) -> str:
    """Return how many server connections of a pool are in use, of how many."""
    return (
        f"{pool.active} busy"
        if pool.size is None
        else f"{pool.active} of {pool.size} busy"
    )


def _calm_forms(reading: PoolsReading) -> list[Line]:
    """Return how much of the pools is in use; nothing before the first reading."""
    pools = current_pools(reading)
    if not pools:
        return _no_pool(reading)
    names = [f"{len(pools)} pools", "pools"]
    if len(pools) == 1:
        names = [f"pool {clean(pools[0].name)}", "pool"]
    waiting = sum([pool.waiting for pool in pools])
    wait = f", {waiting} wait" if waiting else ""
    busy = f"{_busy_of_all(pools)} busy{wait}"
    return [line(f"{name} {busy}", Tone.QUIET) for name in names]


def _no_pool(reading: PoolsReading) -> list[Line]:
    answering = [pooler for pooler in reading.poolers if not pooler.reason]
    if not answering:
        return [line("pools are not known now", Tone.QUIET)]
    is_read = any(pooler.read_at for pooler in answering)
    return [line("no pool is in use", Tone.QUIET)] if is_read else []


def _busy_of_all(pools: Sequence[Pool]) -> str:
    active = sum([pool.active for pool in pools])
    sizes = [pool.size or 0 for pool in pools]
    return f"{active} of {sum(sizes)}" if all(sizes) else str(active)


def _silent(reading: PoolsReading) -> list[PoolerReading]:
    return [pooler for pooler in reading.poolers if pooler.reason]


def _paused(reading: PoolsReading) -> list[Pool]:
    pools = current_pools(reading)
    return [pool for pool in pools if pool.is_paused and pool.waiting]


def _silent_words(silent: Sequence[PoolerReading], now: Instant) -> list[str]:
    """Return which pooler does not answer, why, and for how long."""
    pooler = silent[0]
    seconds = silent_seconds(pooler, now)
    since = f" ({stepped_span(seconds)})" if seconds >= 1 else ""
    more = f", {len(silent) - 1} more like it" if len(silent) > 1 else ""
    return [
        f"pooler {reason_words(pooler)}{since}{more}",
        f"pooler {clean(pooler.endpoint)} cannot be read{since}",
        "pooler silent",
    ]


def reason_words(pooler: PoolerReading) -> str:
    """Return which pooler cannot be read, and why."""
    return clean(pooler.sentence).rstrip(".")
