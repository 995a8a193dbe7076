"""Views of the user's own, `[views.NAME]`: a built-in view with other columns, order and filter."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pgtop.config.settings import Settings
from pgtop.monitor.poller import Poller
from pgtop.monitor.state import State
from pgtop.view_registry import VIEWS, View

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile

_PREFIX = "own_"
_LAST_KEY = 9


def views_of(settings: Settings) -> tuple[View, ...]:
    """Return the built-in views, and those of the user's own behind them."""
    return (*VIEWS, *_own_views(settings)) if settings.views else VIEWS


def profile_of(
    view: View, profiles: Mapping[str, "ViewProfile"]
) -> "ViewProfile | None":
    """Return the profile of a view of the user's own; None for a built-in one."""
    if not view.id.startswith(_PREFIX):
        return None
    return profiles.get(view.id.removeprefix(_PREFIX))


def view_called(name: str, views: Sequence[View]) -> View | None:
    """Return the view that a user names by its id, its label or the name of its profile."""
    word = name.lower()
    for view in views:
        names = (view.id, view.label.lower(), view.id.removeprefix(_PREFIX))
        if word in names:
            return view
    return None


class ViewPace:
    """Samples as often as a view of the user's own wants, and as before once it is left."""

    def __init__(self, poller: Poller, profiles: Mapping[str, "ViewProfile"]) -> None:
        self._poller = poller
        self.profiles = profiles
        self._before: float | None = None

    def enter(self, view: View) -> None:
        """Take the interval of a view."""
        if self._before is not None:
            self._poller.interval = self._before
            self._before = None
        profile = profile_of(view, self.profiles)
        if profile and profile.interval:
            self._before = self._poller.interval
            self._poller.interval = profile.interval


def _own_views(settings: Settings) -> Iterator[View]:
    bases = {view.label: view for view in VIEWS}
    number = max(int(view.key) for view in VIEWS)
    for profile in settings.views.values():
        number += 1
        base = bases[profile.view]
        key = _key(number, settings)
        yield View(
            id=f"{_PREFIX}{profile.name}",
            key=key,
            label=profile.name,
            title=f"{profile.name}, a view of your own",
            screen=base.screen,
            table=base.table,
            topics=base.topics,
            has_rows=partial(_has_tab, key),
        )


def _has_tab(key: str, _state: State) -> bool:
    """Return whether a view has a tab: one without a key is opened from the palette."""
    return key != ""


def _key(number: int, settings: Settings) -> str:
    """Return the number as a key; "" if there is no such key, or the user gave it away."""
    key = str(number)
    owned = {action.key for action in settings.own_actions.values()}
    is_taken = key in owned or settings.keymap.actions_of(key)
    return "" if number > _LAST_KEY or is_taken else key
