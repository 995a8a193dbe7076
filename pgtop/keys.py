"""Keys as values: which keys an action has, where they work, and how people write them.

A sentence that names a key takes it from `hint`, so that it names the key of the keymap in force.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pgtop import places
from pgtop.actions import ACTIONS, Action
from pgtop.key_names import key_called, name_of

OTHER_VIEWS = "other_views"
"""Stands for the actions that open the other views, in the list of what a footer offers."""

Keys = Mapping[str, Sequence[str]]
"""Keys by the ids of actions."""


class PlaceKeys(NamedTuple):
    """A place with all actions that its keys may stand for."""

    name: str
    """The words for the place behind "in"."""
    actions: frozenset[str]
    """The ids of all actions that work there."""
    is_dialog: bool = False
    home: str = ""
    """The id of the action that opens the place, if it is a view."""


class Keymap:
    """The actions of a dashboard with their keys, and the places in which they work."""

    def __init__(
        self,
        actions: Iterable[Action],
        other_views: Sequence[str] = (),
        places: Sequence[PlaceKeys] = (),
    ) -> None:
        self.actions = tuple(actions)
        self.places = tuple(places)
        self._by_id = {action.id: action for action in self.actions}
        self._other_views = other_views

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._by_id

    @property
    def is_built_in(self) -> bool:
        """True if every action that the registry has, has the registry's keys."""
        return all(
            self._by_id[action.id].keys == action.keys
            for action in ACTIONS
            if action.id in self
        )

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
        return " ".join(map(self._first_key, action_ids))

    def beside_text(self, action_id: str) -> Action | None:
        """Return an action with a key that is no text, for a footer while text is typed."""
        action = self._by_id[action_id]
        keys = [key for key in action.keys if len(name_of(key)) > 1 and key != _BLANK]
        return action._replace(keys=tuple(keys)) if keys else None

    def offered(self, action_ids: Iterable[str], read_only: bool) -> tuple[Action, ...]:
        """Return the actions for a footer, without those that read-only mode or the user's keys
        lack.
        """
        actions = map(self.action, self._expanded(action_ids))
        return tuple(
            action
            for action in actions
            if action.keys and not (read_only and action.dangerous)
        )

    def views_with(self, action_id: str) -> list[Action]:
        """Return the actions that open the views in which an action works."""
        homes = [each.home for each in self.places if action_id in each.actions]
        return [self._by_id[home] for home in homes if home]

    def with_keys(self, keys: Keys) -> "Keymap":
        """Return the keymap with other keys for the actions in `keys`."""
        actions = [
            action._replace(keys=tuple(keys.get(action.id, action.keys)))
            for action in self.actions
        ]
        return Keymap(actions, self._other_views, self.places)

    def with_actions(self, actions: Iterable[Action]) -> "Keymap":
        """Return the keymap with more actions behind its own."""
        return Keymap((*self.actions, *actions), self._other_views, self.places)

    def _first_key(self, action_id: str) -> str:
        """Return the key that sentences name; for an action without one, the way through the
        palette.
        """
        action = self._by_id[action_id]
        if action.keys:
            return action.key_names[0]
        return f"{self._by_id[_PALETTE].key_names[0]} {action.short or action.id}"

    def _expanded(self, action_ids: Iterable[str]) -> Iterator[str]:
        for name in action_ids:
            if name == OTHER_VIEWS:
                yield from self._other_views
            else:
                yield name


_PALETTE = "palette"
_BLANK = key_called("Space")


def keymap_with(opening: Mapping[str, Action]) -> Keymap:
    """Return the keymap of a dashboard with views; `opening` has the action that opens each, by the
    view's id, and those lead the group that they are in.
    """
    views = tuple(opening.values())
    groups = [action.group for action in ACTIONS]
    start = groups.index(views[0].group)
    everything = (*ACTIONS[:start], *views, *ACTIONS[start:])
    names = [action.id for action in views]
    return Keymap(everything, names[1:], tuple(_places(opening)))


def _places(opening: Mapping[str, Action]) -> Iterator[PlaceKeys]:
    behind = frozenset(places.BEHIND_SCREENS)
    behind |= {action.id for action in opening.values()}
    everywhere = frozenset(places.EVERYWHERE)
    for view_id, action in opening.items():
        own = places.VIEWS.get(view_id, places.TABLE)
        name = f"the {action.short} view"
        yield PlaceKeys(name, everywhere | behind | {*own}, home=action.id)
    for place in places.PLACES:
        shared = everywhere if place.is_dialog else everywhere | behind
        yield PlaceKeys(place.name, shared | {*place.actions}, place.is_dialog)


KEYMAP = Keymap(ACTIONS)
"""The built-in keys that no view declares."""

_in_force = [KEYMAP]
"""The keymap of this process, which has one keyboard."""


def put_in_force(keymap: Keymap) -> None:
    """Have sentences name the keys of this keymap from now on."""
    _in_force[0] = keymap


def in_force() -> Keymap:
    """Return the keymap of this process."""
    return _in_force[0]


def hint(*action_ids: str) -> str:
    """Return the first key of each action in the keymap in force, as people write it."""
    return _in_force[0].hint(*action_ids)
