"""What every full screen shares: the budget across the top, how fresh it is, a notice line and the
keys.
"""

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from pgtop.config.settings import Settings
from pgtop.monitor.poller import Sampled
from pgtop.monitor.state import State
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.messages import LocksRequested
from pgtop.tui.screens.stateful import Shown
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.alarm import Alarm
from pgtop.tui.widgets.key_line import KeyLine
from pgtop.tui.widgets.lines import Lines
from pgtop.view.chrome import (
    alarm_line,
    banner_lines,
    condition_line,
    is_compact,
    notice_lines,
    offered,
)
from pgtop.view.cost import cost_line


class LiveScreen(Shown, Screen[None]):
    """A screen that is shown every new state. Subclasses give the body and say what they narrow it
    to.
    """

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
        yield KeyLine(self._palette, offered(self.KEYS, self._settings.read_only), id="keys")

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
        (width, height), state = self.size, self.state
        self._banner.show(banner_lines(state, width, height), dimmed=state.stale)
        self._alarm.tell(alarm_line(state, width), dimmed=state.stale)
        self._condition.show(
            [condition_line(state, self.status(), width, self._settings.read_only)]
        )
        notice = notice_lines(state, self.complaint(), width)
        if (
            len(notice) != self._notice.line_count
        ):  # as each change of a style costs a look at all of them
            self._notice.styles.height = len(notice)
        self._notice.show(notice)
        if self._cost.display != state.shows_cost:
            self._cost.display = state.shows_cost
        if state.shows_cost:
            self._cost.show([self._cost_line()])

    def on_resize(self) -> None:
        self._banner.styles.height = 1 if is_compact(self.size.height) else 3
        self.show(self.state)

    def on_alarm_pressed(self) -> None:
        self.post_message(LocksRequested())

    def on_key_line_pressed(self, message: KeyLine.Pressed) -> None:
        """Carried out by the app, as a key is: a screen that awaits its own removal would wait for
        ever.
        """
        owner = "screen" if hasattr(self, f"action_{message.action}") else "app"
        self.app.call_later(self.app.run_action, f"{owner}.{message.action}")

    def _cost_line(self) -> Line:
        event, spent = self.state.event, self.state.spent
        if not isinstance(event, Sampled) or spent is None:
            return line("cost: not measured yet", Tone.NOTICE)
        cost = event.snapshot.cost
        return cost_line(
            event.took,
            cost.server_seconds,
            cost.received_bytes,
            spent.cpu_seconds,
            spent.drawn_bytes,
        )

    def complaint(self) -> str:
        """What the user should mend in what the screen was asked for."""
        return ""
