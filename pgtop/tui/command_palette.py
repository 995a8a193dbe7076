"""The palette (Ctrl-P): it lists the commands for the screen below it, and runs the one chosen."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING

from pgtop.config.settings import Settings
from pgtop.tui.command_list import PaletteCommand, commands
from pgtop.tui.dialogs.commands import CommandScreen
from pgtop.tui.theme import Palette

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


def open_commands(app: PgtopApp, palette: Palette, settings: Settings) -> None:
    """Open the palette over the screen on top."""
    choices = list(commands(app, app.screen, settings))
    app.push_screen(CommandScreen(choices, palette), _run)


async def _run(command: PaletteCommand | None) -> None:
    """Run the command; the screen that it is about is on top again."""
    result = command.run() if command else None
    if isawaitable(result):
        await result
