"""The rows of the locks view as text."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table.options import Sort, TableOptions
from pgtop.view.lock_lines import LOCKS
from pgtop.view.lock_rows import Identity, LockRow, layout
from pgtop.view.locks import arrange_locks


def rows(
    derived: DerivedSnapshot,
    filter_text: str = "",
    sort: Sort = Sort(),  # noqa: B008
    folded: frozenset[Identity] = frozenset(),
) -> tuple[LockRow, ...]:
    """Return the rows of the view."""
    options = TableOptions(LOCKS.filter(filter_text), sort)
    return arrange_locks(derived, options, folded).rows


def text(row: LockRow, derived: DerivedSnapshot, width: int = 200) -> str:
    """Return the line of a row."""
    spans = LOCKS.line(layout(width), row, derived)
    return "".join(span.text for span in spans)
