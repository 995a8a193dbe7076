"""Actions on one session: copy from it, cancel it, terminate it."""

from pgtop import places
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.signal import Signal
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import CopyRequested, ExplainRequested, SignalRequested
from pgtop.tui.screens.live import LiveScreen

_LOG_MEMORY = "write its memory contexts to the server's log"


class SessionActionsScreen(LiveScreen):
    """Subclasses return the session that the keys are about, and the snapshot that shows it."""

    BINDINGS = bindings(*places.ONE_SESSION)

    def selected(self) -> Backend | None:
        """Return the session; None if there is none, after showing the reason."""
        raise NotImplementedError

    @property
    def seen_in(self) -> DerivedSnapshot:
        """The snapshot that shows the session."""
        return self.state.derived

    def signal(self, signal: Signal) -> None:
        """Request the signal."""
        if backend := self.selected():
            seen_in = self.seen_in
            request = SignalRequested(signal, backend, seen_in, is_past=self.is_past)
            self.app.post_message(request)

    def detail_of(self, backend: Backend) -> Detail | None:
        """Return what the screen has read of the session beside the snapshot."""
        return None

    def copyable(self) -> Backend | None:
        """Return the session to copy from."""
        return self.selected()

    def action_copy_menu(self) -> None:
        """Let the user choose what to copy of the session as it is now."""
        backend = self.copyable()
        if backend is None:
            return
        from pgtop.tui.dialogs.copy_menu import CopyMenu, choice_of
        from pgtop.view.copies import Copied

        copied = Copied(backend, self.seen_in, self.detail_of(backend))

        def copy(result: str | None) -> None:
            if result is not None:
                kind, into_file = choice_of(result)
                message = CopyRequested(kind, copied, into_file=into_file)
                self.app.post_message(message)

        menu = CopyMenu(
            backend.pid, self._palette, is_read_only=self._settings.read_only
        )
        self.app.push_screen(menu, copy)

    def action_explain(self) -> None:
        """Open the page of the plan of the session's query."""
        backend = self.copyable()
        if backend is not None:
            from pgtop.view.copies import Copied

            copied = Copied(backend, self.seen_in, self.detail_of(backend))
            self.app.post_message(ExplainRequested(copied))

    def action_cancel(self) -> None:
        self.signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self.signal(Signal.TERMINATE)

    def action_signal_menu(self) -> None:
        """Let the user choose a signal for the session as it is now."""
        if self._settings.read_only:
            self.signal(Signal.TERMINATE)  # is refused, with the reason
            return
        backend = self.selected()
        if backend is None:
            return
        seen_in = self.seen_in
        is_past = self.is_past

        def send(name: str | None) -> None:
            if name is not None:
                self.app.post_message(
                    SignalRequested(Signal(name), backend, seen_in, is_past=is_past)
                )

        from pgtop.tui.dialogs.menu import Choice, MenuScreen

        choices = [
            Choice(Signal.CANCEL, f"{hint('cancel')}  cancel the query"),
            Choice(Signal.TERMINATE, f"{hint('terminate')}  terminate the session"),
        ]
        if seen_in.snapshot.server.rights.logs_memory:
            choices.append(Choice(Signal.LOG_MEMORY, _LOG_MEMORY))
        title = f"Session {backend.pid}"
        menu = MenuScreen(
            title,
            choices,
            Signal.CANCEL,
            self._palette,
        )
        self.app.push_screen(menu, send)
