"""From a wish to signal to what became of it: refuse, ask, send, tell. The app's part that ends
other people's work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App
from textual.screen import ModalScreen

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal, SignalRequest
from pgtop.monitor.poller import Poller
from pgtop.monitor.state import State
from pgtop.ports import Clock, Source
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import Guard, plan, plan_for_one
from pgtop.signalling.protection import guard
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.tui import messages
from pgtop.tui.theme import Palette
from pgtop.tui.unblocked import Aftermath
from pgtop.view.confirmation import nothing_to_cancel
from pgtop.view.outcome import asking_words, outcome_words
from pgtop.view.plan import no_targets
from pgtop.view.results import summary

if TYPE_CHECKING:  # dialogs are imported when they are first opened
    from pgtop.tui.dialogs.bulk import Consent, ResultScreen
    from pgtop.tui.dialogs.confirm import Accepted
    from pgtop.tui.dialogs.dialog import ConsentT, Dialog

_READ_ONLY = "read-only mode: start pgtop without --read-only to end queries or sessions"


class SignalFlow(App[int]):
    """Answers the screens' messages about signals. Whoever derives from it owns the state and the
    watch.
    """

    _aftermath: Aftermath | None
    """What is still to be told of the last one that others waited for."""
    _clock: Clock
    _errands: SignalExecutor
    _palette: Palette
    _settings: Settings
    _source: Source
    _state: State
    _watch: Poller
    _unseen: set[SignalRequest]
    """Those whose effect is still being looked for."""
    _left: frozenset[SignalRequest]
    """Those of which the user was told, on leaving, that it has not been seen."""

    def say(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Put a sentence, cleaned, on the notice line."""
        raise NotImplementedError

    def report(self, words: str, tone: Tone) -> None:
        """Put what a signal has done, cleaned, on the notice line."""
        raise NotImplementedError

    def clear_notice(self) -> None:
        """Take away what was said before."""
        raise NotImplementedError

    def attend(self) -> None:
        """Have what is asked be seen before it is answered, if it is not what was asked before."""
        raise NotImplementedError

    def on_signal_requested(self, message: messages.SignalRequested) -> None:
        if isinstance(self.screen, ModalScreen):
            return  # asked before the dialog was there
        if self._settings.read_only:
            self.say(_READ_ONLY)
        elif message.signal is Signal.CANCEL and (reason := nothing_to_cancel(message.backend)):
            self.say(reason)
        else:
            self._ask(message)

    def on_bulk_requested(self, message: messages.BulkRequested) -> None:
        if isinstance(self.screen, ModalScreen):
            return
        if self._settings.read_only:
            self.say(_READ_ONLY)
            return
        picture = self._state.picture
        made = plan(
            message.signal,
            message.backends,
            picture.snapshot,
            self._guard_of(picture),
            understood=message.understood,
        )
        if made.targets:
            self._ask_many(made, message.whose)
        else:
            self.say(no_targets(made), Tone.WARN)

    def _guard_of(self, picture: DerivedSnapshot) -> Guard:
        return guard(self._settings.protect, picture)

    def _put(self, dialog: Dialog[ConsentT | None], then: Callable[[ConsentT], None]) -> None:
        """Ask, with the sessions watched meanwhile even if the picture was paused, and with roles
        as they are now.
        """
        was_paused, self._watch.paused = self._watch.paused, False
        self._source.renew()
        self.clear_notice()
        if not self._state.stale:  # else it would cost the connection that an answer is awaited on
            self._watch.refresh()

        def answered(consent: ConsentT | None) -> None:
            self._watch.paused = was_paused
            if consent is not None:
                then(consent)

        def follow() -> None:
            """Show what has come while the dialog was being opened."""
            dialog.show(self._state)
            self.attend()

        self.push_screen(dialog, answered)
        dialog.call_after_refresh(follow)

    # One.

    def _ask(self, asked: messages.SignalRequested) -> None:
        from pgtop.tui.dialogs.confirm import ConfirmScreen

        def agreed(to: Accepted) -> None:
            made = plan_for_one(asked.signal, to.backend, to.picture.snapshot)
            self.run_worker(self._see_through(made, to.reason), group="signals")

        self._put(ConfirmScreen(asked, self._state, self._palette, self._settings.protect), agreed)

    async def _see_through(self, made: Plan, reason: str) -> None:
        [target], [order] = made.targets, made.orders
        why_not = target.refusal
        self._unseen.add(order)
        self.say(*asking_words(order))
        before = self._state.picture
        async for progress in self._errands.run(made, reason):
            for outcome in progress.outcomes:
                words, tone = outcome_words(outcome, why_not)
                self.report(*_with_trouble(words, tone, progress))
                self._aftermath = Aftermath.of(
                    [outcome], Span(words, tone), before, self._clock.now()
                )
        self._unseen.discard(order)
        self._watch.refresh()

    def _tell_freed(self) -> None:
        """Once a picture shows what a signal has changed for those that waited, say that too."""
        aftermath = self._aftermath
        told = aftermath.told(self._state) if aftermath else ""
        if aftermath and told:
            self._aftermath = None
            self.report(f"{aftermath.words.text}: {told}", aftermath.words.tone)

    # Many.

    def _ask_many(self, made: Plan, whose: str) -> None:
        from pgtop.tui.dialogs.bulk import BulkScreen

        self._put(
            BulkScreen(made, whose, self._state.picture, self._guard_of, self._palette),
            self._send_many,
        )

    def _send_many(self, consent: Consent) -> None:
        from pgtop.tui.dialogs.bulk import ResultScreen

        results = ResultScreen(consent.plan, self._palette)

        def closed(survivors: Plan | None) -> None:
            if survivors is not None:
                self._ask_many(survivors, "surviving the cancel")

        self.push_screen(results, closed)
        self.run_worker(self._see_many_through(consent, results), group="signals")

    async def _see_many_through(self, consent: Consent, results: ResultScreen) -> None:
        self._unseen.update(consent.plan.orders)
        before, self._aftermath = self._state.picture, None
        async for progress in self._errands.run(consent.plan, consent.reason):
            results.show_progress(progress)
            words = "".join(span.text for span in summary(progress.outcomes))
            said = Span(*_with_trouble(words, Tone.NOTICE, progress))
            self.report(*said)
            if progress.done:
                self._aftermath = Aftermath.of(progress.outcomes, said, before, self._clock.now())
            results.expect(self._aftermath)
        self._unseen.difference_update(consent.plan.orders)
        self._watch.refresh()


def _with_trouble(words: str, tone: Tone, progress: Progress) -> tuple[str, Tone]:
    """The words, and why the audit trail could not be told, if it could not."""
    return (
        (f"{words} ({clean(progress.trouble)})", Tone.ALARM) if progress.trouble else (words, tone)
    )
