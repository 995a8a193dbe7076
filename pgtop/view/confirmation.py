"""What a confirmation dialog says before a signal: what will happen, to which session, and what
that frees.
"""

from collections.abc import Collection
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import (
    ACTIVE,
    IDLE,
    IDLE_IN_TRANSACTION_ABORTED,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.signalling.planning import Guard, unguarded
from pgtop.signalling.rights import Right, grant, is_another_pgtop, protection, right_to_signal
from pgtop.text.clean import clean
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, line
from pgtop.view.lock_phrases import how_long, is_replay, listed
from pgtop.view.outcome import weak_check_words
from pgtop.view.plan import sessions

_VERBS = {Signal.CANCEL: "Cancel the query of", Signal.TERMINATE: "Terminate session"}
_ROW_QUEUE = "tuple"
"""The wait of those that want a row behind another waiter, which holds nothing but its turn.
https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LOCK-TABLE"""


class Proposal(NamedTuple):
    """One signal to one backend as it was seen, in words. `needs_pid`: its pid must be typed."""

    signal: Signal
    backend: Backend
    title: str
    lines: tuple[Line, ...]
    query: str
    needs_pid: bool


def propose(
    signal: Signal, backend: Backend, picture: DerivedSnapshot, guard: Guard = unguarded
) -> Proposal:
    """The proposal to send `signal` to `backend`, most important line first, since a small screen
    shows only those.
    """
    server = picture.snapshot.server
    protected = protection(server, backend) or guard(backend)
    lines = [
        line(clean(f"{_whom(backend)} · {_client(backend)}")),
        *_protected(protected, backend.pid),
        *_another_pgtop(is_another_pgtop(server, backend)),
        *_rights(right_to_signal(server, backend)),
        *_weak_check(server, backend),
        line(_consequence(signal, backend, picture), Tone.WARN),
        *_waiters(signal, backend, picture),
    ]
    title = f"{_VERBS[signal]} {backend.pid}?"
    query = "" if backend.hidden else clean(backend.query or "")
    return Proposal(signal, backend, title, tuple(lines), query, bool(protected) or backend.hidden)


def nothing_to_cancel(backend: Backend) -> str:
    """Why a cancel would change nothing, or nothing. Seen on the server: it answers true and does
    nothing.
    """
    if backend.state == IDLE:
        return f"{backend.pid} is idle, it has no query to cancel: K ends the session"
    if backend.in_transaction_idle:
        return f"{backend.pid} is idle in transaction, a cancel would change nothing: K ends the session"
    return ""


def change_since(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """What happened to a backend of one picture by the time of another, while its dialog was open,
    or nothing.
    """
    now = after.find_from(seen, before)
    if now is None:
        return _lost(seen, before, after)
    if now.query_start != seen.query_start:
        return "query changed since you opened this"
    if now.application_name != seen.application_name and now.query_start is None:
        return "application name changed since you opened this"
    if now.state != seen.state:
        return f"state changed from {clean(seen.state or '?')} to {clean(now.state or '?')} since you opened this"
    return ""


def _lost(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """Return why a session is missing from the later picture: ended only where that is sure."""
    seen_on, run = before.snapshot.seen_on, after.snapshot.server.run
    if not seen_on.is_answered_by(run):
        return f"the connection is to another server now, or this one was restarted: {seen.pid} cannot be reached"
    if after.may_contain(seen, before):
        better = grant(after.snapshot.server, "pg_read_all_stats")
        return clean(
            f"{seen.pid} may be another session now, which this role may not see: {better}"
        )
    return f"{seen.pid} has ended: there is nothing left to do"


def _whom(backend: Backend) -> str:
    kind = "" if backend.is_client else backend.backend_type
    return " · ".join(filter(None, (name_of_session(backend), kind, backend.application_name)))


def _client(backend: Backend) -> str:
    if backend.hidden:
        return "client hidden"
    if not backend.is_client and backend.backend_type not in (WALSENDER, PARALLEL_WORKER):
        return "no client"
    address = backend.client_addr or "a local socket"
    port = f":{backend.client_port}" if backend.client_addr and backend.client_port else ""
    host = f" ({backend.client_hostname})" if backend.client_hostname else ""
    return f"from {address}{port}{host}"


def _consequence(signal: Signal, backend: Backend, picture: DerivedSnapshot) -> str:
    if backend.hidden:
        return "what it is doing is hidden from this role: grant pg_read_all_stats to see it"
    now = picture.now
    doing = _waiting(backend, picture) or _doing(backend, now)
    if backend.state == IDLE_IN_TRANSACTION_ABORTED:
        return f"{doing}; what its transaction did is lost already, but not yet rolled back"
    if backend.xact_start is None:
        return f"{doing}; no transaction is open"
    open_for = f"transaction open for {_since(backend.xact_start, now)}"
    if signal is Signal.CANCEL:
        return f"{doing}, {open_for}: the statement is undone; an explicit transaction stays open, aborted"
    return f"{doing}, {open_for}: it will be rolled back"


def _waiting(backend: Backend, picture: DerivedSnapshot) -> str:
    """Return how long the session has waited for a lock and behind which; nothing if it does not
    wait.
    """
    node = picture.forest.nodes.get(backend.pid)
    if node is None or not node.is_waiting:
        return ""
    behind = f" behind {clean(listed(node.blockers, picture.forest))}" if node.blockers else ""
    return f"has waited {how_long(node, picture) or '?'} for a lock{behind}"


def _doing(backend: Backend, now: Instant) -> str:
    return f"{clean(backend.state or 'at work')} for {_since(_doing_since(backend), now)}"


def _doing_since(backend: Backend) -> Instant | None:
    return backend.query_start if backend.state == ACTIVE else backend.state_change


def _since(instant: Instant | None, now: Instant) -> str:
    return "?" if instant is None else age(seconds_between(instant, now))


def _waiters(signal: Signal, backend: Backend, picture: DerivedSnapshot) -> list[Line]:
    """Return how many sessions it blocks, how many of them its end frees, and what it waits for
    itself.
    """
    waiting, only = (
        picture.blocks.get(backend.pid, 0),
        picture.forest.solely_blocked_by(backend.pid),
    )
    if not waiting:
        return _deadlock(backend, picture)
    words = (
        f"blocks {sessions(waiting)}"
        if _leaves_stuck(backend, picture.forest)
        else _freed(signal, backend, picture)
    )
    replay = _replay(backend.pid, only, picture.forest)
    return [
        line(words, Tone.STRONG),
        *replay,
        *(_deadlock(backend, picture) or _own_wait(backend, picture)),
    ]


def _freed(signal: Signal, backend: Backend, picture: DerivedSnapshot) -> str:
    """Return how many waiters the end of the session frees, and how many of those at once."""
    waiting, free = (
        picture.blocks.get(backend.pid, 0),
        len(picture.forest.solely_blocked_by(backend.pid)),
    )
    frees = (
        "frees" if signal is Signal.TERMINATE else "its end frees"
    )  # a cancel may leave a savepoint's locks
    if not free:
        return f"blocks {waiting}, but others block {'it' if waiting == 1 else 'them'} too: {frees} none"
    first = len(picture.forest.next_in_line(backend.pid))
    turn = f", {first} at once" if 0 < first < free else ""
    if free < waiting:
        return f"blocks {waiting}, {frees} {free} of them{turn}"
    return f"{frees} {free} {'waiter' if free == 1 else 'waiters'}{turn}"


def _replay(pid: int, only: Collection[Key], forest: LockForest) -> list[Line]:
    """Return whether the end of the session lets a standby replay again."""
    waiting = [key for key in forest.waiters_of(pid) if is_replay(forest.nodes[key])]
    if not waiting:
        return []
    frees = (
        "goes on once it has ended"
        if set(waiting) <= set(only)
        else "does not go on with its end alone"
    )
    return [line(f"replay stands still and {frees}", Tone.STRONG)]


def _deadlock(backend: Backend, picture: DerivedSnapshot) -> list[Line]:
    node = picture.forest.nodes.get(backend.pid)
    if node is None or not picture.forest.is_surely_deadlocked(node.cycle):
        return []
    others = listed([key for key in node.cycle if key != node.key], picture.forest)
    return [
        line(
            f"it is in a deadlock with {others}, of which the server will end one by itself",
            Tone.ALARM,
        )
    ]


def _own_wait(backend: Backend, picture: DerivedSnapshot) -> list[Line]:
    """Return what blocks the session itself."""
    forest = picture.forest
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return []
    stuck = "; its waiters stay blocked" if _leaves_stuck(backend, forest) else ""
    return [
        line(f"it is itself blocked by {clean(listed(node.blockers, forest))}{stuck}", Tone.WARN)
    ]


def _leaves_stuck(backend: Backend, forest: LockForest) -> bool:
    """Return whether the session waits itself and all that wait for it alone want the row that it
    waits for.
    """
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return False
    waiters = [forest.nodes[key].backend for key in forest.next_in_line(node.key)]
    return all(each is not None and each.wait_event == _ROW_QUEUE for each in waiters)


def _protected(reason: str, pid: int) -> list[Line]:
    return (
        [(Span("Protected: ", Tone.ALARM), Span(f"{reason}. Type {pid} to go on.", Tone.PLAIN))]
        if reason
        else []
    )


def _another_pgtop(it_is: bool) -> list[Line]:
    return [line("it is another pgtop, perhaps a colleague's", Tone.NOTICE)] if it_is else []


def _weak_check(server: Server, backend: Backend) -> list[Line]:
    if not backend.hidden:
        return []
    better = f"Type {backend.pid} to go on, or {grant(server, 'pg_read_all_stats')}."
    return [line(clean(f"{weak_check_words(backend)}. {better}"), Tone.WARN)]


def _rights(right: Right) -> list[Line]:
    if right.allowed:
        return []
    known = "The server will refuse" if right.allowed is False else "The server may refuse"
    remedy = f" ({right.remedy})" if right.remedy else ""
    return [line(clean(f"{known}: it {right.reason}{remedy}"), Tone.ALARM)]
