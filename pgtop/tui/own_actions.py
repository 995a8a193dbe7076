"""The keys of programs of the user's own, `[actions.NAME]`; `own_programs` runs them."""

from collections.abc import Iterator, Sequence

from pgtop.actions import Action, Group
from pgtop.config.settings import Settings
from pgtop.key_names import key_called
from pgtop.keys import Keymap
from pgtop.view_registry import View, keymap_for


def whole_keymap(views: Sequence[View], settings: Settings) -> Keymap:
    """Return the keys of all views, and of the user's own programs behind them."""
    return keymap_for(views, settings.keymap).with_actions(actions_of(settings))


def actions_of(settings: Settings) -> Iterator[Action]:
    """Yield an action of the registry's kind for each program."""
    for own in settings.own_actions.values():
        yield Action(
            id=f"own_{own.name}",
            keys=(key_called(own.key),) if own.key else (),
            title=own.words,
            group=Group.GO,
            call=f"run_own({own.name!r})",
        )
