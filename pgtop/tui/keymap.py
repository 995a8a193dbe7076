"""Textual bindings made from the registry of actions, so that no key is written down twice."""

from textual.binding import Binding, BindingType

from pgtop.actions import ACTIONS

_BY_ID = {action.id: action for action in ACTIONS}


def bindings(*actions: str, priority: tuple[str, ...] = ()) -> list[BindingType]:
    """Bindings of the named actions, each to the method `action_<id>` of whoever binds them.

    Keys in `priority` work everywhere, also while a dialog is open or text is typed.
    """
    chosen = [(_BY_ID[name], key) for name in actions for key in _BY_ID[name].keys]
    return [Binding(key, action.id, action.title, show=False, priority=key in priority) for action, key in chosen]
