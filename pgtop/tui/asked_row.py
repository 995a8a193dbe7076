"""The row that a dialog is about stays in sight above the dialog."""

from textual.screen import Screen

from pgtop.model.backend import Backend
from pgtop.tui.screens.table_screen import TableScreen

_LINES_OF_DIALOG = 16
"""Lines of the largest usual dialog, and of the keys below it."""


def keep_in_sight(screen: Screen[object], backend: Backend) -> int:
    """Keep the row of a session in sight until the dialog is closed; return the lines of the screen
    down to it, 0 without such a row.
    """
    if not isinstance(screen, TableScreen):
        return 0
    table = screen.scrollable()
    lowest = screen.size.height - _LINES_OF_DIALOG
    for row in table.rows:
        session = screen.session_of(row)
        if session is not None and session.identity == backend.identity:
            return table.hold(table.spec.identity(row), lowest)
    return 0
