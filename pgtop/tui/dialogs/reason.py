"""A line in a dialog in which the user may say why, for the audit trail."""

from textual.widgets import Input

PLACEHOLDER = "why, for the audit trail: Enter when done"


class ReasonField(Input):
    """Closed until it is asked for; what was typed stays."""

    def __init__(self) -> None:
        super().__init__(id="reason", placeholder=PLACEHOLDER, select_on_focus=False)
        self.cursor_blink = False
        self.display = False

    @property
    def words(self) -> str:
        return self.value.strip()
