"""The cells of a session: the key, the text and the tone of each column.

Texts are raw: they are cleaned when they are drawn.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pgtop.analysis.client_names import ClientNames, client_of, mark_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_READ,
    HIDDEN_QUERY,
    LOCAL,
    WALSENDER,
    Backend,
)
from pgtop.model.section import POOLS
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.table import columns
from pgtop.table.session_locks import ROOT_MARK
from pgtop.table.session_state import (
    age_start,
    is_quiet,
    state_in_full,
    state_word,
)
from pgtop.text.comments import statement_of
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Tone
from pgtop.text.units import age, age_cells, quiet_age, rough_age, rough_rate, span

if TYPE_CHECKING:
    from pgtop.analysis.usual import Usual

Key: TypeAlias = columns.Key[Backend, DerivedSnapshot]
Text: TypeAlias = columns.Text[Backend, DerivedSnapshot]
Start: TypeAlias = Callable[[Backend], Instant | None]

WORKER_MARK = "└ "
HIDDEN_WORDS = "not permitted"
"""Stands for a query that this role may not read; the header has the grant that would show it."""
NOT_YET = "…"
AGE_OF_TRANSACTION = "["
"""Stands before the age of an open transaction whose statement began later."""
_LATER = MICROSECONDS
"""A statement that begins so much later than its transaction is not the first one."""

_WIDE_WAIT = 18
"""Cells at which also the type of a lock's wait is shown, which is always Lock."""
_WAIT_FOR_EVENT = 10
"""Cells at which the event, cut if need be, is better than the type."""
_NARROW_STATES = {
    "idle in tx": "idle tx",
    "idle in tx!": "idle tx!",
    "autovacuum": "autovac",
    "walsender": "walsend",
}


# Tones.


def row_tone(backend: Backend, _derived: DerivedSnapshot) -> Tone:
    is_worker = backend.leader_pid is not None
    return Tone.QUIET if is_worker or is_quiet(backend) else Tone.PLAIN


# Keys and texts.


def state(backend: Backend, _derived: DerivedSnapshot) -> str:
    return state_word(backend)


def narrow_state(backend: Backend, _derived: DerivedSnapshot) -> str:
    word = state_word(backend)
    return _NARROW_STATES.get(word, word)


def name(backend: Backend, _derived: DerivedSnapshot) -> str:
    return name_of_session(backend)


def name_key(backend: Backend, _derived: DerivedSnapshot) -> tuple[str, str] | None:
    if backend.usename is None and backend.datname is None:
        return None
    return backend.usename or "", backend.datname or ""


def application(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the application; behind a pooler that of the client."""
    if POOLS not in derived.snapshot.sections:  # drawn for each row in sight
        return backend.application_name or ""
    return ClientNames.of(derived.snapshot).application(backend)


def application_key(backend: Backend, derived: DerivedSnapshot) -> str | None:
    return application(backend, derived) or None


def client(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the address of the client; behind a pooler that of the client, with a mark if it may
    have changed.
    """
    if POOLS not in derived.snapshot.sections:
        return client_of(backend)
    names = ClientNames.of(derived.snapshot)
    return f"{mark_of(names.pooled_client(backend))}{names.client(backend)}"


def client_key(backend: Backend, derived: DerivedSnapshot) -> tuple[int, bytes] | None:
    address = ClientNames.of(derived.snapshot).client(backend)
    if not address:
        return None
    return (0, b"") if address == LOCAL else _address_key(address)


@lru_cache(maxsize=4096)
def _address_key(address: str) -> tuple[int, bytes]:
    """Return a key that orders addresses by number, IPv4 before IPv6: 10.0.0.9 before 10.0.0.10."""
    import ipaddress  # late, as few sort by address

    try:
        packed = ipaddress.ip_address(address).packed
    except ValueError:
        return 99, address.encode(errors="replace")
    return len(packed), packed


def state_in(
    backend: Backend,
    _derived: DerivedSnapshot,
    width: int,
) -> str:
    in_full = state_in_full(backend)
    return in_full if len(in_full) <= width else state_word(backend)


def wait(backend: Backend, _derived: DerivedSnapshot) -> str | None:
    """Return type and event. A session between two commands waits for its client, which its state
    shows.
    """
    if backend.wait_event_type is None:
        return None
    if backend.wait_event == CLIENT_READ and backend.between_commands:
        return None
    return f"{backend.wait_event_type}:{backend.wait_event or ''}"


def wait_in(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> str:
    """Return type and event, or else the event, or else the type; of a lock, only its kind."""
    whole = wait(backend, derived) or ""
    event = backend.wait_event or ""
    if len(whole) <= width and (width >= _WIDE_WAIT or not backend.waits_for_lock):
        return whole
    is_roomy = width >= _WAIT_FOR_EVENT or backend.waits_for_lock
    if not is_roomy or not whole:
        return whole.partition(":")[0]
    return event if len(event) <= width else event.removesuffix("id")


def blocked_by(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    """Count blockers once each: the server may repeat the pid of a parallel query."""
    return len(set(backend.blocked_by)) or None


def blocks(backend: Backend, derived: DerivedSnapshot) -> str:
    count = derived.blocks.get(backend.pid)
    if not count:
        return ""
    mark = ROOT_MARK if derived.forest.is_root(backend.pid) else ""
    return f"{mark}{count}"


def blocks_key(backend: Backend, derived: DerivedSnapshot) -> tuple[bool, int] | None:
    """Return a key that puts roots before all sessions that wait themselves."""
    count = derived.blocks.get(backend.pid)
    return (derived.forest.is_root(backend.pid), count) if count else None


def query(backend: Backend, derived: DerivedSnapshot) -> str:
    if backend.backend_type == WALSENDER and (words := _lag_of(backend, derived)):
        return words
    if backend.hidden or backend.query == HIDDEN_QUERY:
        return HIDDEN_WORDS
    if backend.query is None:
        return NOT_YET if backend.is_client or backend.leader_pid else ""
    mark = WORKER_MARK if backend.leader_pid else ""
    return mark + statement_of(backend.query)


def _lag_of(backend: Backend, derived: DerivedSnapshot) -> str:
    from pgtop.table.lag_words import walsender_words  # late, as most servers have none

    return walsender_words(backend, derived.snapshot)


def query_with_comments(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the query from its first character on."""
    words = query(backend, derived)
    if backend.backend_type == WALSENDER:
        return words
    if not backend.query or words in (HIDDEN_WORDS, NOT_YET):
        return words
    mark = WORKER_MARK if backend.leader_pid else ""
    return mark + backend.query.lstrip()


def query_key(backend: Backend, _derived: DerivedSnapshot) -> str | None:
    return None if backend.hidden else backend.query


def xmin_age(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.xmin_age


def query_id(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.query_id


def _usual_of(backend: Backend, derived: DerivedSnapshot) -> "Usual | None":
    from pgtop.analysis.usual import usual_of

    return usual_of(backend, derived.snapshot)


def usual_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return how many times its mean the running statement has taken."""
    known = _usual_of(backend, derived)
    return None if known is None else known.factor


def usual(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the mean time, with the multiple from twice the mean on: `40 ms ×21k`."""
    known = _usual_of(backend, derived)
    if known is None:
        return ""
    factor = known.factor or 0
    times = f" ×{rough_rate(factor)}" if factor >= _TWICE else ""
    return f"{span(known.time.mean_seconds)}{times}"


_TWICE = 2


def leader(backend: Backend, _derived: DerivedSnapshot) -> int | None:
    return backend.leader_pid


def text_of(key: Key) -> Text:
    """Return the function that writes the value of `key`; None is empty."""

    def text(backend: Backend, derived: DerivedSnapshot) -> str:
        value = key(backend, derived)
        return "" if value is None else str(value)

    return text


def seconds_since(start: Start) -> Key:
    def key(backend: Backend, derived: DerivedSnapshot) -> float | None:
        instant = start(backend)
        return (
            None
            if instant is None
            else seconds_between(instant, derived.snapshot.taken_at)
        )

    return key


def rough_text_of(key: Key) -> Text:
    """Return the function that writes a time roughly; of quiet sessions, more roughly still."""

    def text(backend: Backend, derived: DerivedSnapshot) -> str:
        seconds = key(backend, derived)
        return quiet_age(seconds) if is_quiet(backend) else rough_age(seconds)

    return text


def time_text_of(key: Key) -> Text:
    """Return the function that writes a time to the second; of quiet sessions, roughly."""

    def text(backend: Backend, derived: DerivedSnapshot) -> str:
        seconds = key(backend, derived)
        return quiet_age(seconds) if is_quiet(backend) else age(seconds)

    return text


def time_width(backend: Backend, seconds: float | None) -> int:
    """Return the cells of the longest text that a time has in its present unit."""
    return len(quiet_age(seconds)) if is_quiet(backend) else age_cells(seconds)


age_key = seconds_since(age_start)


def age_text(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the age to the second; roughly for quiet sessions, so that hundreds of rows need not
    be drawn every second.
    """
    seconds = age_key(backend, derived)
    if is_quiet(backend):
        return quiet_age(seconds)
    words = age(seconds)
    is_marked = _is_later_statement(backend)
    return f"{AGE_OF_TRANSACTION}{words}" if is_marked else words


def age_width(backend: Backend, derived: DerivedSnapshot) -> int:
    """Return the cells of the longest text that the age of a session has in its present unit."""
    seconds = age_key(backend, derived)
    if is_quiet(backend):
        return len(quiet_age(seconds))
    return age_cells(seconds) + _is_later_statement(backend)


def _is_later_statement(backend: Backend) -> bool:
    """Return whether a session runs a statement that is not the first of its transaction."""
    start = backend.xact_start
    if start is None or backend.query_start is None or backend.state != ACTIVE:
        return False
    return backend.query_start - start >= _LATER
