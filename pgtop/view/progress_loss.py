"""The consequences of a signal for a command that counts its work."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import AUTOVACUUM_WORKER, Backend
from pgtop.model.progress import Operation
from pgtop.text.clean import clean
from pgtop.view.fields import LabelledValue, field
from pgtop.view.progress import does_words

_REWRITE = "all of it is lost, the table stays as it was"
_LOSSES = {
    "VACUUM": "what it has cleaned stays clean, the next vacuum starts over",
    "ANALYZE": "the old statistics stay",
    "CREATE INDEX": "all of it is lost, no index is left behind",
    "REINDEX": "all of it is lost, the index stays as it was",
    "REINDEX CONCURRENTLY": "an invalid index stays behind, its name ends in _ccnew or _ccold:"
    " drop it",
    "CLUSTER": _REWRITE,
    "VACUUM FULL": _REWRITE,
    "REPACK": _REWRITE,
    "COPY FROM": "the rows that it has copied are rolled back",
    "COPY TO": "its output ends incomplete",
    "BASE BACKUP": "the backup is incomplete, and of no use",
}
"""https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"""
_CONCURRENTLY = "CREATE INDEX CONCURRENTLY"


def progress_fields(backend: Backend, derived: DerivedSnapshot) -> list[LabelledValue]:
    """Return how far a command is and what its end leaves behind; nothing for other sessions."""
    operation = derived.progress_of(backend)
    if operation is None or operation.is_hidden:
        return []
    parts = (does_words(operation), _loss(operation, backend))
    words = "; ".join(filter(None, parts))
    return [field("Progress", clean(words))]


def _loss(operation: Operation, backend: Backend) -> str:
    if operation.command == _CONCURRENTLY:
        name = f" {operation.index_name}" if operation.index_name else ""
        return f"the index{name} stays behind, invalid, and burdens each write: drop it"
    if backend.backend_type == AUTOVACUUM_WORKER:
        return "autovacuum tries again by itself"
    return _LOSSES.get(operation.command, "")
