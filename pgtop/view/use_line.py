"""The third line of the header: slots in use, what the user can still open, waiting sessions, each
with its last minute, and the rates of the server.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pgtop.analysis.budget import Budget, Level
from pgtop.analysis.last_minute import Bucket, LastMinute
from pgtop.model.rates import Rates
from pgtop.monitor.state import State
from pgtop.text.tone import Span, Tone
from pgtop.text.units import bytes_text, rate
from pgtop.text.wrap import Line, line
from pgtop.view.fitting import RIGHT, Wish, fit_wishes
from pgtop.view.latest import keeps_latest
from pgtop.view.slot_words import (
    LEVELS,
    about,
    held,
    misses_logins,
    reserves,
    your_words,
)
from pgtop.view.spark import spark

USED, YOURS, HIDDEN, WAITERS, LOGINS, RESERVES, WALSENDERS = range(7)
ROWS, TEMP, TRANSACTIONS, ROLLBACKS, CACHE, DEADLOCKS = range(RIGHT, RIGHT + 6)
_SPARKS = ((160, 20), (100, 10), (0, 8))
"""Cells of screen, and the cells of a sparkline from there on."""
_FEW_WAITERS = 4
"""The height of a waiters' sparkline, in sessions, unless more have waited."""
_MANY_WALSENDERS = 0.8
"""Share of max_wal_senders from which their number matters: a standby that comes back needs one."""
_STEP = 10
"""Seconds by which the time grows that the sparklines have been watched for."""
_LATE = 1.5
"""Seconds that the oldest sample of a whole minute may lack, as samples come a little late."""


def use_line(state: State, width: int) -> Line:
    """Return what is used, what is left and what waits, with as much of the rest as fits."""
    minute = state.last_minute
    size = next(size for least, size in _SPARKS if width >= least)
    return _use_line(
        state.budget,
        state.derived.forest.waiting,
        _Minute(minute.buckets(size), minute.used_change, _watched(minute)),
        state.rates,
        width,
    )


class _Minute(NamedTuple):
    """The figures of the last minute that the line shows."""

    buckets: Sequence[Bucket | None]
    change: int | None
    """Slots in use now beyond those of a minute ago."""
    seconds: int
    """How long the buckets have been watched."""


@keeps_latest
def _use_line(
    budget: Budget,
    waiting: int,
    minute: _Minute,
    rates: Rates | None,
    width: int,
) -> Line:
    wishes = [
        *_essentials(budget, waiting),
        *_minute(budget, waiting, minute),
        *_rates(rates, width),
        *_slots_in_detail(budget),
    ]
    return fit_wishes(wishes, width)


def used_span(budget: Budget, is_short: bool = False) -> Span:
    """Return the ordinary slots in use, and how many there are."""
    tone = Tone.CALM if budget.level is Level.CALM else LEVELS[budget.level]
    in_use = held(budget)
    if is_short:
        tilde = "~" if budget.approximate else ""
        return Span(f"{tilde}{in_use}/{budget.ordinary}", tone)
    return Span(f"{about(budget)}{in_use} of {budget.ordinary} used", tone)


def _essentials(budget: Budget, waiting: int) -> Iterator[Wish]:
    """Yield the numbers that are never left out where they fit."""
    long, short, bare = your_words(budget)
    yield Wish(USED, (used_span(budget, is_short=True),))
    yield Wish(YOURS, line(bare))
    if budget.hidden:
        yield Wish(HIDDEN, line(f"{budget.hidden} hidden", Tone.WARN))
    if waiting:
        yield Wish(WAITERS, _waiters(waiting))
    yield Wish(USED, (used_span(budget),))
    yield Wish(YOURS, line(short))
    if budget.free and misses_logins(budget):
        yield Wish(LOGINS, line("logins unseen", Tone.NOTICE))
    yield Wish(YOURS, line(long))
    if budget.hidden:
        words = f"{budget.hidden} hidden: no right to see"
        yield Wish(HIDDEN, line(words, Tone.WARN))
    if budget.max_wal_senders and _are_many(budget):
        yield Wish(WALSENDERS, _walsenders(budget, Tone.WARN))
    if not waiting and not budget.hidden:
        yield Wish(WAITERS, _waiters(waiting))


def _minute(budget: Budget, waiting: int, minute: _Minute) -> Iterator[Wish]:
    """Yield the forms with sparklines, and then the time that these cover."""
    buckets = minute.buckets
    used = [bucket and bucket.used for bucket in buckets]
    waited = [bucket and bucket.waiting for bucket in buckets]
    lowest = min([bucket.used for bucket in buckets if bucket], default=0)
    used_spark = spark(used, lowest, budget.max_connections / 10)
    tone = LEVELS[budget.level] if budget.level is not Level.CALM else Tone.PLAIN
    yield Wish(
        USED,
        (
            used_span(budget),
            Span(f" {used_spark} ", Tone.QUIET),
            Span(_change(minute.change), tone),
        ),
    )
    if budget.hidden:  # the waits of hidden sessions cannot be seen
        return
    waiters = spark(waited, 0, _FEW_WAITERS)
    yield Wish(WAITERS, _waiters(waiting, f"{waiters} "))
    if minute.seconds:
        watched = Span(f" in {minute.seconds} s", Tone.QUIET)
        yield Wish(WAITERS, (*_waiters(waiting, f"{waiters} "), watched))


def _change(change: int | None) -> str:
    """Return the change of used slots, in cells enough for two digits, so that little moves."""
    return f"{'' if change is None else f'{change:+d}':<3}"


def _watched(minute: LastMinute) -> int:
    """Return the seconds of the sparklines, which grow in steps up to a minute."""
    return int(minute.seconds + _LATE) // _STEP * _STEP


def _waiters(count: int, sparkline: str = "") -> Line:
    tone = Tone.ALARM if count else Tone.PLAIN
    return (Span(f"waiting {sparkline}", Tone.QUIET), Span(str(count), tone))


def _are_many(budget: Budget) -> bool:
    return budget.walsenders >= _MANY_WALSENDERS * budget.max_wal_senders


def _walsenders(budget: Budget, tone: Tone) -> Line:
    return line(f"walsenders {budget.walsenders}/{budget.max_wal_senders}", tone)


def _slots_in_detail(budget: Budget) -> Iterator[Wish]:
    """Yield what is worth a look where there is room."""
    if budget.free and misses_logins(budget):
        yield Wish(LOGINS, line("logins in progress unseen", Tone.NOTICE))
    if words := ", ".join(reserves(budget)):
        yield Wish(RESERVES, line(words, Tone.QUIET))
    if budget.walsenders and not _are_many(budget):
        yield Wish(WALSENDERS, _walsenders(budget, Tone.QUIET))


def _rates(rates: Rates | None, width: int) -> Iterator[Wish]:
    """Yield the rates, those of a narrow screen first."""
    if rates is None:
        return
    if rates.deadlocks:
        yield Wish(DEADLOCKS, _rate("deadlocks/s", rate(rates.deadlocks), Tone.WARN))
    yield Wish(TRANSACTIONS, _rate("tx/s", rate(rates.transactions)))
    if width >= _WIDE:
        yield Wish(ROLLBACKS, _rate("rollbacks/s", rate(rates.rollbacks)))
        if rates.cache_hits is not None:
            yield Wish(CACHE, _rate("cache", f"{_percent(rates.cache_hits)}%"))
    if width >= _WIDEST:
        yield Wish(ROWS, _rows(rates))
        yield Wish(TEMP, _rate("temp/s", bytes_text(rates.temp_bytes)))


_WIDE = 120
_WIDEST = 160
"""Cells of screen from which more rates are shown."""


def _rate(name: str, value: str, tone: Tone = Tone.PLAIN) -> Line:
    return (Span(f"{name} ", Tone.QUIET), Span(value, tone))


def _rows(rates: Rates) -> Line:
    return (
        Span("rows/s ", Tone.QUIET),
        Span(rate(rates.rows_read), Tone.PLAIN),
        Span(" read ", Tone.QUIET),
        Span(rate(rates.rows_written), Tone.PLAIN),
        Span(" written", Tone.QUIET),
    )


def _percent(share: float) -> str:
    """Return a share in percent, cut and not rounded: 100 stands for all of them."""
    return f"{int(share * 1000) / 10:g}"
