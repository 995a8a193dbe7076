"""The field for what must be typed before a signal: a pid or a number."""

from textual.widgets import Input


class ProofField(Input):
    """A field for digits. All other keys remain answers of the dialog."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, restrict=r"[0-9]*", select_on_focus=False)
        self.cursor_blink = False
        self.display = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return False: the app edits the field, and the dialog has all other keys."""
        return False
