"""Textual's palette of commands (Ctrl-P); its search may outlive it."""

from collections.abc import Sequence

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.worker import Worker

_STARTS, _STARTS_A_WORD, _CONTAINS = 1.0, 0.8, 0.5
"""How well a command matches: by the start of its title, of a word in it, or within one."""


class Commands(CommandPalette):
    """Textual's palette; a search that outlives its list, as the palette is closed, is no bug."""

    def run_worker(self, *args: object, **options: object) -> Worker[object]:  # type: ignore[override]
        return super().run_worker(*args, **{**options, "exit_on_error": False})  # type: ignore[arg-type]


class CommandProvider(Provider):
    """Finds commands in which each word occurs.

    Textual's own search takes letters from anywhere: "hist" is in "tag t-h-e ses-s-ions in
    s-i-gh-t".
    """

    async def discover(self) -> Hits:
        """Yield all commands, those first that work here."""
        for command in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match."""
        words = query.lower().split()
        for command in self.app.get_system_commands(self.screen):
            score = match_score(words, command.title, command.help)
            if score:
                yield Hit(
                    score,
                    command.title,
                    command.callback,
                    help=command.help,
                )


def match_score(words: Sequence[str], title: str, keys: str) -> float:
    """Return how well a command matches words in lower case; 0 if one does not occur."""
    text = f"{title} {keys}".lower()
    if not words or not all(word in text for word in words):
        return 0
    if text.startswith(words[0]):
        return _STARTS
    return _STARTS_A_WORD if f" {words[0]}" in text else _CONTAINS
