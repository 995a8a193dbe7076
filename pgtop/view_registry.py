"""The registry of views: key, label, screen and topics of each in one declaration.

Footer, help, palette, bindings and documentation are made from it. Plain data: a screen is imported
when its view is first opened, and Textual not at all.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from pgtop.actions import Action, Group
from pgtop.keys import Keymap, keymap_with, put_in_force
from pgtop.model.section import (
    HOST,
    LOCKS,
    POOLS,
    PROGRESS,
    RATES,
    REPLICATION,
    REPLICATION_NOW,
    SESSIONS,
    STATEMENTS,
    USUAL,
    Topic,
)


def _none(state: Any) -> int:
    return 0


def _always(state: Any) -> bool:
    return True


def _waiting(state: Any) -> int:
    waiting: int = state.derived.forest.waiting
    return waiting


def _has_replication(state: Any) -> bool:
    section = state.derived.snapshot.sections.get(REPLICATION)
    reading = None if section is None else section.data
    return reading is not None and not reading.is_empty


def _has_pools(state: Any) -> bool:
    return POOLS in state.derived.snapshot.sections


def _waiting_for_pools(state: Any) -> int:
    if not _has_pools(state):
        return 0
    from pgtop.analysis.pools import waiting_for_long  # late: few servers have a pooler

    return waiting_for_long(state.derived.snapshot)


class View(NamedTuple):
    """A view and everything that the app needs to know about it."""

    id: str
    key: str
    """The key that opens it; "" for none."""
    label: str
    """The word in the footer."""
    title: str
    """The words in help and palette."""
    screen: str
    """The module and the class of its screen, with a colon between them."""
    topics: frozenset[Topic] = frozenset()
    """What a poll asks for while the view is open."""
    short: str = ""
    """A shorter label for the tabs of a narrow screen."""
    alarms: Callable[[Any], int] = _none
    """Counts the sessions of a `State` that need action now: the number in the tab."""
    has_rows: Callable[[Any], bool] = _always
    """Whether, in a `State`, the view has something to show: its tab is there only then."""
    table: str = ""
    """The module and the name of its table, which has its columns and the keys of its filters."""

    @property
    def action(self) -> Action:
        """The action that opens the view."""
        return Action(
            id=f"show_{self.id}",
            keys=(self.key,) if self.key else (),
            title=self.title,
            group=Group.GO,
            short=self.label,
            call=f"show_view({self.id!r})",
        )

    def load(self) -> Any:
        """Import the class of its screen, a `LiveScreen`."""
        return _named(self.screen)

    def load_table(self) -> Any:
        """Import its table, a `TableSpec`."""
        return _named(self.table)


def _named(place: str) -> Any:
    """Import what a module and a name stand for."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


VIEWS: tuple[View, ...] = (
    View(
        id="sessions",
        key="1",
        label="sessions",
        title="sessions",
        screen="pgtop.tui.screens.sessions:SessionsScreen",
        table="pgtop.table.session_rows:SESSION_ROWS",
        topics=frozenset({SESSIONS, RATES, PROGRESS, REPLICATION, HOST}),
    ),
    View(
        id="breakdown",
        key="2",
        label="connections",
        title="connections by application, role, database, client and state",
        screen="pgtop.tui.screens.breakdown:BreakdownScreen",
        table="pgtop.view.breakdown:BREAKDOWN",
        topics=frozenset({SESSIONS, RATES}),
    ),
    View(
        id="locks",
        key="3",
        label="locks",
        title="who blocks whom, and what holds back vacuum",
        screen="pgtop.tui.screens.locks:LocksScreen",
        table="pgtop.view.lock_lines:LOCKS",
        topics=frozenset({SESSIONS, LOCKS, RATES, PROGRESS}),
        alarms=_waiting,
    ),
    View(
        id="waits",
        key="4",
        label="waits",
        title="what sessions wait for, over time",
        screen="pgtop.tui.screens.waits:WaitsScreen",
        table="pgtop.view.waits:WAITS",
        topics=frozenset({SESSIONS, RATES}),
    ),
    View(
        id="statements",
        key="5",
        label="statements",
        title="statements: what each did of late, and how many sessions run it",
        screen="pgtop.tui.screens.statements:StatementsScreen",
        table="pgtop.view.statements:STATEMENTS",
        topics=frozenset({SESSIONS, STATEMENTS, USUAL, RATES}),
    ),
    View(
        id="replication",
        key="6",
        label="replication",
        title="replication: standbys and their lag, and what slots hold",
        screen="pgtop.tui.screens.replication:ReplicationScreen",
        table="pgtop.view.replication:REPLICATION",
        topics=frozenset({SESSIONS, RATES, REPLICATION, REPLICATION_NOW}),
        short="replica",
        has_rows=_has_replication,
    ),
    View(
        id="pools",
        key="7",
        label="pools",
        title="pools of the poolers in front of the server, and the clients that wait",
        screen="pgtop.tui.screens.pools:PoolsScreen",
        table="pgtop.view.pools:POOLS",
        topics=frozenset({SESSIONS, POOLS, RATES}),
        alarms=_waiting_for_pools,
        has_rows=_has_pools,
    ),
)
"""The first view is the one that a dashboard starts with and goes back to."""


def keymap_of(views: Sequence[View]) -> Keymap:
    """Return the built-in keys of a dashboard with these views."""
    return keymap_with({view.id: view.action for view in views})


def keymap_for(views: Sequence[View], chosen: Keymap) -> Keymap:
    """Return the keymap of a dashboard with these views and the chosen keys."""
    keys = {action.id: action.keys for action in chosen.actions}
    return keymap_of(views).with_keys(keys)


KEYMAP = keymap_of(VIEWS)
"""The built-in keys of a dashboard with the built-in views."""
put_in_force(KEYMAP)
