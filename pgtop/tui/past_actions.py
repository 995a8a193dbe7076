"""The keys of the past: into it, through it, back to now, and to record it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import ModalScreen

from pgtop.config.settings import Settings
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.state import State
from pgtop.text.tone import Tone
from pgtop.tui.keyboard import Keyboard
from pgtop.tui.messages import BulkRequested, SignalRequested
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.text_input import open_field
from pgtop.tui.theme import Palette
from pgtop.view.looks import Looks

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.past_flow import PastFlow
    from pgtop.tui.recording_flow import RecordingFlow

_MINUTE = 60.0


class PastActions(Keyboard):
    """The app's part for the past, whose flow is loaded with the first step into it."""

    _flow: PastFlow | None = None
    _recording: RecordingFlow | None = None

    _monitor: Monitor
    _settings: Settings
    _palette: Palette

    @property
    def past(self) -> PastFlow:
        """The flow through the past."""
        if self._flow is None:
            from pgtop.tui.past_flow import PastFlow

            app = cast("PgtopApp", self)
            self._flow = PastFlow(app, self._monitor, self._settings)
        return self._flow

    async def action_record(self) -> None:
        if self._monitor.replay is not None:
            self.show_notice("a replay records nothing")
            return
        if self._recording is None:
            from pgtop.tui.recording_flow import RecordingFlow

            app = cast("PgtopApp", self)
            plan = self._settings.recording
            self._recording = RecordingFlow(app, self._monitor, plan)
        await self._recording.toggle()

    async def end_recording(self) -> None:
        """Close the file of a recording that runs, as the dashboard ends."""
        if self._recording is not None:
            await self._recording.end()

    def open_replay(self) -> None:
        """Begin in the past, if a recording takes the place of the server."""
        replayed = self._monitor.replay
        if replayed is not None:
            self.past.begin_replay(replayed.opens_at, replayed.speed)

    def answers_in_past(self, message: SignalRequested | BulkRequested) -> bool:
        """Answer a request to signal if the past is shown, or was when the key was pressed; return
        whether it was.
        """
        is_past = self.is_past or message.is_past
        if not is_past or self._settings.read_only:
            return False
        from pgtop.tui.past_signals import PastSignals

        looks = Looks.of(self._settings)
        signals = PastSignals(cast("PgtopApp", self), self._palette, looks)
        if isinstance(message, SignalRequested):
            signals.answer(message)
        else:
            signals.refuse_many()
        return True

    @property
    def is_past(self) -> bool:
        """True if the screens show the past."""
        return self._flow is not None and self._flow.is_past

    def over(self, living: State) -> State:
        """Return the state to show over the living one."""
        return living if self._flow is None else self._flow.over(living)

    def note_alarm(self, living: State) -> None:
        """Show once what has become wrong now, while the past is shown."""
        if self._flow is not None and (words := self._flow.alarm_words(living)):
            self.show_notice(words, Tone.QUIET)

    def takes(self, key: str) -> bool:
        """Handle a key that leads from the past to now; return whether it does."""
        screen = self.screen
        if not self.is_past or isinstance(screen, ModalScreen) or open_field(screen):
            return False
        is_about_past = isinstance(screen, LiveScreen) and screen.shows_samples
        if not is_about_past:
            return False
        leads_to_now = key in self.keymap.keys("now")
        if key in self.keymap.keys("clear") and isinstance(screen, FilterableScreen):
            leads_to_now = not screen.is_filtered
        if leads_to_now:
            self.action_now()
        return leads_to_now

    def action_step_back(self) -> None:
        self.past.step(-1)

    def action_step_forward(self) -> None:
        self.past.step(1)

    def action_minute_back(self) -> None:
        self.past.skip(-_MINUTE)

    def action_minute_forward(self) -> None:
        self.past.skip(_MINUTE)

    def action_event_back(self) -> None:
        self.past.to_event(-1)

    def action_event_forward(self) -> None:
        self.past.to_event(1)

    def action_now(self) -> None:
        if self.is_past:
            self.past.leave()
        else:
            self.show_notice("this is now")
