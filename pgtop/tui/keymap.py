"""Textual bindings made from the registry of actions, so that no key is written down twice.

A class has the built-in keys. An app whose user chose others replaces them in each of its screens:
see `Keyboard.push_screen`.
"""

from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from pgtop.actions import Action
from pgtop.field_keys import NEXT_BUTTON, PREVIOUS_BUTTON
from pgtop.keys import KEYMAP, Keymap
from pgtop.terminal.textual_private import rebind


def bindings(*action_ids: str) -> list[BindingType]:
    """Return the bindings of the actions, each to the method `action_<id>` of the binding class."""
    return list(bindings_of(map(KEYMAP.action, action_ids)))


def bindings_of(actions: Iterable[Action]) -> Iterator[Binding]:
    """Yield a binding for each key of each action.

    They have priority, so that Textual handles keys typed ahead at once and in their order.
    """
    for action in actions:
        for key in action.keys:
            yield Binding(
                key,
                action.call or action.id,
                action.title,
                show=False,
                priority=True,
                id=action.id,
            )


def button_bindings() -> Iterator[Binding]:
    """Yield the bindings that move the focus over the buttons of a dialog."""
    for keys, step in ((PREVIOUS_BUTTON, -1), (NEXT_BUTTON, 1)):
        yield Binding(
            ",".join(keys), f"focus_button({step})", "other button", priority=True
        )


def rebind_to(node: DOMNode, keymap: Keymap) -> None:
    """Give a screen or an app the keys of a keymap."""

    def keys_of(binding: Binding) -> tuple[str, ...]:
        is_ours = binding.id is not None and binding.id in keymap
        return keymap.action(binding.id or "").keys if is_ours else (binding.key,)

    rebind(node, keys_of)


def handler_name(action: Action) -> str:
    """Return the name of the method that handles the action."""
    name = action.call or action.id
    return f"action_{name.partition('(')[0]}"
