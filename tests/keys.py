"""The keys of actions, from the registry, so that a changed key changes no other test."""

from pgtop.tui.views import KEYMAP

_IDS = frozenset(action.id for action in KEYMAP.actions)


def key(name: str) -> str:
    """Return the first key of an action, as Textual names it; anything else is a key already."""
    return KEYMAP.action(name).keys[0] if name in _IDS else name


def hint(action: str) -> str:
    """Return the first key of an action, as people write and type it."""
    return KEYMAP.hint(action)
