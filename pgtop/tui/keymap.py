"""Textual bindings made from the registry of actions, so that no key is written down twice."""

from textual.binding import Binding, BindingType

from pgtop.actions import BY_ID


def bindings(*actions: str) -> list[BindingType]:
    """Bindings of the named actions, each to the method `action_<id>` of whoever binds them.

    They have priority, which to Textual means at once: keys typed ahead are carried out in their
    order.
    """
    chosen = [(BY_ID[name], key) for name in actions for key in BY_ID[name].keys]
    return [
        Binding(key, action.id, action.title, show=False, priority=True) for action, key in chosen
    ]
