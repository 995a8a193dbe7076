"""The base of all dialogs: laid out for the size of now, and closed once."""

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType

from pgtop.tui.screens.current_size import CurrentSize


class Dialog(CurrentSize, ModalScreen[ScreenResultType]):
    """A screen over another one, which it returns a result to."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close, unless the dialog is closed already: a second click or Enter that was on its way
        would close the screen below, and after that the last one.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()
