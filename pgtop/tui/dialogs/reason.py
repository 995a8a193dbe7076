"""A field in a dialog for the user's reason, which goes into the audit log."""

from textual.widgets import Input

from pgtop.keys import hint


class ReasonField(Input):
    """A field that is closed until the user opens it. The text stays when it is closed again."""

    def __init__(self) -> None:
        placeholder = f"why, for the audit log: {hint('open')} when done"
        super().__init__(id="reason", placeholder=placeholder, select_on_focus=False)
        self.cursor_blink = False
        self.display = False

    @property
    def words(self) -> str:
        """The reason without blanks around it."""
        return self.value.strip()
