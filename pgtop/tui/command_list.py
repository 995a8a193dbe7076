"""The commands of the palette: every action and view, wherever they work, and saved filters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.text.clean import clean
from pgtop.tui.key_help import place_of
from pgtop.tui.screens.filterable import FilterableScreen

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


def commands(
    app: PgtopApp, screen: Screen[object], settings: Settings
) -> Iterator[SystemCommand]:
    """Yield the commands, those first that work on the screen below the palette."""
    actions = [
        action
        for action in app.keymap.actions
        if not action.in_dialogs and not (settings.read_only and action.dangerous)
    ]
    elsewhere = []
    for action in actions:
        owner = app.handler_of(action, screen)
        if owner is None:
            elsewhere.append(action)
        else:
            yield _command(app, action, owner)
    for name, text in settings.filters.items():
        run = partial(_filter_by, app, name)
        yield SystemCommand(f"filter @{name}", clean(text), run)
    for action in elsewhere:
        yield _signpost(app, action)


def _command(app: PgtopApp, action: Action, owner: DOMNode) -> SystemCommand:
    run = partial(app.run_action, action.call or action.id, owner)
    return SystemCommand(action.title, ", ".join(action.key_names), run)


def _signpost(app: PgtopApp, action: Action) -> SystemCommand:
    """Return a command that only shows where the action works."""
    place = place_of(action, app.keymap)
    run = partial(app.show_notice, f"{action.title}: {place}")
    keys = ", ".join(action.key_names)
    return SystemCommand(action.title, f"{keys} {place}".strip(), run)


async def _filter_by(app: PgtopApp, name: str) -> None:
    """Filter the view that is open, or the first one, by a saved filter."""
    if not isinstance(app.screen, FilterableScreen):
        await app.action_show_home()
    if isinstance(app.screen, FilterableScreen):
        app.screen.filter_by(f"@{name}")
