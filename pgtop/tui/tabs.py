"""The tabs of the header, made from the registry of views."""

from collections.abc import Sequence

from pgtop.actions import Action
from pgtop.monitor.state import State
from pgtop.view.header import Views
from pgtop.view.latest import keeps_latest
from pgtop.view.looks import Looks
from pgtop.view.tabs import Tab
from pgtop.view_registry import View


def tabs_of(
    views: Sequence[View],
    active: View,
    state: State,
    looks: Looks,
) -> Views:
    """Return the tabs of the views that have something to show; that in sight is always there."""
    shown = [view for view in views if view is active or view.has_rows(state)]
    alarms = [view.alarms(state) for view in shown]
    return _tabs(shown, alarms, active.id, looks)


def offered_views(
    actions: tuple[Action, ...], views: Sequence[View], state: State
) -> tuple[Action, ...]:
    """Return the actions without those that open a view with nothing to show."""
    absent = {f"show_{view.id}" for view in views if not view.has_rows(state)}
    if not absent:
        return actions
    return tuple([each for each in actions if each.id not in absent])


@keeps_latest
def _tabs(
    views: Sequence[View],
    alarms: Sequence[int],
    active: str,
    looks: Looks,
) -> Views:
    tabs = [_tab(*each, looks) for each in zip(views, alarms, strict=True)]
    return Views(tabs, active)


def _tab(view: View, alarms: int, looks: Looks) -> Tab:
    action = view.action
    return Tab(
        view=view.id,
        key=looks.key(action.id) or view.key,
        name=view.label.capitalize(),
        short=(view.short or view.label).capitalize(),
        call=action.call,
        alarms=alarms,
    )
