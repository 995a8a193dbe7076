"""Sessions that are not signalled lightly: the kinds that pgtop protects, and the user's filters.

A protected session is never one of many. Alone it can be signalled if the user types its pid.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pgtop.analysis.client_names import pool_names_of, pooled_of, without_pools
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import AUTOVACUUM_WORKER, PARALLEL_WORKER, WALSENDER, Backend
from pgtop.model.server import Server
from pgtop.table import known
from pgtop.table.filter import Filter, FilterError
from pgtop.text.clean import clean

if TYPE_CHECKING:
    from pgtop.table.predicates import Decision

Guard: TypeAlias = Callable[[Backend], str]
"""Returns why the user protects a backend, "" for a backend that the user does not protect."""


def unguarded(_: Backend) -> str:
    """Return "": the user protects no session."""
    return ""


def protection(server: Server, backend: Backend, guard: Guard = unguarded) -> str:
    """Return why `backend` is protected, "" if it is not. The words are cleaned."""
    reasons = (rule(server, backend) for rule in _RULES)
    return next(filter(None, reasons), "") or guard(backend)


# The kinds that pgtop protects: one rule each.


def _own_session(server: Server, backend: Backend) -> str:
    return "this is pgtop's own session" if backend.pid == server.pid else ""


def _walsender(_: Server, backend: Backend) -> str:
    is_walsender = backend.backend_type == WALSENDER
    return "it streams WAL to a standby or a subscriber" if is_walsender else ""


def _logical_replication(_: Server, backend: Backend) -> str:
    is_replication = (backend.backend_type or "").startswith("logical replication")
    return "it runs logical replication" if is_replication else ""


def _wraparound(_: Server, backend: Backend) -> str:
    """Return the protection of a vacuum that bears the server's own mark; a client's query that
    reads like the mark has none.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    query = backend.query or ""
    is_vacuum = backend.backend_type == AUTOVACUUM_WORKER and query.startswith(
        "autovacuum:"
    )
    if not is_vacuum or "(to prevent wraparound)" not in query:
        return ""
    return "it is an autovacuum that prevents transaction id wraparound, and would only start again"


def _parallel_worker(_: Server, backend: Backend) -> str:
    if backend.backend_type != PARALLEL_WORKER:
        return ""
    return (
        f"it is a parallel worker of session {backend.leader_pid}: its query would fail"
    )


def _background_process(_: Server, backend: Backend) -> str:
    is_process = bool(backend.backend_type) and not backend.is_client
    return "it is a background process of the server" if is_process else ""


def _hidden_type(_: Server, backend: Backend) -> str:
    if not backend.hidden or None not in (backend.datid, backend.usesysid):
        return ""
    return "its type is hidden: it may be a walsender, or another process of the server"


def _superuser(server: Server, backend: Backend) -> str:
    role = None if backend.usesysid is None else server.roles.get(backend.usesysid)
    return "it belongs to a superuser" if role is not None and role.superuser else ""


_RULES: Sequence[Callable[[Server, Backend], str]] = (
    _own_session,
    _walsender,
    _logical_replication,
    _wraparound,
    _parallel_worker,
    _background_process,
    _hidden_type,
    _superuser,
)
"""The first rule that returns words gives the reason."""


# The user's filters.


def guard(filters: Sequence[Filter], derived: DerivedSnapshot) -> Guard:
    """Return a guard by `filters` for the backends of `derived`, to be used at once.

    A session is protected if a filter matches it or may match it. The patterns of all filters share
    one time limit that starts now; a pattern that takes too long protects.
    """
    decisions = [(filter, _decision(filter, derived)) for filter in filters]
    is_cut = known.cut(derived.snapshot)

    def doubt(filter: Filter, backend: Backend) -> str:
        if backend.hidden:
            return "part of what it asks is hidden"
        if filter.reads_queries and is_cut(backend.query or ""):
            return "its query is cut by the server"
        return "part of what it asks is not known"

    def reason(backend: Backend) -> str:
        answers = [(filter, *_answer(decide, backend)) for filter, decide in decisions]
        for filter, is_match, _ in answers:
            if is_match:
                return _matches(filter)
        for filter, is_match, failure in answers:
            if is_match is None:
                return (
                    f"{_matches(filter)}, or may: {failure or doubt(filter, backend)}"
                )
        return ""

    return reason


def _decision(filter: Filter, derived: DerivedSnapshot) -> "Decision":
    """Return the filter's decision; behind a pooler it is taken under both names of the client: the
    server's and the pooler's, which may have changed since the pooler was read, or be none yet.
    """
    decide = filter.decide(derived)
    pool_names = pool_names_of(derived.snapshot)
    if not pool_names or not filter.reads_clients:
        return decide
    pooled = pooled_of(derived.snapshot)
    own = filter.decide(without_pools(derived))

    def decide_pooled(backend: Backend) -> bool | None:
        client = pooled.get(backend.identity)
        answers = (own(backend),) if client is None else (own(backend), decide(backend))
        if True in answers:
            return True
        is_pooled = backend.identity in pool_names
        is_known = not is_pooled if client is None else client.is_exact
        return False if is_known and None not in answers else None

    return decide_pooled


def _matches(filter: Filter) -> str:
    return f"it matches --protect {clean(filter.text)}"


def _answer(decide: "Decision", backend: Backend) -> tuple[bool | None, str]:
    """Return the filter's answer, and the failure of a pattern that took too long."""
    try:
        return decide(backend), ""
    except FilterError as error:
        return None, error.message
