"""The tabs of the header, made from the registry of views."""

from collections.abc import Sequence

from pgtop.monitor.state import State
from pgtop.view.header import Views
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
    return Views([_tab(view, state, looks) for view in shown], active.id)


def _tab(view: View, state: State, looks: Looks) -> Tab:
    name = view.label.capitalize()
    return Tab(
        view=view.id,
        key=looks.key(view.action.id) or view.key,
        name=name,
        short=view.short or name,
        call=view.action.call,
        alarms=view.alarms(state),
    )
