"""The answers to keys that do nothing where they are pressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from pgtop.actions import Action
from pgtop.key_names import name_of
from pgtop.keys import Keymap
from pgtop.text.clean import clean
from pgtop.tui.keymap import handler_name
from pgtop.tui.text_input import open_field

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


class KeyHelp:
    """The part of the app that explains keys. It names the key for help once only."""

    def __init__(self, app: PgtopApp) -> None:
        self._app = app
        self._has_named_help = False

    def words_for(self, key: str) -> str:
        """Return why a key does nothing here; "" if it does something."""
        screen = self._app.screen
        if isinstance(screen, ModalScreen) or open_field(screen) is not None:
            return ""
        actions = self._app.keymap.actions_of(key)
        if actions:
            is_handled = any(map(self._app.handler_of, actions))
            return "" if is_handled else self._out_of_place(actions)
        if self._has_named_help or key in screen.active_bindings:
            return ""
        self._has_named_help = True
        help_key = self._app.keymap.hint("help")
        return f"{clean(name_of(key))} does nothing here: {help_key} shows the keys"

    def _out_of_place(self, actions: list[Action]) -> str:
        """Return where a key works, in the first view if it works there."""
        home = self._app.home
        at_home = [each for each in actions if hasattr(home, handler_name(each))]
        action = (at_home or actions)[0]
        place = place_of(action, self._app.keymap)
        if self._app.state.derived.snapshot.server.is_console:
            place = "needs the server's sessions"
        return f"{action.key_names[0]} ({action.title}) {place}"


def place_of(action: Action, keymap: Keymap) -> str:
    """Return where an action works: the views and the keys that open them, or else pages."""
    views = keymap.views_with(action.id)
    if not views:
        places = [each.name for each in keymap.places if action.id in each.actions]
        return (
            f"works only in {_series(places, 'and')}" if places else "works nowhere now"
        )
    names = _series([view.short for view in views], "and")
    keys = _series([view.key_names[0] for view in views if view.keys], "or")
    noun = "view" if len(views) == 1 else "views"
    return f"works only in the {names} {noun}: press {keys}".removesuffix(": press ")


def _series(words: Sequence[str], conjunction: str) -> str:
    """Return words as a sentence lists them: `1, 2 or 3`."""
    *others, last = words or ("",)
    return f"{', '.join(others)} {conjunction} {last}" if others else last
