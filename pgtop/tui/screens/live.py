"""The base of every full screen: the lines around its body, which `view.chrome` lays out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from pgtop import keys
from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.monitor.poller import Sampled
from pgtop.monitor.state import State
from pgtop.table.following import NO_STEP, NextStep
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, first_lines, line
from pgtop.tui.messages import ViewRequested
from pgtop.tui.screens.current_size import CurrentSize
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.tabs import offered_views, tabs_of
from pgtop.tui.text_input import open_field
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.alarm import Alarm
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.tui.widgets.lines import Lines
from pgtop.view.chrome import Surroundings, frame
from pgtop.view.cost import cost_line
from pgtop.view.header import NO_VIEWS, Header, Views, header
from pgtop.view.key_line import following
from pgtop.view.looks import Looks
from pgtop.view_registry import View

if TYPE_CHECKING:
    from pgtop.analysis.timeline import Timeline
    from pgtop.config.views import ViewProfile
    from pgtop.view.help import HelpTopic


class LiveScreen(Stateful, CurrentSize, Screen[None]):
    """A screen that shows every new state.

    Subclasses provide the body and the status: what they narrow the snapshot to.
    """

    AUTO_FOCUS = ""  # keys belong to the screen, unless a field is open
    KEYS: ClassVar[tuple[str, ...]] = ("help", "quit")
    """The actions in the footer, the most needed first."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__()
        self.state = state
        self._settings = settings
        self._palette = palette
        self._views: Sequence[View] = ()
        self._view: View | None = None
        self._last_header: tuple[State, tuple[int, int, bool], Header] | None = None
        self.is_behind_dialog = False
        """True if a dialog is on top: what is behind it is quiet."""
        self._actions = settings.keymap.offered(self.KEYS, settings.read_only)
        self._looks = Looks.of(settings)
        self._banner = Lines(palette, id="banner")
        self._alarm = Alarm(palette, id="alarm")
        self._tabs = KeyBar(palette, id="tabs")
        self._condition = Lines(palette, id="condition")
        self._notice = Lines(palette, id="notice")
        self._cost = Lines(palette, id="cost")
        self._key_bar = KeyBar(palette, id="keys")

    def compose(self) -> ComposeResult:
        yield self._banner
        yield self._alarm
        yield self._tabs
        yield self._condition
        # Lines that most frames lack; the first layout would else be made twice.
        for lines in (self._condition, self._cost, self._notice):
            lines.display = False
        yield self._cost
        yield from self.body()
        yield self._notice
        yield self._key_bar

    def body(self) -> Iterable[Widget]:
        """Return the widgets between banner and notice."""
        raise NotImplementedError

    def status(self) -> Line:
        """Return what the screen narrows the snapshot to; it stands behind the condition."""
        return ()

    def complaint(self) -> str:
        """Return what is wrong with what the user typed; "" if nothing is."""
        return ""

    def remark(self) -> str:
        """Return a remark, shown while nothing is more important; "" for none."""
        return ""

    def on_screen_suspend(self) -> None:
        """Draw in quiet tones behind a dialog."""
        self._set_behind(isinstance(self.app.screen, ModalScreen))

    def on_screen_resume(self) -> None:
        """Draw in the usual tones again."""
        self._set_behind(False)

    def _set_behind(self, is_behind: bool) -> None:
        if is_behind != self.is_behind_dialog:
            self.is_behind_dialog = is_behind
            self.show(self.state)

    def arrive(self, target: object) -> None:
        """Go to `target`, a place in the view: each view defines its own."""

    def take_timeline(self, timeline: "Timeline | None") -> None:
        """Take the past of the server, for a view that shows more than one sample."""

    def take(self, profile: "ViewProfile") -> None:
        """Take the options of a view of the user's own."""

    def go_to_pid(self, pid: int) -> bool:
        """Put the cursor on a session; return whether the screen shows that session."""
        return False

    def go_to_row(self, number: int) -> bool:
        """Put the cursor on a row, counted from 1; return whether there is such a row."""
        return False

    def hidden_words(self, pid: int) -> str:
        """Return why a session is not shown here, and the key that shows it; "" if none has this
        pid.
        """
        return ""

    @property
    def row_count(self) -> int:
        """The number of rows to go to."""
        return 0

    # The help.

    HELP_WORDS: ClassVar[Mapping[str, str]] = {}
    """Words for actions that mean something of their own here, by id."""

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        """Return the subject of the help of this screen; `actions` are those that work here."""
        from pgtop.view.help import HelpTopic
        from pgtop.view.signs import BAR_SIGNS

        keymap = keys.in_force()
        answers = [each.id for each in keymap.actions if each.in_dialogs]
        offered = keymap.offered([each.id for each in actions], self.is_read_only)
        return HelpTopic(
            self.help_title,
            tuple(each for each in offered if not each.in_dialogs),
            self.HELP_WORDS,
            keymap.offered(answers, self.is_read_only),
            BAR_SIGNS,
        )

    @property
    def help_title(self) -> str:
        """The name of the screen in its help."""
        return self._view.label.capitalize() if self._view is not None else "pgtop"

    @property
    def shows_samples(self) -> bool:
        """True if the screen is a view or the page of a session, and no text to read."""
        return self._view is not None

    @property
    def is_past(self) -> bool:
        """True if the screen shows the past."""
        return self.state.past is not None

    @property
    def is_read_only(self) -> bool:
        """True if no signal can be sent."""
        return self._settings.read_only

    def show(self, state: State) -> None:
        self.state = state
        self.show_frame()

    def status_line(self) -> Line:
        """Return the status as a line below the header; () where the body shows it."""
        return self.status()

    def belong_to(self, view: View, views: Sequence[View]) -> None:
        """Show this screen as `view` among the tabs of `views`; a page over a view has no tabs."""
        self._view = view
        self._views = views

    def _tabs_now(self) -> Views:
        if self._view is None:
            return NO_VIEWS
        return tabs_of(
            self._views,
            self._view,
            self.state,
            self._looks,
        )

    def _header(self, width: int, height: int) -> Header:
        """Return the header, laid out once for a state: a moved cursor seldom changes it."""
        leads_to_worst = self.next_step.is_to_worst
        shape = (width, height, leads_to_worst)
        last = self._last_header
        if last is not None and last[0] is self.state and last[1] == shape:
            return last[2]
        top = header(
            self.state,
            self._looks,
            self._tabs_now()._replace(leads_to_worst=leads_to_worst),
            width,
            height,
        )
        self._last_header = (self.state, shape, top)
        return top

    def footer_actions(self) -> tuple[Action, ...]:
        """Return what the footer offers, the most needed first."""
        return following(self._actions, self.next_step.word)

    @property
    def next_step(self) -> NextStep:
        """The place that the key for blockers leads to from the cursor."""
        return NO_STEP

    def surroundings(self) -> Surroundings:
        """Return what the frame shows besides the state."""
        return Surroundings(
            looks=self._looks,
            status=self.status_line(),
            complaint=self.complaint(),
            remark=self.remark(),
            actions=offered_views(self.footer_actions(), self._views, self.state),
            has_field=self.is_past and open_field(self) is not None,
        )

    def show_frame(self) -> None:
        """Draw everything but the body."""
        (width, height) = self.size
        top = self._header(width, height)
        lines = frame(
            self.state,
            self.surroundings(),
            width,
            height,
            top,
        )
        _set_height(self._banner, len(top.server))
        self._banner.show(top.server)
        self._alarm.show_headline(top.headline)
        self._tabs.show_keys(top.tabs)
        _display(self._tabs, bool(top.tabs.line))
        self._condition.show([lines.status])
        _display(self._condition, bool(lines.status))
        notice = lines.notice
        if self.is_behind_dialog:  # a list of many leaves one line of it in sight
            notice = first_lines(notice, 1, width)
        _set_height(self._notice, len(notice))
        _display(self._notice, bool(notice))
        self._notice.show(notice)
        self._key_bar.show_keys(lines.keys)
        self._show_cost(self.state)

    def _show_cost(self, state: State) -> None:
        _display(self._cost, state.shows_cost)
        if state.shows_cost:
            self._cost.show([self._cost_line()])

    def _cost_line(self) -> Line:
        event = self.state.event
        spent = self.state.spent
        if not isinstance(event, Sampled) or spent is None:
            return line("overhead: not measured yet", Tone.NOTICE)
        cost = event.snapshot.cost
        return cost_line(
            event.took,
            cost.server_seconds,
            cost.received_bytes,
            spent.cpu_seconds,
            spent.drawn_bytes,
        )

    def on_resize(self) -> None:
        self.show(self.state)

    def on_alarm_opened(self) -> None:
        self.open_alarm()

    def open_alarm(self) -> None:
        """Open the view that the headline leads to, or do what its key does."""
        lead = self._alarm.lead
        if lead is None:
            return
        if lead.view:
            target = ROOT if lead.is_session else None
            self.app.post_message(ViewRequested(lead.view, target))
        else:
            self.app.call_later(self.app.run_action, f"app.{lead.action}")

    def on_key_bar_key_clicked(self, message: KeyBar.KeyClicked) -> None:
        """Have the app run the action, as for a key.

        A screen that awaits its own removal would never come to an end.
        """
        owner = "screen" if hasattr(self, f"action_{message.call}") else "app"
        self.app.call_later(self.app.run_action, f"{owner}.{message.call}")


def _display(widget: Widget, is_shown: bool) -> None:
    """Show or hide a widget; Textual looks at all styles whenever one changes."""
    if widget.display != is_shown:
        widget.display = is_shown


def _set_height(widget: Widget, count: int) -> None:
    """Give a widget so many lines."""
    height = widget.styles.height
    if height is None or height.value != count:
        widget.styles.height = count


ROOT = "root"
"""The place in the locks that the alarm is about: the root that blocks most sessions."""
