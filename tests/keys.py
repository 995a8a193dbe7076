"""The keys of actions, from the registry, so that a changed key changes no other test."""

from pgtop.tui.views import KEYMAP


def key(action: str) -> str:
    """Return the first key of an action, as Textual names it."""
    return KEYMAP.action(action).keys[0]


def name(action: str) -> str:
    """Return the first key of an action, as people write it."""
    return KEYMAP.hint(action)
