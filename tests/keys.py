"""The keys of actions, from the registry: a changed key changes no test but those about that key."""

from pgtop.tui.views import KEYMAP


def key(action: str) -> str:
    """Return the first key of an action, as Textual names it."""
    return KEYMAP.action(action).keys[0]


def name(action: str) -> str:
    """Return the first key of an action, as people write it."""
    return KEYMAP.hint(action)
