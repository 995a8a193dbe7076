"""The keys of actions, from the registry: a changed key changes no test but those about that
key."""

from pgtop.key_names import name_of
from pgtop.view_registry import KEYMAP

_IDS = frozenset(action.id for action in KEYMAP.actions)
_CHARACTERS = {"enter": "\r", "escape": "\x1b", "space": " "}


def key(name: str) -> str:
    """Return the first key of an action, as Textual names it; anything else is a key already."""
    return KEYMAP.action(name).keys[0] if name in _IDS else name


def hint(action: str) -> str:
    """Return the first key of an action, as people write it."""
    return KEYMAP.hint(action)


def typed(*names: str) -> str:
    """Return what a terminal sends for the keys of actions, or for other text."""
    return "".join(map(_characters, names))


def _characters(name: str) -> str:
    if name not in _IDS:
        return name
    pressed = key(name)
    if pressed.startswith("ctrl+"):
        return chr(ord(pressed[-1]) & 0x1F)
    return _CHARACTERS.get(pressed) or name_of(pressed)


READY = f"  {hint('quit')} quit"
"""In the footer of every view, behind other keys. The key is the first one while pgtop connects,
when all others are dropped."""
