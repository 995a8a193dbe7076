"""The menu of what can be copied of a session, and where to."""

from collections.abc import Iterable
from typing import NamedTuple

from pgtop import places
from pgtop.keys import hint
from pgtop.tui.dialogs.menu import Choice, MenuScreen
from pgtop.tui.keymap import bindings
from pgtop.tui.theme import Palette
from pgtop.view.answers import Answer
from pgtop.view.copies import CopyKind

_INTO_FILE = " file"
"""Behind the name of a choice that goes into a file."""


class CopyChoice(NamedTuple):
    """The user's choice."""

    kind: CopyKind
    into_file: bool


class CopyMenu(MenuScreen):
    """Enter, or the key of the menu again, copies the choice; the key of exports saves it."""

    BINDINGS = bindings(*places.COPY_MENU)
    ACCEPT = "copy"

    def __init__(
        self,
        pid: int,
        palette: Palette,
        *,
        is_read_only: bool,
    ) -> None:
        kinds = [kind for kind in CopyKind if not (is_read_only and kind.is_dangerous)]
        choices = [Choice(kind, kind.words) for kind in kinds]
        super().__init__(
            f"Copy from session {pid}",
            choices,
            CopyKind.QUERY,
            palette,
        )
        del self.question  # nothing is dangerous here: keys typed ahead may choose

    def answers(self) -> Iterable[Answer]:
        """Yield the keys of every menu, and the one for a file."""
        copy, leave = super().answers()
        yield copy
        yield Answer(hint("export"), "into a file", "export")
        yield leave

    def action_copy_menu(self) -> None:
        """Copy the choice under the cursor."""
        self.action_open()

    def action_export(self) -> None:
        """Write the choice under the cursor into a file."""
        self.dismiss(f"{self._choices.selected}{_INTO_FILE}")


def choice_of(result: str) -> CopyChoice:
    """Return the choice that the menu returned."""
    name = result.removesuffix(_INTO_FILE)
    return CopyChoice(CopyKind(name), into_file=result.endswith(_INTO_FILE))
