"""The places in which keys work, against the screens."""

from collections.abc import Mapping

import pytest

from pgtop import places
from pgtop.places import BEHIND_SCREENS, EVERYWHERE, PLACES, OtherPlace
from pgtop.tui.app import PgtopApp
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.copy_menu import CopyMenu
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.dialogs.results import ResultScreen
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.view_registry import KEYMAP, VIEWS, View

_SCREENS: Mapping[str, type] = {
    "the detail of a session": DetailScreen,
    "the help": HelpScreen,
    "the dialog for one session": ConfirmScreen,
    "the dialog for many sessions": BulkScreen,
    "a menu": MenuScreen,
    "the copy menu": CopyMenu,
    "the list of outcomes": ResultScreen,
}
_SCREEN_PLACES = [place for place in PLACES if place.name in _SCREENS]
"""The past is a place of all screens: its keys come before theirs."""
_DECLARED: list[tuple[type, tuple[str, ...]]] = [
    *((view.load(), places.VIEWS[view.id]) for view in VIEWS),
    *((_SCREENS[place.name], place.actions) for place in _SCREEN_PLACES),
    (PgtopApp, (*BEHIND_SCREENS, *EVERYWHERE)),
]


@pytest.mark.parametrize(
    ("screen", "actions"), _DECLARED, ids=[screen.__name__ for screen, _ in _DECLARED]
)
def test_a_screen_binds_exactly_the_actions_of_its_place(
    screen: type, actions: tuple[str, ...]
) -> None:
    """A user's keys are checked against the places, so a screen offers what its place has."""
    bindings = [binding for _, binding in screen._merge_bindings()]  # type: ignore[attr-defined]
    ids = {binding.id for binding in bindings if binding.id in KEYMAP}
    assert ids == set(actions)


@pytest.mark.parametrize("view", VIEWS, ids=[view.id for view in VIEWS])
def test_a_footer_offers_only_what_works_there(view: View) -> None:
    place = next(each for each in KEYMAP.places if each.home == view.action.id)
    offered = {action.id for action in KEYMAP.offered(view.load().KEYS, False)}
    assert offered <= place.actions


@pytest.mark.parametrize(
    "place", _SCREEN_PLACES, ids=[place.name for place in _SCREEN_PLACES]
)
def test_the_footer_of_a_page_offers_only_what_works_there(place: OtherPlace) -> None:
    """A dialog has its keys in its frame."""
    ids = getattr(_SCREENS[place.name], "KEYS", ())
    assert {*ids} <= {*place.actions, *BEHIND_SCREENS}
