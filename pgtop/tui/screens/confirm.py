"""The confirmation dialog. It asks and returns; it signals nothing.

Keep has the focus. The session is watched while the dialog is open: when it changes, the question is asked anew, so
nobody confirms what they have not read.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.reason import ReasonField
from pgtop.tui.state import State
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.filter import Filter
from pgtop.view.guard import guard
from pgtop.view.proposal import change_since, propose
from pgtop.view.text import cells, clean
from pgtop.view.tone import Span, Tone
from pgtop.view.wrap import Line, line, wrapped

_WIDEST = 90
_QUERY_LINES = 6
_FRAME = 4  # cells of border and padding, left and right together
_BUTTONS = {Signal.CANCEL: "Cancel the query", Signal.TERMINATE: "Terminate"}


class ButtonLine(Lines):
    """Buttons side by side; the focused one is in brackets as well as in colour."""

    class Pressed(Message):
        """A button was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="buttons")
        self._labels: tuple[str, ...] = ()
        self.focused_index = 0

    def offer(self, labels: tuple[str, ...], focused: int = 0) -> None:
        """Show these buttons, one of them focused."""
        self._labels, self.focused_index = labels, focused
        spans: list[Span] = []
        for index, label in enumerate(labels):
            here = index == focused
            spans.append(Span(f"▶[ {label} ]" if here else f" [ {label} ]", Tone.STRONG if here else Tone.QUIET))
            spans.append(Span("  ", Tone.PLAIN))
        self.show([tuple(spans)])

    def step(self, by: int) -> None:
        """Move the focus, round and round."""
        if self._labels:
            self.offer(self._labels, (self.focused_index + by) % len(self._labels))

    def on_click(self, event: events.Click) -> None:
        x = 0
        for index, label in enumerate(self._labels):
            end = x + cells(label) + 5
            if x <= event.x < end:
                self.post_message(self.Pressed(index))
            x = end + 2


class Agreed(NamedTuple):
    """The backend as it was shown when the user said yes, and why."""

    backend: Backend
    reason: str = ""


class ConfirmScreen(ModalScreen[Agreed | None]):
    """Returns what was agreed to, or None."""

    AUTO_FOCUS = ""  # y and n belong to the screen, unless the pid must be typed
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("confirm", "keep", "clear", "open", "reason"),
        Binding("left,shift+tab", "focus_button(-1)", "other button", priority=True),
        Binding("right,tab", "focus_button(1)", "other button", priority=True),
    ]

    def __init__(
        self, signal: Signal, backend: Backend, state: State, palette: Palette, protect: Sequence[Filter] = ()
    ) -> None:
        super().__init__()
        self._protect = protect
        self._picture = state.picture
        self._proposal = propose(signal, backend, state.picture, guard(protect, state.picture))
        self._stale = state.stale
        self._note = ""
        self._ended = False
        self._armed = True
        self._reminded = False
        self._lines = Lines(palette, id="proposal")
        self._pid = Input(id="pid", placeholder=f"type {backend.pid}", restrict=r"[0-9]*", select_on_focus=False)
        self._why = ReasonField()
        self._buttons = ButtonLine(palette)

    def compose(self) -> ComposeResult:
        self._pid.cursor_blink = False
        self._pid.display = self._proposal.needs_pid
        with Vertical(id="box") as box:
            box.border_title = self._proposal.title
            yield self._lines
            yield self._pid
            yield self._why
            yield self._buttons

    def on_mount(self) -> None:
        self._draw(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._draw(event.size)

    def show(self, state: State) -> None:
        """Watch the session: say what has changed, and ask anew."""
        if state.stale != self._stale:
            self._stale = state.stale
            self._draw(self.app.size)
        if state.picture is self._picture or self._ended:
            return
        self._picture = state.picture
        before = self._proposal.backend
        now = state.picture.find(before)
        change = change_since(before, now)
        if now is None:
            self._ended = True
        else:
            self._proposal = propose(self._proposal.signal, now, state.picture, guard(self._protect, state.picture))
        if change:
            self._ask_anew(change)
        self._draw(self.app.size)

    # The answers.

    def action_confirm(self) -> None:
        """`y`: do it, unless what it would do has just changed."""
        if self._ended:
            self.dismiss(None)
        elif not self._armed:
            self._armed = True
            self._note = f"{self._note}: press y once more to do it all the same".removeprefix(": ")
            self._draw(self.app.size)
        elif self._proposal.needs_pid and self._pid.value != str(self._proposal.backend.pid):
            self._note = f"it is protected: type {self._proposal.backend.pid} first"
            self._draw(self.app.size)
        else:
            self.dismiss(Agreed(self._proposal.backend, self._why.words))

    def action_keep(self) -> None:
        self.dismiss(None)

    def action_clear(self) -> None:
        """Esc: out of the reason, or out of the dialog."""
        if self._why.display:
            self._close_reason()
        else:
            self.dismiss(None)

    def action_reason(self) -> None:
        self._why.display = True
        self.set_focus(self._why)
        self._draw(self.app.size)

    def _close_reason(self) -> None:
        self._why.display = False
        self.set_focus(self._pid if self._proposal.needs_pid else None)
        self._draw(self.app.size)

    @property
    def field(self) -> Input | None:
        if self._why.display:
            return self._why
        return self._pid if self._proposal.needs_pid and not self._ended else None

    def typed(self) -> None:
        """The right pid puts the focus on the deed, anything else back on Keep."""
        self._note = ""
        self._buttons.focused_index = int(self._pid.value == str(self._proposal.backend.pid))
        self._draw(self.app.size)

    def action_open(self) -> None:
        """Enter keeps the reason, or presses what is focused, and says so when a pid was typed that is not the one."""
        if self._why.display:
            self._close_reason()
            return
        wrong = self.field is not None and self._pid.value and not self._buttons.focused_index
        self._press(1 if wrong else self._buttons.focused_index)

    def action_focus_button(self, step: int) -> None:
        self._buttons.step(step)

    @on(ButtonLine.Pressed)
    def _clicked(self, message: ButtonLine.Pressed) -> None:
        self._press(message.index)

    def _press(self, index: int) -> None:
        if index == 0:
            self.dismiss(None)
        else:
            self.action_confirm()

    def _ask_anew(self, change: str) -> None:
        """A cancel is for one query, so each change asks again; a session to terminate stays the same one: ask once."""
        self._note = change
        if self._proposal.signal is Signal.CANCEL or not self._reminded:
            self._armed = False
            self._reminded = True
            self._buttons.focused_index = 0

    # Drawing.

    def _draw(self, size: Size) -> None:
        width = max(10, min(_WIDEST, size.width) - _FRAME)
        room = size.height - 3 - self._proposal.needs_pid - self._why.display
        lines = self._text(width, max(1, room))
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        focused = self._buttons.focused_index
        self._buttons.offer(
            ("Close",) if self._ended else ("Keep", f"{_BUTTONS[self._proposal.signal]} (y)"),
            0 if self._ended else focused,
        )

    def _text(self, width: int, room: int) -> list[Line]:
        proposal = self._proposal
        lines: list[Line] = []
        if self._stale:
            lines += wrapped(line("The server does not answer: this is how it was.", Tone.ALARM), width)
        if self._note:
            lines += wrapped(line(self._note, Tone.ALARM), width)
        for spans in proposal.lines:
            lines += wrapped(spans, width)
        if self._why.words and not self._why.display:
            lines += wrapped(line(clean(f"reason: {self._why.words}"), Tone.QUIET), width)
        query = wrapped(line(proposal.query), width)[:_QUERY_LINES]
        text = [*lines, (), *query, ()]
        return text if len(text) <= room else [*lines, *query][:room]
