"""What every full screen shares: the budget across the top, how fresh it is, a notice line and the keys."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from pgtop.analysis.pooling import PoolingHint
from pgtop.tui.conditions import condition, reason
from pgtop.tui.messages import BlockingAsked
from pgtop.tui.screens.shown import Shown
from pgtop.tui.settings import Settings
from pgtop.tui.state import State
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.alarm import Alarm
from pgtop.tui.widgets.key_line import KeyLine
from pgtop.tui.widgets.lines import Lines
from pgtop.view.alarm import summary
from pgtop.view.banner import budget_line, legend_line, missing_grant, server_line
from pgtop.view.cost import cost_line
from pgtop.view.interruption import interruption_words
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone
from pgtop.view.units import age
from pgtop.view.wrap import Line, as_far_as_fits, line, wrapped
from pgtop.watch import Sampled

_NOTICE_LINES = 3
_COMPACT_BELOW = 15  # lines of screen; a smaller one keeps the budget and gives the rest to the sessions


class LiveScreen(Shown, Screen[None]):
    """A screen that is shown every new state. Subclasses give the body and say what they narrow it to."""

    AUTO_FOCUS = ""  # keys belong to the screen; an input takes them only when it is opened
    KEYS: tuple[str, ...] = ("help", "quit")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__()
        self.state = state
        self._settings = settings
        self._palette = palette
        self._banner = Lines(palette, id="banner")
        self._alarm = Alarm(palette, id="alarm")
        self._condition = Lines(palette, id="condition")
        self._notice = Lines(palette, id="notice")
        self._cost = Lines(palette, id="cost")

    def compose(self) -> ComposeResult:
        yield self._banner
        yield self._alarm
        yield self._condition
        self._cost.display = False
        yield self._cost
        yield from self.body()
        yield self._notice
        yield KeyLine(self._palette, self.KEYS, self._settings.read_only, id="keys")

    def body(self) -> Iterable[Widget]:
        """The widgets between banner and notice."""
        raise NotImplementedError

    def status(self) -> Line:
        """What the screen narrows the picture to, behind the condition."""
        return ()

    def show(self, state: State) -> None:
        self.state = state
        self.show_frame()

    def show_frame(self) -> None:
        """Draw everything but the body."""
        width, state = self.size.width, self.state
        snapshot = state.picture.snapshot
        lines = [budget_line(state.budget, width)]
        if not self.compact:
            lines = [server_line(snapshot, width), *lines, legend_line(state.budget, snapshot.server.user, width)]
        self._banner.show(lines, dimmed=state.stale)
        self._alarm.tell(as_far_as_fits(summary(state.picture), width), dimmed=state.stale)
        fresh = condition(state)
        mark = (Span(" · READ-ONLY", Tone.NOTICE),) if self._settings.read_only else ()
        status = (*_lock_note(state), *self.status(), *mark)
        if fresh and status:
            status = (Span(f" · {status[0].text}", status[0].tone), *status[1:])
        self._condition.show([as_far_as_fits((*fresh, *status), width)])
        notice = self._notice_lines()
        if len(notice) != self._notice.line_count:  # as each change of a style costs a look at all of them
            self._notice.styles.height = len(notice)
        self._notice.show(notice)
        self._cost.display = state.shows_cost
        if state.shows_cost:
            self._cost.show([self._cost_line()])

    @property
    def compact(self) -> bool:
        """The screen is too small for more than the budget above the body."""
        return self.size.height < _COMPACT_BELOW

    def on_resize(self) -> None:
        self._banner.styles.height = 1 if self.compact else 3
        self.show(self.state)

    def on_alarm_pressed(self) -> None:
        self.post_message(BlockingAsked())

    def on_key_line_pressed(self, message: KeyLine.Pressed) -> None:
        """Carried out by the app, as a key is: a screen that awaits its own removal would wait for ever."""
        owner = "screen" if hasattr(self, f"action_{message.action}") else "app"
        self.app.call_later(self.app.run_action, f"{owner}.{message.action}")

    def _cost_line(self) -> Line:
        event, spent = self.state.event, self.state.spent
        if not isinstance(event, Sampled) or spent is None:
            return line("each sample: not measured yet", Tone.NOTICE)
        cost = event.snapshot.cost
        return cost_line(event.took, cost.server_seconds, cost.received_bytes, spent.cpu_seconds, spent.drawn_bytes)

    def complaint(self) -> str:
        """What the user should mend in what the screen was asked for."""
        return ""

    def _notice_lines(self) -> list[Line]:
        """What is most worth saying now, on as many lines as it needs, within reason."""
        return wrapped((self._said(),), self.size.width)[:_NOTICE_LINES]

    def _said(self) -> Span:
        state = self.state
        if complaint := self.complaint():
            return Span(complaint, Tone.WARN)
        if state.notice is not None:  # before what is lost: what a signal has done is told even then
            return state.notice
        if lost := reason(state):
            return Span(lost, Tone.WARN)
        if befell := interruption_words(state.interruption, state.picture.now):
            return Span(befell, Tone.WARN)
        if grant := missing_grant(state.budget, state.picture.snapshot.server.user):
            return Span(grant, Tone.NOTICE)
        return Span(_pooling_words(state.hint) if state.hint else "", Tone.QUIET)


def _lock_note(state: State) -> Line:
    """Why who blocks whom is older than the rest of the picture, if it is."""
    note = state.picture.snapshot.blocking.note
    return (Span(f"{clean(note)} · ", Tone.WARN),) if note else ()


def _pooling_words(hint: PoolingHint) -> str:
    name = clean(hint.application) or "clients without a name"
    seen = f"in {age(hint.watched)} at most {hint.busy} busy at once"
    return f"{name} holds {hint.held}, {seen}: a pooler would free {hint.frees} ({hint.frees_in_all} of all)"
