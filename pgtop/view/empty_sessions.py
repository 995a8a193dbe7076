"""The empty table of the sessions: idle and background sessions that are not shown."""

from collections.abc import Iterator

from pgtop.table.sessions import NotShown
from pgtop.view.empty import EmptyState, Way, not_shown_words

_BACKGROUND = Way("toggle_background", "show background processes", "show background")
_IDLE = Way("toggle_idle", "show idle sessions", "show idle")


def sessions_state(state: EmptyState, not_shown: NotShown) -> EmptyState:
    """Return the state with the kinds of sessions that match and are hidden."""
    return state._replace(
        reasons=tuple(_reasons(not_shown)),
        ways=(*_ways(not_shown), *state.ways),
    )


def _reasons(not_shown: NotShown) -> Iterator[str]:
    if not_shown.idle:
        yield not_shown_words(not_shown.idle, "idle session", "idle sessions")
    if not_shown.background:
        yield not_shown_words(
            not_shown.background,
            "background process",
            "background processes",
        )


def _ways(not_shown: NotShown) -> Iterator[Way]:
    if not_shown.idle:
        yield _IDLE
    if not_shown.background:
        yield _BACKGROUND
