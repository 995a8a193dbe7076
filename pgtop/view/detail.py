"""One session in full, in the order of the question: its work, its blockers and waiters, your
rights, the query, and then all that is known of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.analysis.wait_profile import Profile
from pgtop.keys import hint
from pgtop.model.backend import ACTIVE, Backend
from pgtop.model.detail import Detail
from pgtop.model.section import BACKEND_IO, HOST, POOLS
from pgtop.model.server import Server
from pgtop.model.timestamp import seconds_between
from pgtop.signalling.planning import has_nothing_to_cancel
from pgtop.signalling.protection import Guard, protection, unguarded
from pgtop.signalling.rights import right_to_signal
from pgtop.table.layout import section_line
from pgtop.table.session_state import state_in_full
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age, counted
from pgtop.text.wrap import Line, line, line_cells, wrapped
from pgtop.view.alarm import SIGN
from pgtop.view.consequence import at_once_words, state_field
from pgtop.view.detail_facts import fact_lines, lock_lines, setting_lines
from pgtop.view.fields import LabelledValue, field, field_lines
from pgtop.view.lock_phrases import rollback, root_name
from pgtop.view.progress import does_words, progress_lines
from pgtop.view.progress import title as operation_title
from pgtop.view.session_waits import statement_lines, statement_title
from pgtop.view.sql import query_lines
from pgtop.view.timeout_words import ends_fields
from pgtop.view.usual import usual_fields

QueryLines: TypeAlias = Callable[[str, int], list[Line]]

_LABELS = 12
"""Cells of the labels of the first lines."""
_LONGEST_QUERY = 400
"""Characters of another session's query."""


def detail_lines(
    backend: Backend,
    detail: Detail | None,
    derived: DerivedSnapshot,
    width: int,
    read_only: bool = False,
    guard: Guard = unguarded,
    lines_of: QueryLines = query_lines,
    waits: Profile | None = None,
) -> list[Line]:
    """Return the lines of the detail view at `width` cells.

    `detail` is None until the server has sent it. `lines_of` renders the query; a caller may hand
    in one that caches. `waits` is what the statement has waited for since the page was opened.
    """
    fields = [
        does_field(backend, derived),
        *_pooled(backend, derived),
        *usual_fields(backend, derived),
        *ends_fields(backend, detail, derived.now),
        *waits_for_fields(backend, derived),
        blocks_field(backend, derived),
        *rights_fields(backend, derived.snapshot.server, read_only, guard),
    ]
    sections = {
        **_progress(backend, derived, width),
        _query_title(backend, derived): _query(
            backend, detail, derived, width, lines_of
        ),
        **_waits(waits, width),
        "Waiters": _waiters(backend, derived, width),
        "Host": _host(backend, derived, width),
        "Session": fact_lines(backend, detail, derived, width),
        _locks_title(detail): lock_lines(detail, width),
        "Settings": setting_lines(detail, width),
    }
    lines = field_lines(fields, width, _LABELS)
    for title, section in sections.items():
        rows = list(section)
        if rows:
            lines += [_heading(title, width), *rows]
    return lines


def _pooled(backend: Backend, derived: DerivedSnapshot) -> Iterable[LabelledValue]:
    """Return the client of a pooler that uses the session."""
    if POOLS not in derived.snapshot.sections:
        return ()
    from pgtop.view.pool_words import client_fields  # late: few servers have a pooler

    return client_fields(backend, derived)


def _waits(waits: Profile | None, width: int) -> dict[str, Iterable[Line]]:
    """Return the waits of the statement under their title."""
    if waits is None or not waits.samples:
        return {}
    return {statement_title(waits): statement_lines(waits, width)}


def _host(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> Iterable[Line]:
    """Return what the session uses of the machine; nothing where the server does not run here."""
    if not {HOST, BACKEND_IO} & derived.snapshot.sections.keys():
        return ()
    from pgtop.view.host import host_fields  # late: for servers of this machine

    return field_lines(host_fields(backend, derived), width, _LABELS)


def _progress(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> dict[str, Iterable[Line]]:
    """Return the phases of a command that counts its work, under their title."""
    operation = derived.progress_of(backend)
    if operation is None:
        return {}
    heading = f"Progress of {operation_title(operation)}"
    return {heading: progress_lines(operation, derived, width)}


def _heading(title: str, width: int) -> Line:
    name = re.split(r"[,:]|  ", title, maxsplit=1)[0]
    return section_line(fit(title, width), len(name))


# The work, the blockers and the waiters.


def does_field(backend: Backend, derived: DerivedSnapshot) -> LabelledValue:
    operation = derived.progress_of(backend)
    state = state_field(backend, derived).value
    words = ""
    if operation is not None:
        words = f"; {does_words(operation)}"
    if backend.xact_start is not None:
        words += f"; transaction open {age(seconds_between(backend.xact_start, derived.now))}"
    if backend.backend_xid is not None:
        words += "; has written"
    return LabelledValue("Does", (*state, Span(words, Tone.PLAIN)))


def waits_for_fields(
    backend: Backend, derived: DerivedSnapshot
) -> Iterator[LabelledValue]:
    forest = derived.forest
    node = forest.nodes.get(backend.pid)
    blockers = (*node.blockers, *node.vanished_blockers) if node else backend.blocked_by
    if not blockers:
        yield field("Waits for", "no session")
    for key in blockers:
        name = _session(key, derived) if key > 0 else _transaction(key, forest)
        yield LabelledValue("Waits for", name)


def blocks_field(backend: Backend, derived: DerivedSnapshot) -> LabelledValue:
    waiting = derived.blocks.get(backend.pid, 0)
    if not waiting:
        return field("Blocks", "no session")
    forest = derived.forest
    free = len(forest.solely_blocked_by(backend.pid))
    sessions = counted(waiting, "session")
    words = f", its end frees {free}" if free < waiting else ""
    at_once = at_once_words(forest.next_in_line(backend.pid), waiting, forest)
    return field("Blocks", f"{sessions}{words}{at_once}", Tone.ALARM)


def _waiters(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> Iterator[Line]:
    for pid in sorted(derived.forest.waiters_of(backend.pid)):
        name, *query = _session(pid, derived)
        room = max(1, width - cells(name.text))
        yield (name, *(Span(fit(text, room), tone) for text, tone in query))


def _transaction(key: Key, forest: LockForest) -> Line:
    node = forest.nodes.get(key)
    if node is None or node.prepared is None:
        words = "a prepared transaction (pg_prepared_xacts): it has no session"
    else:
        words = f"{root_name(node)}: it has no session, {rollback(node)} ends it"
    return line(clean(words), Tone.WARN)


def _session(key: Key, derived: DerivedSnapshot) -> Line:
    other = derived.snapshot.at(key)
    if other is None:
        return line(f"{key}, which has just ended")
    parts = (str(key), name_of_session(other), state_in_full(other))
    name = clean(" ".join(filter(None, parts)))
    query = clean((other.query or "")[:_LONGEST_QUERY])
    return (Span(name, Tone.STRONG), Span(f": {query}", Tone.PLAIN))


# Rights, each with its key.


def rights_fields(
    backend: Backend,
    server: Server,
    read_only: bool,
    guard: Guard,
) -> Iterator[LabelledValue]:
    if read_only:
        yield field("Your rights", "nothing: pgtop was started with --read-only")
        return
    yield LabelledValue("Your rights", _right_words(backend, server))
    if reason := protection(server, backend) or guard(backend):
        yield field("Protected", reason, Tone.WARN)


def _right_words(backend: Backend, server: Server) -> Line:
    right = right_to_signal(server, backend)
    if right.allowed:
        return (
            Span(hint("terminate"), Tone.STRONG),
            Span(" you may terminate it   ", Tone.PLAIN),
            *_cancel_words(backend),
        )
    user = clean(server.user)
    verb = "may not" if right.allowed is False else "perhaps may not"
    remedy = f": {right.remedy}" if right.remedy else ""
    words = clean(f"{user} {verb} signal it, as it {right.reason}{remedy}")
    return line(words, Tone.WARN)


def _cancel_words(backend: Backend) -> Line:
    key = hint("cancel")
    if has_nothing_to_cancel(backend):
        return (Span(f"{key}: no running query to cancel", Tone.QUIET),)
    return (Span(key, Tone.STRONG), Span(" you may cancel its query", Tone.PLAIN))


# The query.


def _query_title(backend: Backend, derived: DerivedSnapshot) -> str:
    start = backend.query_start
    if start is None:
        return "Query"
    began = age(seconds_between(start, derived.now))
    if backend.state == ACTIVE or backend.state_change is None:
        return f"Query, running for {began}"
    took = age(seconds_between(start, backend.state_change))
    return f"Last query, begun {began} ago, took {took}"


def _query(
    backend: Backend,
    detail: Detail | None,
    derived: DerivedSnapshot,
    width: int,
    lines_of: QueryLines,
) -> Iterable[Line]:
    if detail is not None and detail.backend.query_start != backend.query_start:
        detail = None  # of an earlier query; the details of this one are requested
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


def _locks_title(detail: Detail | None) -> str:
    if detail is None or detail.locks_failure:
        return "Locks"
    wanted = sum(not lock.granted for lock in detail.locks)
    return f"Locks  {detail.locks_total - wanted} held, {wanted} wanted"


def title_line(
    backend: Backend,
    derived: DerivedSnapshot,
    place: str,
    keys: str,
    width: int,
) -> Line:
    """Return the first line: the session, its place in the table, and on the right the keys."""
    name = clean(name_of_session(backend) or state_in_full(backend))
    is_root = backend.pid in derived.blocks and not backend.waits_for_lock
    sign = Span(SIGN, Tone.ALARM) if is_root else Span("", Tone.PLAIN)
    tone = Tone.ALARM if is_root else Tone.STRONG
    spans = (
        sign,
        Span(f"{backend.pid} ", tone),
        Span(name, Tone.STRONG),
        Span(f"  {place}" if place else "", Tone.QUIET),
    )
    used = line_cells(spans)
    gap = width - used - cells(keys)
    if gap < 2:
        return spans
    return (*spans, Span(f"{' ' * gap}{keys}", Tone.QUIET))
