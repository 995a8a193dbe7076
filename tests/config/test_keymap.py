"""A user's own keys: what is accepted, and the sentence about what is not."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.config.keymap import ALWAYS, PRESETS, KeymapError, keymap_from
from pgtop.key_names import key_called, name_of
from pgtop.keys import Keymap
from pgtop.places import EVERYWHERE
from pgtop.view_registry import KEYMAP

_IDS = sorted(action.id for action in KEYMAP.actions)
_FREE = [
    action.id
    for action in KEYMAP.actions
    if not action.in_dialogs and action.id not in EVERYWHERE
]
_KEY_NAMES = st.one_of(
    st.sampled_from(
        ["C", "K", "y", "n", "q", "?", "/", "Esc", "enter", "Space", "F2", "F10"]
    ),
    st.sampled_from(
        ["Ctrl-D", "ctrl+u", "PgUp", "Home", "Tab", "Ctrl-S", "F13", "Alt-x", ""]
    ),
    st.characters(codec="ascii"),
)
_KEYS = st.dictionaries(
    st.sampled_from(_FREE), st.lists(_KEY_NAMES, max_size=2), max_size=3
)
_PRESETS = st.sampled_from(sorted(PRESETS))


def keymap(**table: Any) -> Keymap:
    return keymap_from(table, KEYMAP)


def check(keymap: Keymap) -> None:
    """Fail unless the keymap keeps every promise."""
    for place in keymap.places:
        keys = [key for name in place.actions for key in keymap.action(name).keys]
        assert len(keys) == len(set(keys)), place.name
    for name, key in ALWAYS.items():
        assert key in keymap.action(name).keys
        assert keymap.hint(name) == name_of(key)
    for action in keymap.actions:
        assert tuple(map(key_called, action.key_names)) == action.keys
    answers = {key for a in keymap.actions if a.in_dialogs for key in a.keys}
    for action in keymap.actions:
        if action.dangerous and not action.in_dialogs:
            assert not answers & {*action.keys}
        if action.in_dialogs or action.id in EVERYWHERE:
            assert action.keys == KEYMAP.action(action.id).keys


def test_the_built_in_keys_keep_every_promise() -> None:
    check(KEYMAP)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_keeps_every_promise(preset: str) -> None:
    """No preset is in the way of itself, and none signals without the dialog."""
    check(keymap(preset=preset))
    assert set(PRESETS[preset]) <= set(_IDS)


@settings(max_examples=300, deadline=None)
@given(_KEYS, _PRESETS)
def test_any_accepted_table_keeps_every_promise(
    keys: dict[str, list[str]], preset: str
) -> None:
    """A table is refused with a sentence, or every key means one thing in one place."""
    with suppress(KeymapError):
        check(keymap_from({"preset": preset, **keys}, KEYMAP))


@settings(max_examples=100, deadline=None)
@given(st.permutations([*"#$%&Z~", "F2", "F7", "F8", "F11"]))
def test_free_keys_in_any_order_are_accepted(names: list[str]) -> None:
    """Keys that nothing has can go to any actions; those actions answer to them alone."""
    actions = [name for name in _FREE if name not in ALWAYS][: len(names)]
    pairs = dict(zip(actions, names, strict=False))
    chosen = keymap_from({name: [key] for name, key in pairs.items()}, KEYMAP)
    check(chosen)
    for name, key in pairs.items():
        assert chosen.action(name).keys == (key_called(key),)
        assert chosen.hint(name) == key


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"cancl": ["x"]}, "there is no action 'cancl'. Did you mean cancel?"),
        (
            {"preset": "emacs"},
            "there is no preset 'emacs'. Use one of pgtop, pg_activity, htop, vim.",
        ),
        ({"pause": ["q"]}, "pause cannot have q: in the sessions view it means quit"),
        (
            {"cursor_down": ["n"]},
            "cursor_down cannot have n:"
            " in the dialog for many sessions it means no, signal nothing",
        ),
        (
            {"pause": ["i"]},
            "i stands for toggle_idle and for pause in the sessions view."
            " Choose another key.",
        ),
        ({"confirm": ["Y"]}, "confirm answers a dialog, and its key cannot be changed"),
        ({"leave": ["x"]}, "leave works everywhere, and its key cannot be changed"),
        (
            {"cancel": ["a"]},
            "cancel cannot have a: it answers the question that cancel asks",
        ),
        ({"cancel": 5}, 'cancel takes a list of keys, such as cancel = ["C"]'),
        (
            {"pause": ["Ctrl-S"]},
            "pause cannot have Ctrl-S: terminals stop and start with it",
        ),
        (
            {"pause": ["Pause"]},
            "pause cannot have 'Pause', which is no key."
            " Write one character, or a name such as F5, Ctrl-D, PgUp, Space.",
        ),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(
    table: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(KeymapError) as error:
        keymap_from(table, KEYMAP)
    advice = error.value.advice
    assert sentence in (str(error.value), f"{error.value}. {advice}")


def test_an_action_without_a_key_is_found_in_the_palette() -> None:
    """A sentence about it names the way that is left."""
    chosen = keymap(cancel=[])
    assert chosen.hint("cancel") == "Ctrl-P cancel"
    assert all(
        action.id != "cancel" for action in chosen.offered(["cancel", "quit"], False)
    )


@given(st.sampled_from(sorted({key for a in KEYMAP.actions for key in a.keys})))
def test_a_key_is_read_back_from_its_name(key: str) -> None:
    assert key_called(name_of(key)) == key
