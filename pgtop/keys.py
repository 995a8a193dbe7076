"""Keys as values: which keys an action has, and how people write them.

A sentence that names a key takes it from `hint`, so that a changed key changes one line of the
registry.
"""

from collections.abc import Iterable, Iterator, Sequence

from pgtop.actions import ACTIONS, Action

OTHER_VIEWS = "other_views"
"""Stands for the actions that open the other views, in the list of what a footer offers."""


class Keymap:
    """The actions of a dashboard, by id."""

    def __init__(
        self, actions: Iterable[Action], other_views: Sequence[str] = ()
    ) -> None:
        self.actions = tuple(actions)
        self._by_id = {action.id: action for action in self.actions}
        self._other_views = other_views

    def action(self, action_id: str) -> Action:
        """Return the action with this id."""
        return self._by_id[action_id]

    def keys(self, *action_ids: str) -> frozenset[str]:
        """Return all keys of the actions, as Textual names them."""
        return frozenset(key for name in action_ids for key in self._by_id[name].keys)

    def actions_of(self, key: str) -> list[Action]:
        """Return the actions that a key has outside dialogs."""
        return [
            each for each in self.actions if key in each.keys and not each.in_dialogs
        ]

    def hint(self, *action_ids: str) -> str:
        """Return the first key of each action as people write it, separated by blanks."""
        return " ".join(self._by_id[name].key_names[0] for name in action_ids)

    def offered(self, action_ids: Iterable[str], read_only: bool) -> tuple[Action, ...]:
        """Return the actions for a footer, without those that read-only mode lacks."""
        actions = map(self.action, self._expanded(action_ids))
        return tuple(
            action for action in actions if not (read_only and action.dangerous)
        )

    def _expanded(self, action_ids: Iterable[str]) -> Iterator[str]:
        for name in action_ids:
            if name == OTHER_VIEWS:
                yield from self._other_views
            else:
                yield name


KEYMAP = Keymap(ACTIONS)
"""The keys that no view declares."""

hint = KEYMAP.hint
