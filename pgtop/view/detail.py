"""One session whole: its query, its fields and their meaning, its locks, who waits for whom, what
may be done.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.analysis.xmin import holds_back
from pgtop.model.backend import IDLE, Backend
from pgtop.model.detail import Detail, Lock
from pgtop.model.server import Server
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.signalling.planning import Guard, unguarded
from pgtop.signalling.rights import protection, right_to_signal
from pgtop.table.columns import state_word
from pgtop.text.clean import cells, clean
from pgtop.text.identity import who_is
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.lock_phrases import rollback, root_name
from pgtop.view.sql import query_lines

QueryLines: TypeAlias = Callable[[str, int], list[Line]]

_NAME = 17  # cells of the longest field name

_FIELDS: tuple[tuple[str, str], ...] = (
    ("state", "what it is doing"),
    ("wait", "what it waits for: type and event"),
    ("backend_type", "kind of process"),
    ("datname", "database"),
    ("usename", "role that logged in"),
    ("application_name", "as the client named itself"),
    ("client_addr", "where the client is"),
    ("backend_start", "session began"),
    ("xact_start", "transaction began"),
    ("query_start", "query began"),
    ("state_change", "state last changed"),
    ("backend_xid", "its transaction id, if it has written"),
    ("backend_xmin", "oldest transaction it still needs to see"),
    ("query_id", "fingerprint of the query (pg_stat_statements)"),
    ("leader_pid", "leader of its parallel group"),
)

_HOLDS = {
    True: ": holds back vacuum",
    False: ", and holds back no vacuum",
    None: ": holds back vacuum, unless it is a vacuum itself",
}


def detail_lines(
    backend: Backend,
    detail: Detail | None,
    picture: DerivedSnapshot,
    width: int,
    read_only: bool = False,
    guard: Guard = unguarded,
    lines_of: QueryLines = query_lines,
) -> list[Line]:
    """All lines of the detail view at `width` cells; `detail` is None until the server has sent it.

    `lines_of` makes those of the query, for a reader that keeps them from one picture to the next.
    """
    rights = _READ_ONLY if read_only else _rights(backend, picture, width, guard)
    return [
        *_heading("What may be done", width),
        *rights,
        *_heading("Query", width),
        *_query(backend, detail, picture, width, lines_of),
        *_heading("Session", width),
        *(
            row
            for name, meaning in _fields(backend, detail)
            for row in _field(name, meaning, backend, picture.now, width)
        ),
        *_heading("Waits", width),
        *_waits(backend, picture, width),
        *_heading("Locks", width),
        *_locks(detail, width),
    ]


def _heading(words: str, width: int) -> list[Line]:
    return [line(f"── {words} {'─' * max(0, width - cells(words) - 4)}"[:width], Tone.QUIET)]


_READ_ONLY = (line("nothing: pgtop was started with --read-only"),)


def _rights(backend: Backend, picture: DerivedSnapshot, width: int, guard: Guard) -> Iterable[Line]:
    server = picture.snapshot.server
    right = right_to_signal(server, backend)
    user = clean(server.user)
    if right.allowed:
        is_idle = backend.state == IDLE or backend.in_transaction_idle
        may = (
            "terminate it (K); it runs no query to cancel"
            if is_idle
            else "cancel its query (C) and terminate it (K)"
        )
        yield from wrapped(line(f"{user} may {may}"), width)
    else:
        verb = "may not" if right.allowed is False else "perhaps may not"
        remedy = f": {right.remedy}" if right.remedy else ""
        yield from wrapped(
            line(clean(f"{user} {verb} signal it, as it {right.reason}{remedy}"), Tone.WARN), width
        )
    if others := _by_whom(backend, server):
        yield from wrapped(line(clean(others), Tone.QUIET), width)
    if reason := protection(server, backend) or guard(backend):
        yield from wrapped(line(f"protected: {reason}", Tone.WARN), width)


def _by_whom(backend: Backend, server: Server) -> str:
    role = server.roles.get(backend.usesysid) if backend.usesysid is not None else None
    if role is None:
        return ""
    if role.superuser:
        return "superusers may signal it, and nobody else"
    return f"superusers, members of pg_signal_backend and members of {role.name} may signal it"


def _query(
    backend: Backend,
    detail: Detail | None,
    picture: DerivedSnapshot,
    width: int,
    lines_of: QueryLines,
) -> Iterable[Line]:
    if detail is not None and detail.backend.query_start != backend.query_start:
        detail = None  # it runs another query by now, whose details are on their way
    text = (detail.backend.query if detail else backend.query) or ""
    if not text:
        yield line("none" if detail else "…", Tone.QUIET)
    yield from lines_of(text, width) if text else ()
    if detail is not None and detail.query_is_cut:
        size = picture.snapshot.server.track_activity_query_size
        words = f"The server kept only the first {size} bytes: raise track_activity_query_size to see more."
        yield from wrapped(line(words, Tone.NOTICE), width)


def _fields(backend: Backend, detail: Detail | None) -> Iterable[tuple[str, str]]:
    """Yield each field and its meaning, which of a snapshot depends on whose it is."""
    awaited = next((lock for lock in detail.locks if not lock.granted), None) if detail else None
    holds = holds_back(backend, detail.exempt if detail else None, awaited)
    for name, meaning in _FIELDS:
        yield name, f"{meaning}{_HOLDS[holds]}" if name == "backend_xmin" else meaning


def _field(name: str, meaning: str, backend: Backend, now: Instant, width: int) -> list[Line]:
    value = _value(name, backend, now)
    if not value:
        return []
    spans = [
        Span(f"{name:<{_NAME}} ", Tone.NOTICE),
        Span(value, Tone.PLAIN),
        Span(f" · {meaning}", Tone.QUIET),
    ]
    return wrapped(spans, width, indent=_NAME + 1)


def _value(name: str, backend: Backend, now: Instant) -> str:
    if name == "wait":
        return clean(":".join(filter(None, (backend.wait_event_type, backend.wait_event))))
    if name == "client_addr":
        return "" if backend.hidden else clean(_address(backend))
    value = getattr(backend, name)
    if value is None:
        return ""
    if name.endswith(("_start", "_change")):
        return f"{to_datetime(value):%Y-%m-%d %H:%M:%S} UTC, {age(seconds_between(value, now))} ago"
    if name == "backend_xmin" and backend.xmin_age is not None:
        return f"{value}, {backend.xmin_age} transactions old"
    return clean(str(value))


def _address(backend: Backend) -> str:
    if backend.client_addr is None:
        return "local socket" if backend.client_port == -1 else ""
    host = f" ({backend.client_hostname})" if backend.client_hostname else ""
    return f"{backend.client_addr}:{backend.client_port}{host}"


def _waits(backend: Backend, picture: DerivedSnapshot, width: int) -> Iterable[Line]:
    by_pid = {other.pid: other for other in picture.snapshot.backends}
    node = picture.forest.nodes.get(backend.pid)
    ahead = (*node.blockers, *node.vanished_blockers) if node else backend.blocked_by
    for key in ahead:
        who = _who(key, by_pid) if key > 0 else _transaction(key, picture.forest)
        yield from wrapped(
            (Span("waits for  ", Tone.ALARM), Span(who, Tone.PLAIN)), width, indent=11
        )
    for pid in sorted(picture.forest.waiters_of(backend.pid)):
        yield from wrapped(
            (Span("waited for by  ", Tone.WARN), Span(_who(pid, by_pid), Tone.PLAIN)),
            width,
            indent=15,
        )
    if not ahead and not picture.blocks.get(backend.pid):
        yield line("it waits for nobody, and nobody waits for it", Tone.QUIET)


def _transaction(key: Key, forest: LockForest) -> str:
    node = forest.nodes.get(key)
    if node is None or node.prepared is None:
        return "a prepared transaction (pg_prepared_xacts): it has no session"
    return clean(f"{root_name(node)}: it has no session, {rollback(node)} ends it")


def _who(pid: int, by_pid: dict[int, Backend]) -> str:
    other = by_pid.get(pid)
    if other is None:
        return f"{pid}, which has just ended"
    does = other.state if other.is_client and other.state else state_word(other)
    return clean(
        f"{' '.join(filter(None, (str(pid), who_is(other), does)))}: {other.query or ''}"[:400]
    )


def _locks(detail: Detail | None, width: int) -> Iterable[Line]:
    if detail is None:
        yield line("…", Tone.QUIET)
    elif detail.locks_failure:
        yield from wrapped(line(clean(detail.locks_failure), Tone.WARN), width)
    elif not detail.locks:
        yield line("none", Tone.QUIET)
    if detail is None:
        return
    for lock in detail.locks:
        yield from wrapped(_lock(lock, detail.taken_at), width, indent=8)
    if detail.locks_total > len(detail.locks):
        yield line(
            f"… {len(detail.locks)} of {detail.locks_total} locks, awaited ones first", Tone.QUIET
        )


def _lock(lock: Lock, now: Instant) -> Line:
    if lock.granted:
        return (
            Span("holds   ", Tone.PLAIN),
            Span(clean(f"{lock.mode} on {lock.target}"), Tone.PLAIN),
        )
    waited = (
        f" for {age(seconds_between(lock.waitstart, now))}" if lock.waitstart is not None else ""
    )
    return (
        Span("awaits  ", Tone.ALARM),
        Span(clean(f"{lock.mode} on {lock.target}{waited}"), Tone.PLAIN),
    )
