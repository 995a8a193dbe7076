"""The state of a session that counts its work: command, step and percentage in one cell."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import AUTOVACUUM_WORKER, Backend
from pgtop.table import session_cells as cells
from pgtop.text.clean import fit

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
    from pgtop.table.progress_words import progress_forms

    operation = derived.progress_of(backend)
    if operation is None or operation.is_hidden:
        return ""
    is_automatic = backend.backend_type == AUTOVACUUM_WORKER
    forms = progress_forms(operation, is_automatic)
    return next((words for words in forms if len(words) <= width), "")
