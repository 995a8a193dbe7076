"""One session in full: what the role may do, the query, the fields, the waits and the locks."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.analysis.xmin import holds_back
from pgtop.keys import hint
from pgtop.model.backend import IDLE, Backend
from pgtop.model.detail import Detail, Lock
from pgtop.model.server import Server
from pgtop.model.timestamp import Instant, seconds_between, to_datetime
from pgtop.signalling.protection import Guard, protection, unguarded
from pgtop.signalling.rights import right_to_signal
from pgtop.table.session_state import state_in_full
from pgtop.text.clean import cells, clean
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line, wrapped
from pgtop.view.lock_phrases import rollback, root_name
from pgtop.view.sql import query_lines

QueryLines: TypeAlias = Callable[[str, int], list[Line]]

_NAME = 17  # cells of the longest field name

_FIELDS: tuple[tuple[str, str], ...] = (
    ("state", "state of the session"),
    ("wait", "wait event: type and name"),
    ("backend_type", "type of process"),
    ("datname", "database"),
    ("usename", "role that logged in"),
    ("application_name", "name that the client gave itself"),
    ("client_addr", "address of the client"),
    ("backend_start", "start of the session"),
    ("xact_start", "start of the transaction"),
    ("query_start", "start of the query"),
    ("state_change", "last change of state"),
    ("backend_xid", "its transaction id, if it has written"),
    ("backend_xmin", "oldest transaction that its snapshot still needs"),
    ("query_id", "identifier of the query in pg_stat_statements"),
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
    derived: DerivedSnapshot,
    width: int,
    read_only: bool = False,
    guard: Guard = unguarded,
    lines_of: QueryLines = query_lines,
) -> list[Line]:
    """Return the lines of the detail view at `width` cells.

    `detail` is None until the server has sent it. `lines_of` renders the query; a caller may hand
    in one that caches.
    """
    rights = _READ_ONLY if read_only else _rights(backend, derived, width, guard)
    fields: list[Line] = []
    for name, meaning in _fields(backend, detail):
        fields += _field(name, meaning, backend, derived.now, width)
    sections = {
        "Your rights": rights,
        "Query": _query(backend, detail, derived, width, lines_of),
        "Session": fields,
        "Waits": _waits(backend, derived, width),
        "Locks": _locks(detail, width),
    }
    lines: list[Line] = []
    for title, section in sections.items():
        lines += [_heading(title, width), *section]
    return lines


def _heading(title: str, width: int) -> Line:
    rule = "─" * max(0, width - cells(title) - 4)
    return line(f"── {title} {rule}"[:width], Tone.QUIET)


_READ_ONLY = (line("nothing: pgtop was started with --read-only"),)


def _rights(
    backend: Backend, derived: DerivedSnapshot, width: int, guard: Guard
) -> Iterable[Line]:
    server = derived.snapshot.server
    yield from wrapped(_right_words(backend, server), width)
    if roles := _permitted_roles(backend, server):
        yield from wrapped(line(clean(roles), Tone.QUIET), width)
    if reason := protection(server, backend) or guard(backend):
        yield from wrapped(line(f"protected: {reason}", Tone.WARN), width)


def _right_words(backend: Backend, server: Server) -> Line:
    right = right_to_signal(server, backend)
    user = clean(server.user)
    if right.allowed:
        cancel = hint("cancel")
        terminate = hint("terminate")
        if backend.state == IDLE or backend.in_transaction_idle:
            return line(
                f"{user} may terminate it ({terminate}); it runs no query to cancel"
            )
        return line(
            f"{user} may cancel its query ({cancel}) and terminate it ({terminate})"
        )
    verb = "may not" if right.allowed is False else "perhaps may not"
    remedy = f": {right.remedy}" if right.remedy else ""
    return line(
        clean(f"{user} {verb} signal it, as it {right.reason}{remedy}"), Tone.WARN
    )


def _permitted_roles(backend: Backend, server: Server) -> str:
    role = server.roles.get(backend.usesysid) if backend.usesysid is not None else None
    if role is None:
        return ""
    if role.superuser:
        return "only superusers may signal it"
    return f"superusers, members of pg_signal_backend and members of {role.name} may signal it"


def _query(
    backend: Backend,
    detail: Detail | None,
    derived: DerivedSnapshot,
    width: int,
    lines_of: QueryLines,
) -> Iterable[Line]:
    if detail is not None and detail.backend.query_start != backend.query_start:
        detail = (
            None  # of an earlier query; the details of this one have been requested
        )
    text = (detail.backend.query if detail else backend.query) or ""
    if text:
        yield from lines_of(text, width)
    else:
        yield line("none" if detail else "…", Tone.QUIET)
    if detail is not None and detail.query_is_cut:
        size = derived.snapshot.server.track_activity_query_size
        words = (
            f"The server kept only the first {size} bytes: "
            "raise track_activity_query_size to see more."
        )
        yield from wrapped(line(words, Tone.NOTICE), width)


def _fields(backend: Backend, detail: Detail | None) -> Iterable[tuple[str, str]]:
    """Yield each field and its meaning; that of backend_xmin depends on the session."""
    locks = detail.locks if detail else ()
    awaited = next((lock for lock in locks if not lock.granted), None)
    holds = holds_back(backend, detail.exempt if detail else None, awaited)
    for name, meaning in _FIELDS:
        yield name, f"{meaning}{_HOLDS[holds]}" if name == "backend_xmin" else meaning


def _field(
    name: str, meaning: str, backend: Backend, now: Instant, width: int
) -> list[Line]:
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
        return clean(
            ":".join(filter(None, (backend.wait_event_type, backend.wait_event)))
        )
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


def _waits(backend: Backend, derived: DerivedSnapshot, width: int) -> Iterable[Line]:
    by_pid = {other.pid: other for other in derived.snapshot.backends}
    node = derived.forest.nodes.get(backend.pid)
    blockers = (*node.blockers, *node.vanished_blockers) if node else backend.blocked_by
    for key in blockers:
        name = _session(key, by_pid) if key > 0 else _transaction(key, derived.forest)
        yield from _labelled(Span("waits for  ", Tone.ALARM), name, width)
    for pid in sorted(derived.forest.waiters_of(backend.pid)):
        yield from _labelled(Span("blocks  ", Tone.WARN), _session(pid, by_pid), width)
    if not blockers and not derived.blocks.get(backend.pid):
        yield line("waits for no session, and blocks none", Tone.QUIET)


def _labelled(label: Span, text: str, width: int) -> list[Line]:
    return wrapped((label, Span(text, Tone.PLAIN)), width, indent=cells(label.text))


def _transaction(key: Key, forest: LockForest) -> str:
    node = forest.nodes.get(key)
    if node is None or node.prepared is None:
        return "a prepared transaction (pg_prepared_xacts): it has no session"
    return clean(f"{root_name(node)}: it has no session, {rollback(node)} ends it")


def _session(pid: int, by_pid: dict[int, Backend]) -> str:
    other = by_pid.get(pid)
    if other is None:
        return f"{pid}, which has just ended"
    name = " ".join(
        filter(None, (str(pid), name_of_session(other), state_in_full(other)))
    )
    return clean(f"{name}: {other.query or ''}"[:400])


def _locks(detail: Detail | None, width: int) -> Iterable[Line]:
    if detail is None:
        yield line("…", Tone.QUIET)
        return
    if detail.locks_failure:
        yield from wrapped(line(clean(detail.locks_failure), Tone.WARN), width)
    elif not detail.locks:
        yield line("none", Tone.QUIET)
    for lock in detail.locks:
        yield from wrapped(_lock(lock, detail.taken_at), width, indent=8)
    shown = len(detail.locks)
    if detail.locks_total > shown:
        words = f"… {shown} of {detail.locks_total} locks, awaited ones first"
        yield line(words, Tone.QUIET)


def _lock(lock: Lock, now: Instant) -> Line:
    words = f"{lock.mode} on {lock.target}"
    if lock.granted:
        return (Span("holds   ", Tone.PLAIN), Span(clean(words), Tone.PLAIN))
    if lock.waitstart is not None:
        words += f" for {age(seconds_between(lock.waitstart, now))}"
    return (Span("awaits  ", Tone.ALARM), Span(clean(words), Tone.PLAIN))
