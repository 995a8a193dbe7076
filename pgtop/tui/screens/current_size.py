"""Screens that are laid out for the size that the terminal has now, and for no other."""

from textual import events
from textual.message_pump import MessagePump
from textual.screen import Screen


class CurrentSize(MessagePump):
    """A screen that ignores sizes which are outdated when their turn comes.

    Textual 8 sends a screen its own new size after each layout. Two sizes in its queue, as when a
    user drags the edge of a window, would follow each other without end: no key would be handled
    any more, and no signal would end the program.
    """

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize) and event.size != self.app.size:
            return
        await super().on_event(event)


class StartScreen(CurrentSize, Screen[None]):
    """The empty screen that Textual starts with: a terminal is often resized just then."""
