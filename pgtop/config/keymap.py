"""A user's own keys: presets and the table `[keys]`, checked before they are in force.

A key stands for one action in one place. `q`, Esc, `?` and Enter always keep their meaning, the
keys of a dialog cannot be changed, and no key both asks for a signal and answers the question.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pgtop.actions import Action
from pgtop.config.mistakes import MistakeError, did_you_mean, one_of
from pgtop.field_keys import FLOW_CONTROL
from pgtop.key_names import key_called, name_of
from pgtop.keys import Keymap, Keys, PlaceKeys
from pgtop.places import EVERYWHERE
from pgtop.view_registry import KEYMAP


class KeymapError(MistakeError):
    """A sentence about keys that cannot be in force."""


PRESETS: Mapping[str, Keys] = {
    "pgtop": {},
    "pg_activity": {
        "help": ("h", "question_mark"),
        "record": ("ctrl+r",),
        "refresh": ("R", "r", "f5"),
        "show_sessions": ("1", "f1"),
        "show_locks": ("3", "f2", "f3"),
    },
    "htop": {
        "cursor_down": ("down",),
        "cursor_up": ("up",),
        "filter": ("f4", "slash", "f3", "backslash"),
        "help": ("f1", "question_mark", "h"),
        "pause": ("Z", "p"),
        "previous_session": ("J",),
        "quit": ("f10", "q"),
        "refresh": ("r",),
        "show_locks": ("3", "f5", "t"),
        "signal_menu": ("f9", "k"),
        "sort_menu": ("f6", "s"),
        "untag_all": ("U",),
    },
    "vim": {
        "cursor_first": ("g", "home"),
        "cursor_last": ("G", "end"),
        "help": ("question_mark", "f1"),
        "page_down": ("ctrl+f", "ctrl+d", "pagedown"),
        "page_up": ("ctrl+b", "ctrl+u", "pageup"),
        "scroll_left": ("h", "left"),
        "scroll_right": ("l", "right"),
        "tag": ("v", "space"),
    },
}
"""The keys by which each preset differs from the built-in ones.

https://github.com/dalibo/pg_activity, https://github.com/htop-dev/htop
"""

ALWAYS: Mapping[str, str] = {
    "quit": "q",
    "clear": "escape",
    "help": "question_mark",
    "open": "enter",
}
"""The key that each of these actions keeps, whatever else it gets."""

_UNUSABLE: Mapping[str, str] = {
    "tab": "it completes in a field and moves over the buttons of a dialog",
    "shift+tab": "it moves over the buttons of a dialog",
    "ctrl+i": "terminals send it for Tab",
    "ctrl+j": "terminals send it for Enter",
    "ctrl+m": "terminals send it for Enter",
    "ctrl+h": "terminals send it for Backspace",
    **dict.fromkeys(FLOW_CONTROL, "terminals stop and start with it"),
}
"""Keys that no action can have, and why."""
_DIGITS = frozenset("0123456789")
_LONGEST = 40
"""Characters of a value in a sentence."""
_MOST_KEYS = 8
"""Keys of one action: far more than hands use."""


def keymap_from(table: Mapping[str, Any], base: Keymap = KEYMAP) -> Keymap:
    """Return `base` with the keys of a table such as `{"preset": "vim", "cancel": ["C"]}`.

    Raises KeymapError with a sentence about the first mistake.
    """
    preset = table.get("preset", "pgtop")
    chosen = dict(_preset(preset, base))
    for action_id, keys in table.items():
        if action_id != "preset":
            chosen[action_id] = _keys_for(action_id, keys, base)
    keymap = base.with_keys(_with_kept_keys(chosen))
    _check_askers(keymap)
    for place in keymap.places:
        _check_place(place, keymap)
    return keymap


def _preset(name: object, base: Keymap) -> Keys:
    if not isinstance(name, str) or name not in PRESETS:
        raise KeymapError(f"there is no preset {_shown(name)}", one_of(name, PRESETS))
    return {each: keys for each, keys in PRESETS[name].items() if each in base}


def _keys_for(action_id: str, keys: object, base: Keymap) -> tuple[str, ...]:
    """Return the keys of one line of the table."""
    action = _action_called(action_id, base)
    names = [keys] if isinstance(keys, str) else keys
    if not isinstance(names, Sequence) or not all(
        isinstance(name, str) for name in names
    ):
        raise KeymapError(
            f'{action_id} takes a list of keys, such as {action_id} = ["{_example(action)}"]'
        )
    if len(names) > _MOST_KEYS:
        raise KeymapError(f"{action_id} has more than {_MOST_KEYS} keys")
    return tuple(dict.fromkeys(_key(name, action_id) for name in names))


def _action_called(action_id: str, base: Keymap) -> Action:
    if action_id not in base:
        names = [action.id for action in base.actions]
        what = f"there is no action {_shown(action_id)}"
        raise KeymapError(what, did_you_mean(action_id, names))
    action = base.action(action_id)
    if action.in_dialogs:
        raise KeymapError(
            f"{action_id} answers a dialog, and its key cannot be changed"
        )
    if action_id in EVERYWHERE:
        raise KeymapError(
            f"{action_id} works everywhere, and its key cannot be changed"
        )
    return action


def _example(action: Action) -> str:
    return action.key_names[0] if action.keys else "F5"


def _key(name: str, action_id: str) -> str:
    key = key_called(name)
    if not key:
        raise KeymapError(
            f"{action_id} cannot have {_shown(name)}, which is no key",
            "Write one character, or a name such as F5, Ctrl-D, PgUp, Space.",
        )
    if reason := unusable(key):
        raise KeymapError(f"{action_id} cannot have {name_of(key)}: {reason}")
    return key


def unusable(key: str) -> str:
    """Return why no action can have the key, or ""."""
    return _UNUSABLE.get(key, "")


def _with_kept_keys(chosen: Keys) -> Keys:
    """Return the keys, those first that an action keeps always: sentences on screen name them."""
    kept = dict(chosen)
    for action_id, key in ALWAYS.items():
        if action_id in kept:
            others = [each for each in kept[action_id] if each != key]
            kept[action_id] = (key, *others)
    return kept


def _shown(value: object) -> str:
    """Return a value of the configuration for a sentence, which may be anything."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# The checks.


def _check_place(place: PlaceKeys, keymap: Keymap) -> None:
    """Raise KeymapError if a key stands for two actions in one place."""
    owners: dict[str, Action] = {}
    for action in keymap.actions:
        if action.id not in place.actions:
            continue
        for key in action.keys:
            other = owners.setdefault(key, action)
            if other is not action:
                what = _collision(key, other, action, place)
                raise KeymapError(what, "Choose another key.")


def _collision(key: str, one: Action, other: Action, place: PlaceKeys) -> str:
    """Return what is wrong about a key with two actions, and which of them must move."""
    name = name_of(key)
    for fixed, moved in ((one, other), (other, one)):
        if _is_fixed(key, fixed):
            meaning = fixed.title.rpartition(": ")[2]
            return f"{moved.id} cannot have {name}: in {place.name} it means {meaning}"
    return f"{name} stands for {one.id} and for {other.id} in {place.name}"


def _is_fixed(key: str, action: Action) -> bool:
    is_kept = ALWAYS.get(action.id) == key
    return is_kept or action.in_dialogs or action.id in EVERYWHERE


def _check_askers(keymap: Keymap) -> None:
    """Raise KeymapError if a key that asks for a signal could also answer the question."""
    answers = {
        key for action in keymap.actions if action.in_dialogs for key in action.keys
    }
    for action in _askers(keymap):
        for key in action.keys:
            if key in answers or key in _DIGITS:
                raise KeymapError(
                    f"{action.id} cannot have {name_of(key)}: it answers the question"
                    f" that {action.id} asks"
                )


def _askers(keymap: Keymap) -> Iterator[Action]:
    """Yield the actions that ask before a signal."""
    for action in keymap.actions:
        if action.dangerous and not action.in_dialogs:
            yield action
