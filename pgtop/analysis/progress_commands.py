"""Sessions that run a command which counts its work, as their texts and types show it."""

import re
from functools import lru_cache

from pgtop.model.backend import ACTIVE, AUTOVACUUM_WORKER, WALSENDER, Backend
from pgtop.model.running import RunningCounts
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS

_LONG = 5 * MICROSECONDS
"""A statement of another kind that runs so long may be a function that builds an index."""
_VERB_WITHIN = 200
"""Characters of a text in which its verb is searched for."""
_VACUUM = frozenset({"vacuum", "analyze", "cluster", "repack"})
_REWRITE = frozenset({"cluster", "repack", "create_index"})
_BUILD = frozenset({"create_index"})
_COPY = frozenset({"copy"})
_VIEWS = {
    "vacuum": _VACUUM,
    "analyze": frozenset({"analyze"}),
    "analyse": frozenset({"analyze"}),
    "cluster": _REWRITE,
    "repack": _REWRITE,
    "alter": _BUILD | _COPY,
    "reindex": _BUILD,
    "copy": _COPY,
    "base_backup": frozenset({"basebackup"}),
}
"""The views in which each command may have a row."""
_NO_VIEWS: frozenset[str] = frozenset()
_VERB = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(create(?:\s+unique)?\s+index|\w+)"
"""The first word after blanks and comments, and of CREATE INDEX more."""


def views_of(snapshot: Snapshot) -> frozenset[str]:
    """Return the views of progress in which sessions may have rows, by their commands."""
    return frozenset().union(*_views.of(snapshot.ungrouped))


def _views_of(backend: Backend) -> frozenset[str] | None:
    if backend.backend_type == AUTOVACUUM_WORKER:
        return _VACUUM
    if backend.state == ACTIVE:
        return _views_of_text((backend.query or "")[:_VERB_WITHIN])
    return None


_views = RunningCounts(_views_of)


@lru_cache(maxsize=512)
def _views_of_text(text: str) -> frozenset[str]:
    match = re.match(_VERB, text, re.IGNORECASE | re.DOTALL)
    verb = match[1].lower() if match else ""
    if verb.startswith("create") and verb.endswith("index"):
        return _BUILD
    return _VIEWS.get(verb, _NO_VIEWS)


def may_have_others(snapshot: Snapshot) -> bool:
    """Return whether a session may count its work although its text does not show it: a function
    that runs long, or a session that is hidden from this role.
    """
    return any(_may_count(backend, snapshot) for backend in snapshot.busy)


def _may_count(backend: Backend, snapshot: Snapshot) -> bool:
    if backend.hidden:
        return backend.datid is not None
    if backend.state != ACTIVE or backend.leader_pid is not None:
        return False
    if backend.waits_for_lock:  # it does nothing until it has that
        return False
    if backend.backend_type == WALSENDER or backend.query_start is None:
        return False
    return snapshot.taken_at - backend.query_start > _LONG
