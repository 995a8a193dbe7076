"""Long texts in the user's pager, where stdout is a terminal.

Whatever becomes of the pager, the text is shown: one that is missing or fails is replaced by plain
output.
"""

import os

from pgtop.cli import output
from pgtop.terminal.pager import pager_command, run_pager

_LESS_OPTIONS = "FRX"
"""As git sets them: exit if the text fits (F), show bold text (R), keep it on the screen (X)."""


def show(text: str) -> None:
    """Show `text` in the pager, or print it. Raises OutputError."""
    shown = output.for_locale(text)
    command = pager_command(os.environ) if output.is_terminal() else []
    environ = {"LESS": _LESS_OPTIONS, **os.environ}
    if not command or not run_pager(command, shown, environ):
        output.write_data(shown)
