"""The state of a session that counts its work: command, step and percentage in one cell."""

from collections.abc import Iterator

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress import BYTES, measure, percent, step_number, steps_of
from pgtop.model.backend import AUTOVACUUM_WORKER, Backend
from pgtop.model.progress import Operation
from pgtop.table import session_cells as cells
from pgtop.text.clean import fit
from pgtop.text.units import bytes_text

_WORDS = {
    "VACUUM": "vacuum",
    "ANALYZE": "analyze",
    "CREATE INDEX": "index",
    "CREATE INDEX CONCURRENTLY": "index",
    "REINDEX": "reindex",
    "REINDEX CONCURRENTLY": "reindex",
    "CLUSTER": "cluster",
    "VACUUM FULL": "vacuum full",
    "REPACK": "repack",
    "COPY FROM": "copy",
    "COPY TO": "copy",
    "BASE BACKUP": "backup",
}
_SHORT = {"vacuum full": "vac full"}
_AUTOMATIC = {"vacuum": "autovacuum", "analyze": "autoanalyze"}
_LONGEST_WORD = 11
NARROW = 8
"""Cells of a state where there is little room; progress may take more."""


def state_or_progress_in(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> str:
    """Return the progress of a session that counts its work, or else its state."""
    progress = derived.operations and _progress_in(backend, derived, width)
    return progress or cells.state_in(backend, derived, width)


def narrow_state_or_progress_in(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> str:
    """Do the same where there is little room."""
    progress = derived.operations and _progress_in(backend, derived, width)
    if progress:
        return progress
    state = cells.narrow_state(backend, derived)
    return state if len(state) <= NARROW else fit(state, NARROW)


def _progress_in(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> str:
    operation = derived.progress_of(backend)
    if operation is None or operation.is_hidden:
        return ""
    is_automatic = backend.backend_type == AUTOVACUUM_WORKER
    forms = _forms(operation, is_automatic)
    return next((words for words in forms if len(words) <= width), "")


def _forms(operation: Operation, is_automatic: bool) -> Iterator[str]:
    """Yield ever shorter words for the progress: `vacuum 2/4 61%`, `vacuum 61%`, `vacuum`."""
    command = operation.command
    word = _WORDS.get(command, command.lower()[:_LONGEST_WORD])
    if is_automatic:
        word = _AUTOMATIC.get(word, word)
    step = _step(operation)
    share = percent(operation)
    percentage = _bytes_done(operation) if share is None else f"{int(share)}%"
    for name in dict.fromkeys((word, _SHORT.get(word, word))):
        yield " ".join(filter(None, (name, step, percentage)))
    yield " ".join(filter(None, (word, percentage or step)))
    yield percentage or step or word


def _bytes_done(operation: Operation) -> str:
    """Return the bytes that a copy without a size has transferred; "" for other work."""
    work = measure(operation)
    is_in_bytes = work is not None and work.unit == BYTES
    return bytes_text(work.done) if work is not None and is_in_bytes else ""


def _step(operation: Operation) -> str:
    """Return the number of the step and how many there are; "" for a command of one step."""
    steps = len(steps_of(operation))
    number = step_number(operation)
    return "" if number is None or steps < 2 else f"{number}/{steps}"
