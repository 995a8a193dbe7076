"""The settings that the lines around a screen depend on."""

from typing import NamedTuple, Self

from pgtop.config.settings import Settings
from pgtop.keys import Keymap
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view_registry import KEYMAP


class Looks(NamedTuple):
    """The settings that a header depends on, whatever it shows."""

    keymap: Keymap = KEYMAP
    label: Span | None = None
    """The user's own word for the server."""
    read_only: bool = False
    has_letters: bool = False
    """True if letters fill the bar, as there are no colours."""
    is_local_time: bool = False
    """True if the clock shows the time of this machine's zone."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the looks that the settings ask for."""
        profile = settings.server
        return cls(
            keymap=settings.keymap,
            label=profile.label_span if profile else None,
            read_only=settings.read_only,
            has_letters=settings.ascii or not settings.color,
            is_local_time=settings.clock == "local",
        )

    def named(self, name: str) -> Line:
        """Return the name of a server behind the user's own word for it."""
        words = Span(name, Tone.STRONG)
        if self.label is None:
            return (words,)
        return (self.label, Span(" ", Tone.PLAIN), words)

    def key(self, action_id: str) -> str:
        """Return the key of an action as people write it; "" if this dashboard lacks the action."""
        return self.keymap.hint(action_id) if action_id in self.keymap else ""
