"""Requests to signal while the screens show the past: they lead to the living session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.monitor.past import Past
from pgtop.monitor.state import State
from pgtop.text.tone import Tone
from pgtop.tui.dialogs.menu import Choice, MenuScreen
from pgtop.tui.messages import SignalRequested
from pgtop.tui.screens.pages import gone_words
from pgtop.view.past import cannot_signal_words, clock_text, ending_words

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.theme import Palette
    from pgtop.view.looks import Looks

_GO = "go"
_STAY = "stay"


class PastSignals:
    """The answer to the keys that signal: nothing is signalled by what was shown of the past."""

    def __init__(self, app: PgtopApp, palette: Palette, looks: Looks) -> None:
        self._app = app
        self._palette = palette
        self._looks = looks

    def refuse_many(self) -> None:
        """Show why the sessions of a list are not signalled."""
        if isinstance(self._app.screen, ModalScreen):
            return
        past = self._past
        if past is not None:
            self._app.show_notice(cannot_signal_words(past, self._looks), Tone.WARN)
        else:
            words = (
                "the screen showed the past: press the key again, nothing is signalled"
            )
            self._app.show_notice(words, Tone.WARN)

    @property
    def _past(self) -> Past | None:
        return self._app.state.past

    def answer(self, message: SignalRequested) -> None:
        """Offer to go to the session if it lives; else show when it ended, and how."""
        past = self._past
        if (
            past is None
            or past.now is None
            or isinstance(self._app.screen, ModalScreen)
        ):
            self.refuse_many()
            return
        if _living(message, past.now) is None:
            words = ending_words(past.ending_of(message.backend.identity), self._looks)
            self._show_absence(message, words or _absence(message, past.now))
            return
        choices = [
            Choice(_GO, f"go to it now: {hint(message.signal.value)} asks there"),
            Choice(_STAY, f"stay at {clock_text(past.at, self._looks)}"),
        ]

        def closed(name: str | None) -> None:
            if name == _GO:
                self._go(message)

        title = living_words(message.backend, is_old=past.now.stale)
        menu = MenuScreen(title, choices, _STAY, self._palette)
        self._app.push_screen(menu, closed)

    def _go(self, message: SignalRequested) -> None:
        """Go to now and ask there, by what is known of the session now."""
        self._app.past.leave()
        now = self._app.state
        backend = _living(message, now)
        if backend is None:
            self._show_absence(message, _absence(message, now))
            return
        self._app.home.go_to_pid(backend.pid)
        derived = self._app.state.derived
        self._app.post_message(SignalRequested(message.signal, backend, derived))

    def _show_absence(self, message: SignalRequested, words: str) -> None:
        pid = message.backend.pid
        self._app.show_notice(f"{pid} {words}: nothing to signal")


def _absence(message: SignalRequested, now: State) -> str:
    return gone_words(message.backend, message.seen_in, now.derived)


def _living(message: SignalRequested, now: State) -> Backend | None:
    """Return the session as it is now, if the same one lives."""
    backend = now.derived.find_from(message.backend, message.seen_in)
    is_same = backend is not None and backend.identity == message.backend.identity
    return backend if is_same else None


def living_words(backend: Backend, *, is_old: bool) -> str:
    """Return what is known of a session that was seen in the newest sample."""
    if is_old:
        return f"{backend.pid} lived when the server last answered"
    if backend.backend_start is None:
        return f"{backend.pid} may still live: its start is hidden"
    return f"{backend.pid} still lives"
