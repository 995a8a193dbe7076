"""Textual bindings made from the registry of actions, so that no key is written down twice."""

from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingType

from pgtop.actions import NEXT_BUTTON, PREVIOUS_BUTTON, Action
from pgtop.keys import KEYMAP


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


def handler_name(action: Action) -> str:
    """Return the name of the method that handles the action."""
    name = action.call or action.id
    return f"action_{name.partition('(')[0]}"
