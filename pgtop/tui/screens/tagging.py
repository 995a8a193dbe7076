"""Tags: which sessions a signal key is about, if not the one under the cursor."""

from collections.abc import Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.table.idle_folds import SessionRow
from pgtop.table.tags import between
from pgtop.tui.messages import BulkRequested, NoticeRequested
from pgtop.tui.screens.session_actions import SessionActionsScreen
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.theme import Palette


class TaggingScreen(TableScreen[SessionRow, DerivedSnapshot], SessionActionsScreen):
    """A table of sessions, which can be tagged. Subclasses return the sessions shown."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._tags: frozenset[BackendId] = frozenset()
        self._anchor: BackendId | None = None
        """The session that was tagged last: the next range begins there."""

    def sessions_shown(self) -> Sequence[Backend]:
        """Return the sessions of the table, those in folds, too."""
        raise NotImplementedError

    # Tags.

    def action_tag(self) -> None:
        """Space: tag the session under the cursor, or remove its tag, and move down; in the past,
        where nothing is signalled, play or stop.
        """
        if self.is_past:
            self.app.call_later(self.app.run_action, "pause")
        elif backend := self.selected():
            self._anchor = backend.identity
            self._tag(self._tags ^ {backend.identity})
            self._table.move(1)

    def action_tag_all(self) -> None:
        """Tag all sessions that are shown; a parallel worker goes with its leader."""
        self._tag(self._tags | self._identities_shown())

    def action_tag_range(self) -> None:
        """Tag the sessions from the one tagged last to the cursor: those that were in sight. A
        parallel worker stands for its leader.
        """
        if (backend := self.selected()) is None:
            return
        here = self._leader_of(backend).identity
        rows = between(self._identities_in_order(), self._anchor, here)
        seen = frozenset(filter(self._table.has_shown, rows))
        self._anchor = here
        words = f"{len(seen)} in this range are tagged"
        if not rows:
            words = f"a range begins here: move, then press {hint('tag_range')} again"
        elif unseen := len(rows) - len(seen):
            words = _unseen_words(unseen, "not tagged", where=" in between")
        self._tag(self._tags | seen | {here}, words)

    def _leader_of(self, backend: Backend) -> Backend:
        pid = backend.leader_pid
        leader = None if pid is None else self.state.derived.snapshot.at(pid)
        return backend if leader is None else leader

    def action_tag_invert(self) -> None:
        """Tag the shown sessions that are not, and untag the others; leave alone what was never in
        sight, and show how many these are.
        """
        shown = self._identities_shown()
        seen = frozenset(filter(self._table.has_shown, shown))
        unseen = shown - seen
        effect = "not tagged"
        if still_tagged := len(unseen & self._tags):
            effect = f"{still_tagged} of them still tagged"
        words = _unseen_words(len(unseen), effect) if unseen else ""
        self._tag(self._tags ^ seen, words)

    def action_untag_all(self) -> None:
        self._anchor = None
        self._tag(frozenset())

    def _tag(self, tags: frozenset[BackendId], words: str = "") -> None:
        """Tag these sessions and no others, and show the words; in the past, only why not."""
        if self.is_past:
            words = "tags are for signals, and nothing can be signalled in the past"
            self.app.post_message(NoticeRequested(words))
            return
        self._tags = tags
        self._table.mark(tags)
        self.show_frame()
        if words:
            self.app.post_message(NoticeRequested(words))

    def _identities_shown(self) -> frozenset[BackendId]:
        return frozenset(self._identities_in_order())

    def _identities_in_order(self) -> list[BackendId]:
        rows = self.sessions_shown()
        return [row.identity for row in rows if row.leader_pid is None]

    def _tagged(self) -> list[Backend]:
        backends = self.state.derived.snapshot.backends
        return [backend for backend in backends if backend.identity in self._tags]

    def _drop_ended_tags(self) -> None:
        """Drop the tags of sessions that have ended."""
        if self._tags:
            self._tags = frozenset(backend.identity for backend in self._tagged())
            self._table.mark(self._tags)

    def signal(self, signal: Signal) -> None:
        """Signal the tagged sessions, or without tags the one under the cursor."""
        tagged = self._tagged()
        is_one = len(tagged) == 1 and self._is_under_cursor(tagged[0])
        if not tagged or is_one:
            super().signal(signal)
        else:
            self._signal_tagged(signal, tagged)

    def _signal_tagged(self, signal: Signal, tagged: Sequence[Backend]) -> None:
        """Request the signal for the tagged sessions: described by the filter if they are all that
        it shows.
        """
        shown = self._identities_shown()
        understood = self._options.filter.understood if self._tags == shown else ""
        unseen = len(self._tags - shown)
        hidden = f", {unseen} of them not shown now" if unseen else ""
        words = understood or f"that you tagged{hidden}"
        request = BulkRequested(signal, tagged, words, understood, is_past=self.is_past)
        self.app.post_message(request)

    def _is_under_cursor(self, backend: Backend) -> bool:
        selected = self._table.selected
        return selected is not None and selected.identity == backend.identity


def _unseen_words(count: int, effect: str, where: str = "") -> str:
    """Return the number of sessions that were left alone, as they were never in sight."""
    verb = "was" if count == 1 else "were"
    return f"{count}{where} {verb} never in sight: {effect}"
