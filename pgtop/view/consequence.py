"""The consequences of a signal to one session, as fields of its dialog."""

from collections.abc import Collection

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import ACTIVE, IDLE_IN_TRANSACTION_ABORTED, Backend
from pgtop.model.signal import Signal
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.table.session_state import severity
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.units import age
from pgtop.view.fields import LabelledValue, field
from pgtop.view.lock_phrases import how_long, is_replay, listed

_ROW_QUEUE = "tuple"
"""The wait event of sessions that queue for a row: they block each other only by their turn.
https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LOCK-TABLE"""
_AT_ITS_END = {Signal.TERMINATE: "", Signal.CANCEL: "once it has ended, "}
"""A cancel may leave a savepoint's locks."""
_MEMORY = (
    "its memory contexts to the server's log, a hundred lines or more; it ends nothing"
)


# The session and what it does.


def state_field(backend: Backend, derived: DerivedSnapshot) -> LabelledValue:
    """Return what the session does, and since when."""
    if backend.hidden:
        words = "hidden from this role: grant pg_read_all_stats to see what it does"
        return field("State", words, Tone.WARN)
    words = _waiting(backend, derived) or _doing(backend, derived.now)
    return field("State", words, severity(backend, derived))


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


def ended_field(
    signal: Signal,
    backend: Backend,
    derived: DerivedSnapshot,
) -> LabelledValue:
    """Return what the signal ends besides the session or its query."""
    if signal is Signal.LOG_MEMORY:
        return field("Writes", _MEMORY)
    if signal is Signal.CANCEL:
        return field("Stops", _stopped(backend, derived))
    return field("Rolls back", _rolled_back(backend, derived))


def _stopped(backend: Backend, derived: DerivedSnapshot) -> str:
    if backend.hidden:
        return "the statement that it runs then, if it runs one"
    if backend.xact_start is None:
        return "this statement; no transaction is open"
    transaction = f"the transaction of {_since(backend.xact_start, derived.now)}"
    return f"this statement; inside BEGIN, {transaction} stays open but aborted"


def _rolled_back(backend: Backend, derived: DerivedSnapshot) -> str:
    if backend.hidden:
        return "its transaction, if one is open"
    if backend.state == IDLE_IN_TRANSACTION_ABORTED:
        return "its failed transaction: what that did is lost already"
    if backend.xact_start is None:
        return "nothing; no transaction is open"
    wrote = "" if backend.backend_xid is None else ", which has written"
    return f"its transaction of {_since(backend.xact_start, derived.now)}{wrote}"


# The sessions that it blocks.


def frees_no_waiter_field(signal: Signal, derived: DerivedSnapshot) -> LabelledValue:
    """Return what the signal frees where no session waits, as far as this role can see."""
    reads_all = derived.snapshot.server.rights.reads_all
    seen = "waits" if reads_all else "is seen to wait"
    freed = "its slot" if signal is Signal.TERMINATE else "nothing"
    return field("Frees", f"{freed}; no session {seen} for it")


def waiter_fields(
    signal: Signal,
    backend: Backend,
    derived: DerivedSnapshot,
) -> list[LabelledValue]:
    """Return how many sessions it blocks, how many of them its end frees, and its own blockers;
    nothing if it blocks none.
    """
    forest = derived.forest
    deadlock = _deadlock(backend, forest)
    if not derived.blocks.get(backend.pid):
        return deadlock
    return [
        _frees(signal, backend, derived),
        *_replay(backend.pid, forest.solely_blocked_by(backend.pid), forest),
        *(deadlock or _own_wait(backend, forest)),
    ]


def _frees(
    signal: Signal,
    backend: Backend,
    derived: DerivedSnapshot,
) -> LabelledValue:
    """Return how many waiters the end of the session frees, and which of those at once."""
    forest = derived.forest
    waiting = derived.blocks[backend.pid]
    free = len(forest.solely_blocked_by(backend.pid))
    if _leaves_stuck(backend, forest):
        words = f"none of the {waiting} that wait for it, as it waits itself"
        return field("Frees", words, Tone.STRONG)
    if not free:
        return field("Frees", _frees_none(waiting), Tone.STRONG)
    waiters = "waiter" if waiting == 1 else "waiters"
    counted = (
        f"{free} {waiters}" if free == waiting else f"{free} of {waiting} {waiters}"
    )
    at_once = at_once_words(forest.next_in_line(backend.pid), free, forest)
    return field("Frees", f"{_AT_ITS_END[signal]}{counted}{at_once}", Tone.STRONG)


def _frees_none(waiting: int) -> str:
    if waiting == 1:
        return "not the one that it blocks: others block it too"
    return f"none of the {waiting} that it blocks: others block them too"


def at_once_words(
    next_ones: Collection[Key],
    free: int,
    forest: LockForest,
) -> str:
    """Return which waiters go on first; the others follow these."""
    if not next_ones:
        return ""
    names = clean(listed(sorted(next_ones), forest))
    first = len(next_ones)
    return f": {names}" if first >= free else f", {first} at once: {names}"


def _replay(
    pid: int,
    freed: Collection[Key],
    forest: LockForest,
) -> list[LabelledValue]:
    """Return whether the end of the session lets a standby replay again."""
    waiting = {key for key in forest.waiters_of(pid) if is_replay(forest.nodes[key])}
    if not waiting:
        return []
    if waiting <= set(freed):
        words = "stands still and goes on once it has ended"
    else:
        words = "stands still and does not go on with its end alone"
    return [field("Replay", words, Tone.STRONG)]


def _deadlock(backend: Backend, forest: LockForest) -> list[LabelledValue]:
    node = forest.nodes.get(backend.pid)
    if node is None or not forest.is_surely_deadlocked(node.cycle):
        return []
    others = listed([key for key in node.cycle if key != node.key], forest)
    words = f"with {clean(others)}, of which the server will end one by itself"
    return [field("Deadlock", words, Tone.ALARM)]


def _own_wait(backend: Backend, forest: LockForest) -> list[LabelledValue]:
    """Return what blocks the session itself."""
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return []
    stuck = "; its waiters stay blocked" if _leaves_stuck(backend, forest) else ""
    blockers = clean(listed(node.blockers, forest))
    return [field("Blocked by", f"{blockers}{stuck}", Tone.WARN)]


def _leaves_stuck(backend: Backend, forest: LockForest) -> bool:
    """Return whether the session waits itself, and all its next waiters want the same row."""
    node = forest.nodes.get(backend.pid)
    if node is None or not node.blockers:
        return False
    waiters = [forest.nodes[key].backend for key in forest.next_in_line(node.key)]
    return all(each is not None and each.wait_event == _ROW_QUEUE for each in waiters)
