"""The registry of actions: the id, the keys and the meaning of everything that a user can do.

Plain data, the only place with keys; the views declare theirs in `view_registry.py`. Bindings,
footer, help, palette and documentation are made from it.
"""

from pgtop.actions.action import Action as Action
from pgtop.actions.action import Group as Group
from pgtop.actions.past import PAST_ACTIONS
from pgtop.actions.screens import SCREEN_ACTIONS
from pgtop.actions.signals import SIGNAL_ACTIONS

ACTIONS: tuple[Action, ...] = (*SIGNAL_ACTIONS, *SCREEN_ACTIONS, *PAST_ACTIONS)
