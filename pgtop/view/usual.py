"""Words for how long a running statement usually takes, and for this run beside it."""

from collections.abc import Iterator
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.usual import Usual, reading_of, usual_of, usual_reason
from pgtop.model.backend import ACTIVE, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import to_datetime
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted, span, two_digits
from pgtop.view.fields import LabelledValue, field

_LABEL = "Usually"
_TWICE = 2
"""The least multiple of the mean that is worth a number."""
_WHOLE_FROM = 10
"""Seconds from which a run is shown in whole ones."""


def usual_fields(backend: Backend, derived: DerivedSnapshot) -> Iterator[LabelledValue]:
    """Yield the usual time of what a session runs, or why none is known on this server."""
    if backend.state != ACTIVE or backend.hidden:
        return
    snapshot = derived.snapshot
    usual = usual_of(backend, snapshot)
    if usual is not None:
        times = Span(f"{_times(usual)}; {_this_run(usual)}", Tone.PLAIN)
        since = Span(f" · {_since(usual, snapshot)}", Tone.QUIET)
        yield LabelledValue(_LABEL, (times, since))
    elif reason := usual_reason(snapshot):
        cause, _, _ = clean(reason).partition(":")  # the view of the statements has all
        yield field(_LABEL, f"not known: {cause}", Tone.QUIET)


def short_usual_fields(
    backend: Backend, derived: DerivedSnapshot
) -> Iterator[LabelledValue]:
    """Yield the usual time of what a session runs, if it is known, in few words."""
    usual = usual_of(backend, derived.snapshot)
    if usual is not None:
        mean = span(usual.time.mean_seconds)
        yield field(_LABEL, f"{mean}; {_this_run(usual)}")


def usual_record(backend: Backend, snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the usual time of what a session runs as programs read it; None if none is known."""
    usual = usual_of(backend, snapshot)
    if usual is None:
        return None
    time = usual.time
    return {
        "calls": time.calls,
        "mean_seconds": time.mean_seconds,
        "stddev_seconds": time.stddev_seconds,
        "max_seconds": time.max_seconds,
        "factor": usual.factor,
    }


def _times(usual: Usual) -> str:
    time = usual.time
    return f"{span(time.mean_seconds)} (n = {time.calls:,}, longest {span(time.max_seconds)})"


def _this_run(usual: Usual) -> str:
    factor = usual.factor
    times = ""
    if factor is not None and factor >= _TWICE:
        times = f": {two_digits(factor)} times"
    seconds = usual.running_seconds
    if seconds >= _WHOLE_FROM:
        seconds = int(seconds)  # as ages are cut, too
    return f"this run {span(seconds)}{times}"


def _since(usual: Usual, snapshot: Snapshot) -> str:
    """Return since when calls are counted, and whether statements are dropped meanwhile."""
    reading = reading_of(snapshot)
    reset_at = None if reading is None else reading.reset_at
    start = usual.time.since or reset_at
    words = "counted since the last reset"
    if start is not None:
        words = f"counted since {to_datetime(start):%-d %b %Y %H:%M}"
    if usual.time.since is None and reading is not None and reading.evictions:
        times = counted(reading.evictions, "time")
        words += f" or later: statements were evicted {times}"
    return words
