"""Textual's palette of commands (Ctrl-P); its search may outlive it."""

from textual.command import CommandPalette
from textual.worker import Worker


class Commands(CommandPalette):
    """Textual's palette; a search that outlives its list, as the palette is closed, is no bug."""

    def run_worker(self, *args: object, **options: object) -> Worker[object]:  # type: ignore[override]
        return super().run_worker(*args, **{**options, "exit_on_error": False})  # type: ignore[arg-type]
