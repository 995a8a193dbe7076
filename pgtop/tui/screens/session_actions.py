"""What screens share on which one session stands ready: copy its query, cancel it, terminate it."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import CopyRequested, SignalRequested
from pgtop.tui.screens.live import LiveScreen


class SessionActionsScreen(LiveScreen):
    """Subclasses say which session is meant (`selected`), and what it was seen in."""

    BINDINGS = bindings("copy_query", "cancel", "terminate", "signal_menu")

    def selected(self) -> Backend | None:
        """The session that is meant; None for none, of which the user has been told where it needs
        telling.
        """
        raise NotImplementedError

    @property
    def seen_in(self) -> DerivedSnapshot:
        """The picture that shows it."""
        return self.state.picture

    def signal(self, signal: Signal) -> None:
        """Ask for the signal to be sent."""
        if backend := self.selected():
            self.app.post_message(SignalRequested(signal, backend, self.seen_in))

    def action_copy_query(self) -> None:
        if backend := self.selected():
            self.app.post_message(CopyRequested(backend))

    def action_cancel(self) -> None:
        self.signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self.signal(Signal.TERMINATE)

    def action_signal_menu(self) -> None:
        """Let the user choose what to send to the session, as it is seen now."""
        backend = None if self._settings.read_only else self.selected()
        if backend is None:
            return
        seen_in = self.seen_in

        def chosen(name: str | None) -> None:
            if name is not None:
                self.app.post_message(SignalRequested(Signal(name), backend, seen_in))

        from pgtop.tui.dialogs.menu import Choice, MenuScreen

        choices = [
            Choice(Signal.CANCEL, f"{hint('cancel')}  cancel the query"),
            Choice(Signal.TERMINATE, f"{hint('terminate')}  terminate the session"),
        ]
        self.app.push_screen(
            MenuScreen(f"Session {backend.pid}", choices, Signal.CANCEL, self._palette), chosen
        )
