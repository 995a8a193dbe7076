"""The registry of views: key, label, screen and topics of each in one declaration.

Footer, help, palette, bindings and documentation are made from it. Plain data: a screen is imported
when its view is first opened, and Textual not at all.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from pgtop.actions import Action, Group
from pgtop.config.settings import Settings
from pgtop.keys import Keymap, keymap_with
from pgtop.model.section import LOCKS, RATES, SESSIONS, Topic

if TYPE_CHECKING:
    from pgtop.tui.screens.live import LiveScreen


class View(NamedTuple):
    """A view and everything that the app needs to know about it."""

    id: str
    key: str
    label: str
    """The word in the footer."""
    title: str
    """The words in help and palette."""
    screen: str
    """The module and the class of its screen, with a colon between them."""
    topics: frozenset[Topic] = frozenset()
    """What a poll asks for while the view is open."""

    @property
    def action(self) -> Action:
        """The action that opens the view."""
        return Action(
            id=f"show_{self.id}",
            keys=(self.key,),
            title=self.title,
            group=Group.LOOK,
            short=self.label,
            call=f"show_view({self.id!r})",
        )

    def load(self) -> "type[LiveScreen]":
        """Import the class of its screen."""
        module, _, name = self.screen.partition(":")
        screen_class: type[LiveScreen] = getattr(import_module(module), name)
        return screen_class


VIEWS: tuple[View, ...] = (
    View(
        id="sessions",
        key="1",
        label="sessions",
        title="sessions",
        screen="pgtop.tui.screens.sessions:SessionsScreen",
        topics=frozenset({SESSIONS, RATES}),
    ),
    View(
        id="breakdown",
        key="2",
        label="connections",
        title="connections by application, role, database, client and state",
        screen="pgtop.tui.screens.breakdown:BreakdownScreen",
        topics=frozenset({SESSIONS, RATES}),
    ),
    View(
        id="locks",
        key="3",
        label="locks",
        title="who blocks whom, and what holds back vacuum",
        screen="pgtop.tui.screens.locks:LocksScreen",
        topics=frozenset({SESSIONS, LOCKS, RATES}),
    ),
)
"""The first view is the one that a dashboard starts with and goes back to."""


def keymap_of(views: Sequence[View]) -> Keymap:
    """Return the built-in keys of a dashboard with these views."""
    return keymap_with({view.id: view.action for view in views})


def keymap_for(views: Sequence[View], settings: Settings) -> Keymap:
    """Return the keys of a dashboard with these views, as the settings have them."""
    chosen = {action.id: action.keys for action in settings.keymap.actions}
    return keymap_of(views).with_keys(chosen)


KEYMAP = keymap_of(VIEWS)
"""The keys of a dashboard with the built-in views."""
