"""The fields and the locks of one session, below what matters more."""

from collections.abc import Iterable, Iterator

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.xmin import holds_back
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail, Lock
from pgtop.model.server import Server
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line, line_cells, wrapped
from pgtop.view.fields import LabelledValue, field

_LEAST_COLUMN = 25
"""Cells of a column of fields at least: a label, and a time."""
_MOST_COLUMNS = 4
_GAP = 2
"""Blank cells between two fields at least."""
_MODE = 25
"""Cells of a lock's mode; `ShareUpdateExclusiveLock` has 24."""
_NARROW = 60
_HOLDS = {
    True: ": holds back vacuum",
    False: ", and holds back no vacuum",
    None: ": holds back vacuum, unless it is a vacuum itself",
}


def fact_lines(
    backend: Backend,
    detail: Detail | None,
    derived: DerivedSnapshot,
    width: int,
) -> list[Line]:
    """Return the fields side by side, in columns of equal width."""
    columns = min(_MOST_COLUMNS, max(1, width // _LEAST_COLUMN))
    column = width // columns
    lines: list[Line] = []
    row: Line = ()
    for label, value in _facts(backend, detail, derived):
        spans = (Span(f"{label} ", Tone.QUIET), *value)
        end = line_cells(row) + _GAP if row else 0
        start = -(-end // column) * column
        if row and start + line_cells(spans) > width:
            lines += wrapped(row, width)
            row = ()
            start = 0
        gap = start - line_cells(row) if row else 0
        row = (*row, Span(" " * gap, Tone.PLAIN), *spans)
    return [*lines, *(wrapped(row, width) if row else ())]


def _facts(
    backend: Backend,
    detail: Detail | None,
    derived: DerivedSnapshot,
) -> Iterator[LabelledValue]:
    """Yield what is known."""
    now = derived.now
    wait = ":".join(filter(None, (backend.wait_event_type, backend.wait_event)))
    texts = {
        "application": backend.application_name,
        "client": "" if backend.hidden else _address(backend),
        "wait": wait,
        "login": _since(backend.backend_start, now),
        "transaction": _since(backend.xact_start, now),
        "last statement": _since(backend.query_start, now),
        "state since": _since(backend.state_change, now),
        "xid": backend.backend_xid,
        "xmin": _xmin(backend, detail),
        "query id": backend.query_id,
        "leader": backend.leader_pid,
        "type": backend.backend_type,
        "database": backend.datname,
        "role": backend.usename,
        "may be signalled by": _permitted_roles(backend, derived.snapshot.server),
    }
    for label, text in texts.items():
        if text:
            yield field(label, clean(str(text)))


def _permitted_roles(backend: Backend, server: Server) -> str:
    role = server.roles.get(backend.usesysid) if backend.usesysid is not None else None
    if role is None:
        return ""
    if role.superuser:
        return "superusers only"
    return f"superusers, members of pg_signal_backend and members of {role.name}"


def _since(start: Instant | None, now: Instant) -> str:
    if start is None:
        return ""
    moment = to_datetime(start)
    day = "" if moment.date() == to_datetime(now).date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S}, {age(seconds_between(start, now))} ago"


def _address(backend: Backend) -> str:
    if backend.client_addr is None:
        return "local socket" if backend.client_port == -1 else ""
    host = f" ({backend.client_hostname})" if backend.client_hostname else ""
    return f"{backend.client_addr}:{backend.client_port}{host}"


def _xmin(backend: Backend, detail: Detail | None) -> str:
    """Return the oldest transaction that the session's snapshot needs, and whether it holds back
    vacuum.
    """
    if backend.backend_xmin is None:
        return ""
    if backend.xmin_age == 0:
        return f"{backend.backend_xmin}, the newest"
    behind = "" if backend.xmin_age is None else f", {backend.xmin_age:,} behind"
    locks = detail.locks if detail else ()
    awaited = next((lock for lock in locks if not lock.granted), None)
    holds = holds_back(backend, detail.exempt if detail else None, awaited)
    return f"{backend.backend_xmin}{behind}{_HOLDS[holds]}"


# Settings.


def setting_lines(detail: Detail | None, width: int) -> Iterable[Line]:
    """Return what the role and the database of a session set for it; nothing if that was not
    read.
    """
    if detail is None or detail.settings is None:
        return
    for setting in detail.settings:
        words = clean(f"{setting.name} = {setting.value}  ")
        origin = Span(clean(setting.origin), Tone.QUIET)
        yield from wrapped((Span(words, Tone.PLAIN), origin), width, 2)
    if not detail.settings:
        yield line("none of its role or its database", Tone.QUIET)
    yield from wrapped(line(_OWN_SETTINGS, Tone.QUIET), width)


_OWN_SETTINGS = "What the session itself has SET, no other session can see."


# Locks.


def lock_lines(detail: Detail | None, width: int) -> Iterable[Line]:
    """Return the locks of a session, awaited ones first, and how many more there are."""
    if detail is None:
        yield line("…", Tone.QUIET)
        return
    if detail.locks_failure:
        yield from wrapped(line(clean(detail.locks_failure), Tone.WARN), width)
    elif not detail.locks:
        yield line("none", Tone.QUIET)
    for lock in detail.locks:
        yield from _lock_lines(lock, detail.taken_at, width)
    shown = len(detail.locks)
    if detail.locks_total > shown:
        words = f"… {shown} of {detail.locks_total} locks, awaited ones first"
        yield line(words, Tone.QUIET)


def _lock_lines(
    lock: Lock,
    now: Instant,
    width: int,
) -> list[Line]:
    target = clean(lock.target)
    state = _lock_state(lock, now)
    if width < _NARROW:
        return wrapped(
            (state, Span(f" {clean(lock.mode)} {target}", Tone.PLAIN)), width
        )
    room = width - _MODE - cells(state.text) - 1
    mode = fit(clean(lock.mode), _MODE - 1)
    if cells(target) > room:
        return wrapped((Span(f"{mode} {target} ", Tone.PLAIN), state), width, _MODE)
    return [(Span(f"{mode} {fit(target, room)} ", Tone.PLAIN), state)]


def _lock_state(lock: Lock, now: Instant) -> Span:
    if lock.granted:
        return Span("granted", Tone.QUIET)
    if lock.waitstart is None:
        return Span("wanted", Tone.ALARM)
    return Span(f"wanted for {age(seconds_between(lock.waitstart, now))}", Tone.ALARM)
