"""The commands of the palette: every action and view, wherever they work, and saved filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from textual.dom import DOMNode
from textual.screen import Screen

from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.text.clean import clean
from pgtop.tui.key_help import place_of
from pgtop.tui.screens.filterable import FilterableScreen

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp

_STARTS, _STARTS_A_WORD, _CONTAINS = 1.0, 0.8, 0.5
"""How well a command matches: by the start of its title or name, of a word in it, or within one."""

Run: TypeAlias = Callable[[], Awaitable[object] | None]


class PaletteCommand(NamedTuple):
    """A command of the palette."""

    title: str
    keys: str
    """The keys that do the same, or the text of a saved filter."""
    run: Run
    place: str = ""
    """Where the command works, in words, if that is not here."""
    name: str = ""
    """The name of a view, or a few words for an action, if the title has others."""


def commands(
    app: PgtopApp, screen: Screen[object], settings: Settings
) -> Iterator[PaletteCommand]:
    """Yield the commands, first those that work on the screen below the palette."""
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
        yield PaletteCommand(f"filter @{name}", clean(text), run)
    for action in elsewhere:
        yield _signpost(app, action)


def matching(
    all_commands: Sequence[PaletteCommand], text: str
) -> Sequence[PaletteCommand]:
    """Return the commands in which each word of the text occurs, the best first."""
    words = text.lower().split()
    if not words:
        return all_commands
    scored = [(match_score(words, command), command) for command in all_commands]
    matches = [pair for pair in scored if pair[0]]
    matches.sort(key=lambda pair: -pair[0])
    return [command for _, command in matches]


def match_score(words: Sequence[str], command: PaletteCommand) -> float:
    """Return how well a command matches words in lower case; 0 if one does not occur."""
    text = f"{command.title} {command.keys} {command.name}".lower()
    if not words or not all(word in text for word in words):
        return 0
    first = words[0]
    name = command.name.lower()
    if text.startswith(first) or name.startswith(first):
        return _STARTS
    return _STARTS_A_WORD if f" {first}" in text else _CONTAINS


def _command(app: PgtopApp, action: Action, owner: DOMNode) -> PaletteCommand:
    run = partial(app.run_action, action.call or action.id, owner)
    keys = ", ".join(action.key_names)
    return PaletteCommand(action.title, keys, run, name=_name_of(action))


def _signpost(app: PgtopApp, action: Action) -> PaletteCommand:
    """Return a command that only shows where the action works."""
    place = place_of(action, app.keymap)
    run = partial(app.show_notice, f"{action.title}: {place}")
    keys = ", ".join(action.key_names)
    return PaletteCommand(action.title, keys, run, place, _name_of(action))


def _name_of(action: Action) -> str:
    """Return the label of a view, or the brief words for an action."""
    return action.brief or action.short


async def _filter_by(app: PgtopApp, name: str) -> None:
    """Filter the view that is open, or the first one, by a saved filter."""
    if not isinstance(app.screen, FilterableScreen):
        await app.action_show_home()
    if isinstance(app.screen, FilterableScreen):
        app.screen.filter_by(f"@{name}")
