"""The way from a waiter to its blocker, from a root to its first waiter, and back."""

from typing import NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.model.backend import IDLE, Backend
from pgtop.table.filter import Filter
from pgtop.table.options import IdleRows, TableOptions
from pgtop.table.session_locks import blocker_of


class Trail(NamedTuple):
    """The way that the cursor has come: back goes to the waiter that it started from."""

    waiter: Key | None = None
    at: Key | None = None
    """Where the last step ended; None if the cursor was moved by other means."""


class Jump(NamedTuple):
    """The session to go to, and the trail behind it."""

    key: Key
    """Not positive for a prepared transaction."""
    trail: Trail


class NextStep(NamedTuple):
    """The place that the key leads to from a row."""

    word: str = ""
    """The footer's word for that place; "" if the key leads nowhere."""
    is_to_worst: bool = False
    """True if it leads to the worst session."""


NO_STEP = NextStep()
TO_BLOCKER = "blocker"
TO_WAITER = "waiter"
_TO_WORST = "worst"


def next_step(backend: Backend | None, derived: DerivedSnapshot) -> NextStep:
    """Return what the key leads to from the row of a session, or from one without a session."""
    worst = worst_session(derived)
    if worst is None:
        return NO_STEP
    step = step_from(backend, derived, Trail())
    is_to_worst = step is not None and step.key == worst and worst > 0
    if backend is None:
        return NextStep(_TO_WORST, is_to_worst)
    is_elsewhere = worst != backend.pid
    word = lock_word(backend, derived)
    if not word and is_elsewhere:
        word = _TO_WORST
    return NextStep(word, is_to_worst and is_elsewhere)


def lock_word(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the word for the other end of a session's lock queue; "" if it is in none."""
    if blocker_of(backend, derived) is not None:
        return TO_BLOCKER
    blocks = bool(derived.forest.children.get(backend.pid))
    return TO_WAITER if blocks else ""


def step_from(
    backend: Backend | None,
    derived: DerivedSnapshot,
    trail: Trail,
) -> Jump | None:
    """Return the next step of the key, which leads to the worst session from a row that neither
    waits nor blocks.

    None if no session waits for a lock, and no query runs for too long.
    """
    forest = derived.forest
    if backend is None:
        worst = worst_session(derived)
        return Jump(worst, Trail()) if worst is not None else None
    pid = backend.pid
    blocker = blocker_of(backend, derived)
    if blocker is not None:
        waiter = trail.waiter if trail.at == pid and trail.waiter else pid
        return Jump(blocker, Trail(waiter, blocker))
    waiters = forest.children.get(pid, ())
    if not waiters:
        return step_from(None, derived, trail)
    is_back = trail.at == pid and trail.waiter is not None
    if is_back and trail.waiter in forest.waiters_of(pid):
        return Jump(trail.waiter, Trail())
    return Jump(waiters[0].key, Trail())


def worst_session(derived: DerivedSnapshot) -> Key | None:
    """Return the root that blocks most sessions, or else the query that has run longest, if that is
    over the user's limit.
    """
    if derived.forest.roots:
        return derived.forest.roots[0].key
    long_queries = derived.long_queries
    return long_queries[0].pid if long_queries else None


def widened(
    options: TableOptions,
    backend: Backend,
    derived: DerivedSnapshot,
) -> TableOptions:
    """Return options under which the sessions view shows `backend`."""
    if not options.filter.matches(backend, derived):
        options = options._replace(filter=Filter())
    if backend.state == IDLE:
        options = options._replace(idle=IdleRows.ALL)
    shows_kind = options.show_background or backend.is_client
    return options._replace(show_background=not shows_kind or options.show_background)
