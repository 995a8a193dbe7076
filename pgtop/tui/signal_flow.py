"""From a request to signal to the report of its outcome: refuse, confirm, send, report.

The part of the app that ends other people's work.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from textual.screen import ModalScreen, Screen

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.plan import Plan
from pgtop.model.signal import ENDING, Signal, SignalRequest
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.state import State
from pgtop.signalling.consent import Consent
from pgtop.signalling.execute import Progress
from pgtop.signalling.planning import make_plan, plan_for_one
from pgtop.signalling.protection import Guard, guard
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, plain_text
from pgtop.tui import messages
from pgtop.tui.theme import Palette
from pgtop.tui.unblocked import UnblockedReport

if TYPE_CHECKING:  # dialogs are imported when they are first opened
    from pgtop.tui.dialogs.dialog import SignalDialog
    from pgtop.tui.dialogs.results import ResultScreen

_READ_ONLY = "signals are disabled"


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

    def show_notice(self, words: str, tone: Tone = Tone.NOTICE) -> None:
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

    def run_worker(self, work: Any, *, group: str) -> object:
        """Run a function beside the screen."""
        ...


class SignalFlow:
    """The way of a signal through the app. Screens post requests; the app hands them in."""

    def __init__(
        self,
        app: Host,
        monitor: Monitor,
        settings: Settings,
        palette: Palette,
    ) -> None:
        self._app = app
        self._monitor = monitor
        self._settings = settings
        self._palette = palette
        server = settings.server
        self._label: Line = () if server is None else (server.label_span,)
        self._unblocked: UnblockedReport | None = None
        """The report that is due for the newest signal."""
        self._unseen: set[SignalRequest] = set()
        """Requests with an effect that is still awaited."""
        self._warned: frozenset[SignalRequest] = frozenset()
        """Unseen requests that the user was warned of when leaving."""

    def warning_before_leaving(self) -> str:
        """Return what the user must know before leaving; "" if there is nothing new to warn of."""
        if self._unseen <= self._warned:
            return ""
        self._warned = frozenset(self._unseen)
        pids = ", ".join(str(request.target.pid) for request in self._unseen)
        key = hint("quit")
        return f"the outcome of {pids} has not been seen yet: {key} again leaves anyway"

    def report_unblocked(self) -> None:
        """Report the waiters that a signal has freed, once the newest state shows them."""
        report = self._unblocked
        words = report.words_for(self._monitor.state) if report else ""
        if report and words:
            self._unblocked = None
            self._app.report(f"{report.words.text}: {words}", report.words.tone)

    @property
    def _read_only_words(self) -> str:
        reason = clean(self._settings.read_only_reason)
        return f"{_READ_ONLY}: {reason}" if reason else _READ_ONLY

    # The plan.

    def request_one(self, message: messages.SignalRequested) -> None:
        """Let the user confirm a signal to one session, unless it is refused."""
        if isinstance(self._app.screen, ModalScreen):
            return  # requested before the dialog was open
        if self._settings.read_only:
            self._app.show_notice(self._read_only_words)
            return
        backend = message.backend
        derived = message.seen_in
        # Late, with all that a dialog needs.
        from pgtop.view.confirmation import nothing_to_cancel_words

        refusal = nothing_to_cancel_words(backend)
        if message.signal is Signal.CANCEL and refusal:
            self._app.show_notice(refusal)
            return
        plan = plan_for_one(
            message.signal,
            backend,
            derived.snapshot,
            self._guard_of(derived),
        )
        self._confirm_one(plan, derived)

    def request_many(self, message: messages.BulkRequested) -> None:
        """Let the user confirm a signal to many sessions, unless it is refused."""
        if isinstance(self._app.screen, ModalScreen):
            return
        if self._settings.read_only:
            self._app.show_notice(self._read_only_words)
            return
        derived = self._monitor.state.derived
        plan = make_plan(
            message.signal,
            message.backends,
            derived.snapshot,
            self._guard_of(derived),
            understood=message.understood,
        )
        if plan.targets:
            self._confirm_many(plan, message.selection)
            return
        from pgtop.view.plan import no_targets  # late: with all that a dialog needs

        self._app.show_notice(no_targets(plan), Tone.WARN)

    def _guard_of(self, derived: DerivedSnapshot) -> Guard:
        return guard(self._settings.protect, derived)

    # The consent.

    def _confirm_one(self, plan: Plan, derived: DerivedSnapshot) -> None:
        from pgtop.tui.asked_row import keep_in_sight
        from pgtop.tui.dialogs.confirm import ConfirmScreen

        is_stale = self._monitor.state.stale
        row_end = keep_in_sight(self._app.screen, plan.targets[0].backend)
        dialog = ConfirmScreen(
            plan,
            derived,
            is_stale,
            self._guard_of,
            self._palette,
            self._label,
            row_end,
        )
        self._open(dialog, self._send_one)

    def _confirm_many(self, plan: Plan, selection: str) -> None:
        from pgtop.tui.dialogs.bulk import BulkScreen

        derived = self._monitor.state.derived
        dialog = BulkScreen(
            plan,
            selection,
            derived,
            self._guard_of,
            self._palette,
            self._label,
        )
        self._open(dialog, self._send_many)

    def _open(self, dialog: SignalDialog, send: Callable[[Consent], None]) -> None:
        """Open a dialog with fresh roles; sessions are polled meanwhile, even if paused before."""
        was_paused = self._monitor.poller.paused
        self._monitor.poller.paused = False
        self._monitor.source.renew()
        self._app.clear_notice()
        # Else it would cost the connection that an answer is due on.
        if not self._monitor.state.stale:
            self._monitor.poller.refresh()

        def closed(consent: Consent | None) -> None:
            self._monitor.poller.paused = was_paused
            if consent is not None:
                send(consent)

        def catch_up() -> None:
            """Show what has arrived while the dialog was being opened."""
            dialog.show(self._monitor.state)
            self._app.attend()

        self._app.push_screen(dialog, closed)
        dialog.call_after_refresh(catch_up)

    # The signals.

    def _send_one(self, consent: Consent) -> None:
        self._app.run_worker(partial(self._execute, consent), group="signals")

    def _send_many(self, consent: Consent) -> None:
        from pgtop.tui.dialogs.results import ResultScreen

        results = ResultScreen(
            consent.plan,
            self._palette,
            self._label,
            consent.reason,
        )

        def closed(escalation: Plan | None) -> None:
            if escalation is not None:
                self._confirm_many(escalation, "surviving the cancel")

        self._app.push_screen(results, closed)
        self._app.run_worker(partial(self._execute, consent, results), group="signals")

    async def _execute(
        self, consent: Consent, results: ResultScreen | None = None
    ) -> None:
        """Execute the plan and report its progress, in `results` too if there are many targets."""
        from pgtop.view.outcome import pending_words  # the dialog has loaded it

        plan = consent.plan
        before = self._monitor.state.derived
        self._unblocked = None
        self._unseen.update(plan.requests)
        if results is None:
            self._app.show_notice(*pending_words(plan.requests[0]))
        async for progress in self._monitor.executor.run(plan, consent.reason):
            words = _sentence(progress) if results is None else _summary(progress)
            report = _with_audit_failure(words, progress)
            self._app.report(*report)
            unblocked = None
            if progress.is_done:
                completed = words if results is None else report
                unblocked = UnblockedReport.of(
                    progress.outcomes, completed, before, self._monitor.clock.now()
                )
                self._unblocked = unblocked
            if results is not None:
                results.show_progress(progress)
                results.expect(unblocked)
        self._unseen.difference_update(plan.requests)
        self._monitor.poller.refresh()


def _sentence(progress: Progress) -> Span:
    """Return the outcome of a plan of one."""
    from pgtop.view.outcome import outcome_words

    [target] = progress.plan.targets
    [outcome] = progress.outcomes
    is_ending = progress.plan.signal in ENDING
    return outcome_words(outcome, target.refusal if is_ending else "")


def _summary(progress: Progress) -> Span:
    from pgtop.view.outcome import summary

    words = plain_text(summary(progress.outcomes))
    return Span(words, Tone.NOTICE)


def _with_audit_failure(words: Span, progress: Progress) -> Span:
    """Append why the audit log could not be written, if so."""
    if not progress.audit_failure:
        return words
    return Span(f"{words.text} ({clean(progress.audit_failure)})", Tone.ALARM)
