"""From a wish to signal to what became of it: refuse, ask, send, tell. The app's part that ends
other people's work.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Protocol

from textual.screen import ModalScreen, Screen

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
from pgtop.tui.unblocked import UnblockedReport
from pgtop.view.confirmation import nothing_to_cancel
from pgtop.view.outcome import asking_words, outcome_words
from pgtop.view.plan import no_targets
from pgtop.view.results import summary

if TYPE_CHECKING:  # dialogs are imported when they are first opened
    from pgtop.tui.dialogs.bulk import Consent, ResultScreen
    from pgtop.tui.dialogs.confirm import Accepted
    from pgtop.tui.dialogs.dialog import ConsentT, Dialog

_READ_ONLY = "read-only mode: start pgtop without --read-only to end queries or sessions"


class Host(Protocol):
    """The app, as far as the flow of a signal needs it."""

    @property
    def screen(self) -> Screen[object]:
        """The screen on top."""
        ...

    @property
    def state(self) -> State:
        """The newest state."""
        ...

    def say(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Show a cleaned sentence on the notice line."""
        ...

    def report(self, words: str, tone: Tone) -> None:
        """Show the cleaned outcome of a signal on the notice line."""
        ...

    def clear_notice(self) -> None:
        """Remove the notice, unless it reports a recent outcome."""
        ...

    def attend(self) -> None:
        """Hold keys back until a question that has changed is on the terminal."""
        ...

    def push_screen(self, *args: object, **options: object) -> object:
        """Show another screen on top."""
        ...

    def run_worker(self, work: Coroutine[object, object, None], *, group: str) -> object:
        """Run a coroutine beside the screen."""
        ...


class SignalFlow:
    """The part of the app that leads from a request to signal to the report of its outcome.

    Screens post requests; the app hands them in.
    """

    def __init__(
        self,
        app: Host,
        executor: SignalExecutor,
        source: Source,
        poller: Poller,
        clock: Clock,
        settings: Settings,
        palette: Palette,
    ) -> None:
        self._app = app
        self._executor = executor
        self._source = source
        self._poller = poller
        self._clock = clock
        self._settings = settings
        self._palette = palette
        self._aftermath: UnblockedReport | None = None
        """The newest signal whose effect on waiters is not reported yet."""
        self._unseen: set[SignalRequest] = set()
        """Requests whose effect is still awaited."""
        self._left: frozenset[SignalRequest] = frozenset()
        """Unseen requests that the user was warned of when leaving."""

    def warning_before_leaving(self) -> str:
        """Return what the user must know before leaving; "" if there is nothing new to warn of."""
        if self._unseen <= self._left:
            return ""
        self._left = frozenset(self._unseen)
        pids = ", ".join(str(request.target.pid) for request in self._unseen)
        return f"what becomes of {pids} has not been seen yet: q again leaves all the same"

    def request_one(self, message: messages.SignalRequested) -> None:
        """Ask whether to signal one session, unless that is refused."""
        if isinstance(self._app.screen, ModalScreen):
            return  # asked before the dialog was there
        if self._settings.read_only:
            self._app.say(_READ_ONLY)
        elif message.signal is Signal.CANCEL and (reason := nothing_to_cancel(message.backend)):
            self._app.say(reason)
        else:
            self._ask(message)

    def request_many(self, message: messages.BulkRequested) -> None:
        """Ask whether to signal many sessions, unless that is refused."""
        if isinstance(self._app.screen, ModalScreen):
            return
        if self._settings.read_only:
            self._app.say(_READ_ONLY)
            return
        picture = self._app.state.picture
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
            self._app.say(no_targets(made), Tone.WARN)

    def _guard_of(self, picture: DerivedSnapshot) -> Guard:
        return guard(self._settings.protect, picture)

    def _put(self, dialog: Dialog[ConsentT | None], then: Callable[[ConsentT], None]) -> None:
        """Ask, with the sessions watched meanwhile even if the picture was paused, and with roles
        as they are now.
        """
        was_paused, self._poller.paused = self._poller.paused, False
        self._source.renew()
        self._app.clear_notice()
        if (
            not self._app.state.stale
        ):  # else it would cost the connection that an answer is awaited on
            self._poller.refresh()

        def answered(consent: ConsentT | None) -> None:
            self._poller.paused = was_paused
            if consent is not None:
                then(consent)

        def follow() -> None:
            """Show what has come while the dialog was being opened."""
            dialog.show(self._app.state)
            self._app.attend()

        self._app.push_screen(dialog, answered)
        dialog.call_after_refresh(follow)

    # One.

    def _ask(self, asked: messages.SignalRequested) -> None:
        from pgtop.tui.dialogs.confirm import ConfirmScreen

        def agreed(to: Accepted) -> None:
            made = plan_for_one(asked.signal, to.backend, to.picture.snapshot)
            self._app.run_worker(self._see_through(made, to.reason), group="signals")

        self._put(
            ConfirmScreen(asked, self._app.state, self._palette, self._settings.protect), agreed
        )

    async def _see_through(self, made: Plan, reason: str) -> None:
        [target], [request] = made.targets, made.requests
        why_not = target.refusal
        self._unseen.add(request)
        self._app.say(*asking_words(request))
        before = self._app.state.picture
        async for progress in self._executor.run(made, reason):
            for outcome in progress.outcomes:
                words, tone = outcome_words(outcome, why_not)
                self._app.report(*_with_trouble(words, tone, progress))
                self._aftermath = UnblockedReport.of(
                    [outcome], Span(words, tone), before, self._clock.now()
                )
        self._unseen.discard(request)
        self._poller.refresh()

    def report_unblocked(self) -> None:
        """Once a picture shows what a signal has changed for those that waited, say that too."""
        aftermath = self._aftermath
        told = aftermath.told(self._app.state) if aftermath else ""
        if aftermath and told:
            self._aftermath = None
            self._app.report(f"{aftermath.words.text}: {told}", aftermath.words.tone)

    # Many.

    def _ask_many(self, made: Plan, whose: str) -> None:
        from pgtop.tui.dialogs.bulk import BulkScreen

        self._put(
            BulkScreen(made, whose, self._app.state.picture, self._guard_of, self._palette),
            self._send_many,
        )

    def _send_many(self, consent: Consent) -> None:
        from pgtop.tui.dialogs.bulk import ResultScreen

        results = ResultScreen(consent.plan, self._palette)

        def closed(escalation_plan: Plan | None) -> None:
            if escalation_plan is not None:
                self._ask_many(escalation_plan, "surviving the cancel")

        self._app.push_screen(results, closed)
        self._app.run_worker(self._see_many_through(consent, results), group="signals")

    async def _see_many_through(self, consent: Consent, results: ResultScreen) -> None:
        self._unseen.update(consent.plan.requests)
        before, self._aftermath = self._app.state.picture, None
        async for progress in self._executor.run(consent.plan, consent.reason):
            results.show_progress(progress)
            words = "".join(span.text for span in summary(progress.outcomes))
            said = Span(*_with_trouble(words, Tone.NOTICE, progress))
            self._app.report(*said)
            if progress.is_done:
                self._aftermath = UnblockedReport.of(
                    progress.outcomes, said, before, self._clock.now()
                )
            results.expect(self._aftermath)
        self._unseen.difference_update(consent.plan.requests)
        self._poller.refresh()


def _with_trouble(words: str, tone: Tone, progress: Progress) -> tuple[str, Tone]:
    """The words, and why the audit trail could not be told, if it could not."""
    return (
        (f"{words} ({clean(progress.audit_failure)})", Tone.ALARM)
        if progress.audit_failure
        else (words, tone)
    )
