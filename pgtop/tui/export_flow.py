"""Exports a table into a file or into the user's pager."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from pgtop.terminal.pager import pager_command, run_pager
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.tui.dialogs.file_name import FileNameScreen
from pgtop.tui.dialogs.menu import Choice, MenuScreen
from pgtop.tui.saving import save, unused_name
from pgtop.tui.workers import start
from pgtop.view.export import ExportFormat

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.theme import Palette
    from pgtop.view.export import Export

_PAGER = "pager"
_LESS_STAYS = " -+F -+X"
"""Options after the user's own: less would leave at once if the text fits, or keep its screen."""


class ExportFlow:
    """One export: the menu, the name of the file, and the outcome on the notice line."""

    def __init__(self, app: PgtopApp, export: Export, palette: Palette) -> None:
        self._app = app
        self._export = export
        self._palette = palette

    def offer(self) -> None:
        """Let the user choose where the table goes."""
        choices = [Choice(_PAGER, "read it in the pager; pgtop waits")]
        choices += [
            Choice(each, f"{each.words} into a new file") for each in ExportFormat
        ]
        menu = MenuScreen(
            f"Export {self._export.count_words}",
            choices,
            _PAGER,
            self._palette,
        )
        del menu.question  # nothing is dangerous here: keys typed ahead may choose
        self._app.push_screen(menu, self._go_on)

    def _go_on(self, choice: str | None) -> None:
        if choice == _PAGER:
            self._read()
        elif choice is not None:
            self._name(ExportFormat(choice))

    def _read(self) -> None:
        """Show the table in the pager. Nothing else happens meanwhile."""
        command = pager_command(os.environ)
        if not command:
            words = "there is no pager: set PAGER, or export into a file"
            self._app.show_notice(words, Tone.WARN)
            return
        text = self._export.text(ExportFormat.TEXT)
        options = os.environ.get("LESS", "S") + _LESS_STAYS
        with self._app.suspend():
            is_shown = run_pager(command, text, {**os.environ, "LESS": options})
        if not is_shown:
            name = clean(command[0])
            self._app.show_notice(f"{name} did not show the table", Tone.WARN)

    def _name(self, export_format: ExportFormat) -> None:
        """Let the user name the file."""
        noun = self._export.noun
        offered = unused_name(noun, f".{export_format}")

        def write(name: str | None) -> None:
            if name is not None:
                start(self._app, partial(self._save, name, export_format), "export")

        field = FileNameScreen(f"File for the {noun}", offered, self._palette)
        self._app.push_screen(field, write)

    async def _save(self, name: str, export_format: ExportFormat) -> None:
        words, tone = await save(name, self._export.text(export_format))
        self._app.show_notice(f"{self._export.count_words} {words}", tone)
