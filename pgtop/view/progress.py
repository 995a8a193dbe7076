"""Progress in words: the step, its work, the time left of it, and what holds it up."""

from collections.abc import Iterator
from itertools import pairwise

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress import (
    BYTES,
    Measure,
    is_all_counted,
    is_steady,
    measure,
    pace_seconds,
    percent,
    remaining_seconds,
    share_asleep,
    stands_still,
    step_number,
    steps_of,
)
from pgtop.model.progress import Operation, SeenPhase
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.table.session_state import state_in_full
from pgtop.text.clean import clean
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age, bytes_text, counted, rough_age, rounded_span
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.progress_record import waits_for

HIDDEN = "hidden from this role: grant pg_read_all_stats to see the table and the phase"
_PREPOSITIONS = {"COPY FROM": "into", "COPY TO": "out of"}
_MOST_PHASES = 8
"""Phases that were gone through and are listed; a vacuum with little memory repeats its own."""


def title(operation: Operation) -> str:
    """Return the command and its table, as `VACUUM of acc`."""
    target = operation.target
    preposition = _PREPOSITIONS.get(operation.command)
    if not target:
        return clean(operation.command)
    if preposition is not None:
        return clean(f"COPY {preposition} {target}")
    index = f", index {operation.index_name}" if operation.index_name else ""
    return clean(f"{operation.command} of {target}{index}")


def does_words(operation: Operation) -> str:
    """Return the work of a session in a clause: command, step, percentage, time left."""
    words = [title(operation)]
    number = step_number(operation)
    steps = len(steps_of(operation))
    if number is not None and steps > 1:
        words.append(f"phase {number} of {steps}")
    words += [percentage(operation), left_words(operation)]
    return ", ".join(filter(None, words))


def progress_lines(
    operation: Operation,
    derived: DerivedSnapshot,
    width: int,
) -> Iterator[Line]:
    """Yield the phases with their times, what follows, and what holds up the present one."""
    if operation.is_hidden:
        yield from wrapped(line(HIDDEN, Tone.WARN), width)
        return
    for words in _phase_lines(operation, derived.now):
        yield from wrapped(words, width)
    for words in _obstacles(operation, derived):
        yield from wrapped(words, width)


# Phases.


def _phase_lines(operation: Operation, now: Instant) -> Iterator[Line]:
    seen = operation.seen[-_MOST_PHASES:]
    for phase, later in pairwise(seen):
        yield _past_phase(phase, later)
    if seen:
        yield _present_phase(operation, seen[-1], now)
    number = step_number(operation)
    if number is None:
        return
    following = [step.title for step in steps_of(operation)[number:]]
    if following:
        yield line(f"then {', '.join(following)}", Tone.QUIET)


def _past_phase(phase: SeenPhase, later: SeenPhase) -> Line:
    took = age(seconds_between(phase.since, later.since))
    least = "" if phase.is_since_exact else "at least "
    name = phase.phase or "work"
    return line(clean(f"{name}: took {least}{took}"), Tone.QUIET)


def _present_phase(
    operation: Operation,
    phase: SeenPhase,
    now: Instant,
) -> Line:
    lasted = age(seconds_between(phase.since, now))
    least = "" if phase.is_since_exact else "at least "
    details = [
        f"{phase.phase or 'at work'} for {least}{lasted}",
        work_words(operation),
        left_words(operation),
    ]
    words = clean(", ".join(filter(None, details)))
    pace = _pace_words(operation)
    return (Span(words, Tone.STRONG), Span(pace, Tone.QUIET))


def left_words(operation: Operation) -> str:
    """Return the time left of the present phase; "" if it is not known."""
    left = remaining_seconds(operation)
    return "" if left is None else f"about {rounded_span(left)} of this phase left"


def _pace_words(operation: Operation) -> str:
    if stands_still(operation):
        return f", no progress for {rough_age(pace_seconds(operation))}"
    if is_all_counted(operation):
        return ", the rest of this phase is not counted"
    if not is_steady(operation):
        return ", its pace varies: no estimate"
    if remaining_seconds(operation) is None:
        return ""
    return f" at the pace of the last {rough_age(pace_seconds(operation))}"


def percentage(operation: Operation) -> str:
    """Return the share of the present phase that is done; "" if it is not known."""
    share = percent(operation)
    return "" if share is None else f"{int(share)}%"


def work_words(operation: Operation) -> str:
    """Return the work that is done: `61%, 1,200 of 2,000 blocks`."""
    work = measure(operation)
    if work is None:
        return _lockers(operation)
    details = (percentage(operation), _amount(work), _rows_copied(operation))
    return ", ".join(filter(None, details))


def _rows_copied(operation: Operation) -> str:
    rows = operation.counters.get("tuples_processed")
    return "" if rows is None else f"{rows:,} rows"


def _amount(work: Measure) -> str:
    if work.unit == BYTES:
        total = "" if work.total is None else f" of {bytes_text(work.total)}"
        return f"{bytes_text(work.done)}{total}"
    total = "" if work.total is None else f" of {work.total:,}"
    return f"{work.done:,}{total} {work.unit}"


def _lockers(operation: Operation) -> str:
    """Return how many of the sessions that an index build waits for are gone."""
    total = operation.counters.get("lockers_total", 0)
    done = operation.counters.get("lockers_done", 0)
    return f"{done} of {counted(total, 'session')} gone" if total else ""


# Obstacles.


def _obstacles(operation: Operation, derived: DerivedSnapshot) -> Iterator[Line]:
    pid = waits_for(operation, derived)
    if pid is not None:
        yield line(f"held up by {_session(pid, derived)}", Tone.WARN)
    asleep = share_asleep(operation)
    if asleep is not None:
        words = f"asleep {asleep:.0%} of the time by its cost delay"
        yield line(words, Tone.NOTICE)
    passes = operation.counters.get("index_vacuum_count", 0)
    if passes > 1:
        words = f"{passes} passes over the indexes so far: more maintenance_work_mem saves some"
        yield line(words, Tone.NOTICE)


def _session(pid: int, derived: DerivedSnapshot) -> str:
    backend = derived.snapshot.at(pid)
    if backend is None:
        return f"{pid}"
    return clean(f"{pid} {name_of_session(backend)}, {state_in_full(backend)}")
