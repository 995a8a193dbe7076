"""What every full screen shares: the budget across the top, how fresh it is, a notice line and the keys."""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from pgtop.analysis.pooling import PoolingHint
from pgtop.tui.conditions import condition, reason
from pgtop.tui.settings import Settings
from pgtop.tui.state import State
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.key_line import KeyLine
from pgtop.tui.widgets.lines import Lines
from pgtop.view.banner import budget_line, legend_line, missing_grant, server_line
from pgtop.view.cost import cost_line
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone
from pgtop.view.units import age
from pgtop.view.wrap import Line, line
from pgtop.watch import Sampled

_COMPACT_BELOW = 15  # lines of screen; a smaller one keeps the budget and gives the rest to the sessions


class LiveScreen(Screen[None]):
    """A screen that is shown every new state. Subclasses give the body and say what they narrow it to."""

    AUTO_FOCUS = ""  # keys belong to the screen; an input takes them only when it is opened
    KEYS: tuple[str, ...] = ("help", "quit")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__()
        self.state = state
        self._settings = settings
        self._palette = palette
        self._banner = Lines(palette, id="banner")
        self._condition = Lines(palette, id="condition")
        self._notice = Lines(palette, id="notice")
        self._cost = Lines(palette, id="cost")

    def compose(self) -> ComposeResult:
        yield self._banner
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
        """Draw another state."""
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
        fresh = condition(state)
        status = self.status()
        gap = (Span(" · ", Tone.QUIET),) if fresh and status else ()
        self._condition.show([(*fresh, *gap, *status)])
        self._notice.show([self._notice_line()])
        self._cost.display = state.shows_cost
        self._cost.show([self._cost_line()])

    @property
    def compact(self) -> bool:
        """The screen is too small for more than the budget above the body."""
        return self.size.height < _COMPACT_BELOW

    def on_resize(self) -> None:
        self._banner.styles.height = 1 if self.compact else 3
        self.show(self.state)

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

    def _notice_line(self) -> Line:
        state = self.state
        if state.notice is not None:
            return (state.notice,)
        if lost := reason(state):
            return line(lost, Tone.WARN)
        if grant := missing_grant(state.budget, state.picture.snapshot.server.user):
            return line(grant, Tone.NOTICE)
        return line(_pooling_words(state.hint), Tone.QUIET) if state.hint else ()


def _pooling_words(hint: PoolingHint) -> str:
    name = clean(hint.application) or "clients without a name"
    seen = f"in {age(hint.watched)} at most {hint.busy} busy at once"
    return f"{name} holds {hint.held}, {seen}: a pooler would free {hint.frees} ({hint.frees_in_all} of all)"
