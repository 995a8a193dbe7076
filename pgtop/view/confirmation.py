"""The words of a confirmation dialog: what a signal will do, to which session, and what that frees.

The words for many sessions are in `view/plan`.
"""

from collections.abc import Collection
from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.keys import hint
from pgtop.model.backend import (
    ACTIVE,
    IDLE,
    IDLE_IN_TRANSACTION_ABORTED,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.plan import Plan
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.signalling.planning import has_nothing_to_cancel
from pgtop.signalling.rights import Right, grant, is_another_pgtop, right_to_signal
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
"""The wait event of sessions that queue for a row: they block each other only by their turn.
https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LOCK-TABLE"""


class Proposal(NamedTuple):
    """A plan of one in words."""

    title: str
    lines: tuple[Line, ...]
    """The most important first: a small screen shows only those."""
    query: str


def propose(plan: Plan, derived: DerivedSnapshot) -> Proposal:
    """Return the words for a plan of one, made from `derived`."""
    [target] = plan.targets
    backend = target.backend
    server = plan.server
    lines = [
        line(clean(f"{_name(backend)} · {_client(backend)}")),
        *_protection(target.protection, backend.pid),
        *_another_pgtop(server, backend),
        *_rights(right_to_signal(server, backend)),
        *_weak_check(server, backend),
        line(_consequence(plan.signal, backend, derived), Tone.WARN),
        *_waiters(plan.signal, backend, derived),
    ]
    title = f"{_VERBS[plan.signal]} {backend.pid}?"
    query = "" if backend.hidden else clean(backend.query or "")
    return Proposal(title, tuple(lines), query)


def nothing_to_cancel_words(backend: Backend) -> str:
    """Return why a cancel would change nothing, "" if it would."""
    if not has_nothing_to_cancel(backend):
        return ""
    state = "idle" if backend.state == IDLE else "idle in transaction"
    way_out = f"{hint('terminate')} ends the session"
    return f"{backend.pid} is {state}: no query to cancel. {way_out}"


# Changes while the dialog was open.


def change_since(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """Return what happened to a backend between two snapshots, "" if nothing did."""
    now = after.find_from(seen, before)
    if now is None:
        return _lost(seen, before, after)
    if now.query_start != seen.query_start:
        return "query changed since you opened this"
    if now.application_name != seen.application_name and now.query_start is None:
        return "application name changed since you opened this"
    if now.state != seen.state:
        states = f"from {clean(seen.state or '?')} to {clean(now.state or '?')}"
        return f"state changed {states} since you opened this"
    return ""


def _lost(seen: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    """Return why a session is missing from the later snapshot: ended only if that is certain."""
    server = after.snapshot.server
    if not before.snapshot.seen_on.is_answered_by(server.run):
        cause = "the connection is to another server now, or this one was restarted"
        return f"{cause}: {seen.pid} cannot be reached"
    if after.may_contain(seen, before):
        better = grant(server, "pg_read_all_stats")
        doubt = f"{seen.pid} may be another session now, which this role may not see"
        return clean(f"{doubt}: {better}")
    return f"{seen.pid} has ended: there is nothing left to do"


# The session and what it does.


def _name(backend: Backend) -> str:
    kind = "" if backend.is_client else backend.backend_type
    parts = (name_of_session(backend), kind, backend.application_name)
    return " · ".join(filter(None, parts))


def _client(backend: Backend) -> str:
    if backend.hidden:
        return "client hidden"
    if not backend.is_client and backend.backend_type not in (
        WALSENDER,
        PARALLEL_WORKER,
    ):
        return "no client"
    address = backend.client_addr or "a local socket"
    port = (
        f":{backend.client_port}" if backend.client_addr and backend.client_port else ""
    )
    host = f" ({backend.client_hostname})" if backend.client_hostname else ""
    return f"from {address}{port}{host}"


def _consequence(signal: Signal, backend: Backend, derived: DerivedSnapshot) -> str:
    if backend.hidden:
        return "what it is doing is hidden from this role: grant pg_read_all_stats to see it"
    doing = _waiting(backend, derived) or _doing(backend, derived.now)
    if backend.state == IDLE_IN_TRANSACTION_ABORTED:
        return f"{doing}; what its transaction did is lost already, but not yet rolled back"
    if backend.xact_start is None:
        return f"{doing}; no transaction is open"
    transaction = f"transaction open for {_since(backend.xact_start, derived.now)}"
    if signal is Signal.CANCEL:
        effect = "the statement is undone; inside BEGIN, the transaction stays open but aborted"
    else:
        effect = "it will be rolled back"
    return f"{doing}, {transaction}: {effect}"


def _waiting(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return how long the session has waited for a lock and behind which one, "" if it does not
    wait.
    """
    node = derived.forest.nodes.get(backend.pid)
    if node is None or not node.is_waiting:
        return ""
    waited = f"has waited {how_long(node, derived) or '?'} for a lock"
    if not node.blockers:
        return waited
    return f"{waited} behind {clean(listed(node.blockers, derived.forest))}"


def _doing(backend: Backend, now: Instant) -> str:
    start = backend.query_start if backend.state == ACTIVE else backend.state_change
    return f"{clean(backend.state or 'at work')} for {_since(start, now)}"


def _since(instant: Instant | None, now: Instant) -> str:
    return "?" if instant is None else age(seconds_between(instant, now))


# The sessions that it blocks.


def _waiters(signal: Signal, backend: Backend, derived: DerivedSnapshot) -> list[Line]:
    """Return how many sessions it blocks, how many of them its end frees, and its own blockers."""
    waiting = derived.blocks.get(backend.pid, 0)
    deadlock = _deadlock(backend, derived)
    if not waiting:
        return deadlock
    forest = derived.forest
    if _leaves_stuck(backend, forest):
        words = f"blocks {sessions(waiting)}"
    else:
        words = _frees(signal, backend, derived)
    return [
        line(words, Tone.STRONG),
        *_replay(backend.pid, forest.solely_blocked_by(backend.pid), forest),
        *(deadlock or _own_wait(backend, forest)),
    ]


def _frees(signal: Signal, backend: Backend, derived: DerivedSnapshot) -> str:
    """Return how many waiters the end of the session frees, and how many of those at once."""
    waiting = derived.blocks.get(backend.pid, 0)
    free = len(derived.forest.solely_blocked_by(backend.pid))
    # a cancel may leave a savepoint's locks
    frees = "frees" if signal is Signal.TERMINATE else "its end frees"
    if not free:
        them = "it" if waiting == 1 else "them"
        return f"blocks {waiting}, but others block {them} too: {frees} none"
    first = len(derived.forest.next_in_line(backend.pid))
    at_once = f", {first} at once" if 0 < first < free else ""
    if free < waiting:
        return f"blocks {waiting}, {frees} {free} of them{at_once}"
    waiters = "waiter" if free == 1 else "waiters"
    return f"{frees} {free} {waiters}{at_once}"


def _replay(pid: int, freed: Collection[Key], forest: LockForest) -> list[Line]:
    """Return whether the end of the session lets a standby replay again."""
    waiting = {key for key in forest.waiters_of(pid) if is_replay(forest.nodes[key])}
    if not waiting:
        return []
    if waiting <= set(freed):
        words = "replay stands still and goes on once it has ended"
    else:
        words = "replay stands still and does not go on with its end alone"
    return [line(words, Tone.STRONG)]


def _deadlock(backend: Backend, derived: DerivedSnapshot) -> list[Line]:
    forest = derived.forest
    node = forest.nodes.get(backend.pid)
    if node is None or not forest.is_surely_deadlocked(node.cycle):
        return []
    others = listed([key for key in node.cycle if key != node.key], forest)
    words = (
        f"it is in a deadlock with {others}, of which the server will end one by itself"
    )
    return [line(words, Tone.ALARM)]


def _own_wait(backend: Backend, forest: LockForest) -> list[Line]:
    """Return what blocks the session itself."""
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return []
    stuck = "; its waiters stay blocked" if _leaves_stuck(backend, forest) else ""
    blockers = clean(listed(node.blockers, forest))
    return [line(f"it is itself blocked by {blockers}{stuck}", Tone.WARN)]


def _leaves_stuck(backend: Backend, forest: LockForest) -> bool:
    """Return whether the session waits itself, and all its next waiters want the same row."""
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return False
    waiters = [forest.nodes[key].backend for key in forest.next_in_line(node.key)]
    return all(each is not None and each.wait_event == _ROW_QUEUE for each in waiters)


# Warnings.


def _protection(reason: str, pid: int) -> list[Line]:
    if not reason:
        return []
    order = Span(f"{reason}. Type {pid} to go on.", Tone.PLAIN)
    return [(Span("Protected: ", Tone.ALARM), order)]


def _another_pgtop(server: Server, backend: Backend) -> list[Line]:
    if not is_another_pgtop(server, backend):
        return []
    return [line("it is another pgtop, perhaps a colleague's", Tone.NOTICE)]


def _weak_check(server: Server, backend: Backend) -> list[Line]:
    if not backend.hidden:
        return []
    better = f"Type {backend.pid} to go on, or {grant(server, 'pg_read_all_stats')}."
    return [line(clean(f"{weak_check_words(backend)}. {better}"), Tone.WARN)]


def _rights(right: Right) -> list[Line]:
    if right.allowed:
        return []
    will = "will" if right.allowed is False else "may"
    remedy = f" ({right.remedy})" if right.remedy else ""
    return [
        line(clean(f"The server {will} refuse: it {right.reason}{remedy}"), Tone.ALARM)
    ]
