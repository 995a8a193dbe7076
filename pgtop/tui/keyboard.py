"""The keyboard: keys are carried out in their order, however many come at once.

A key is dealt with once all that the key before it has asked for was, so a dialog that a key opens
is there for the next one. A dialog takes no key that was typed before it was seen: `gate`. A
field's text is read once for all that is typed into it at one go.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from pgtop.terminal.driver import PgtopDriver
from pgtop.terminal.messages import InputWaiting, Proven
from pgtop.terminal.typeahead import Allowance
from pgtop.text.tone import Tone
from pgtop.tui import text_input
from pgtop.tui.gate import KeyGate

if TYPE_CHECKING:
    from textual.message import Message

_COMMANDS, _COMMANDS_PER_SECOND = 200, 50.0
"""More keys than that are no commands, but a paste into the wrong window."""
_DRAWN = 0.5
"""Seconds after which a screen that never says so is thought to be drawn."""
_ANSWERS = "#buttons, #choices, #targets"
"""The widgets of a question that are laid out last."""
_KEEPING = ("escape", "n")
"""Keys that leave a question, and do nothing else."""
_FLOW = ("ctrl+s", "ctrl+q")
"""Flow control of old terminals, which does nothing here; Textual would quit on the second."""
_PALETTE = 60
"""Characters that a search of the palette takes."""
_ONLY = 1
"""The number of every proof from a driver that does not count them."""
_DROPPED = "ignored what was typed before this could be read"
EVERYWHERE = ("redraw", "suspend", "leave")
"""Actions that a dialog does not keep from being carried out."""
_EVERYWHERE_KEYS = ("ctrl+l", "ctrl+z", "ctrl+c")


class Keyboard(App[int]):
    """The app's part between the terminal's input and the actions."""

    def __init__(self, *args: object, **options: object) -> None:
        self._gate = KeyGate(self._ask_for_proof, self._terminal_answers)
        self._question: object = None
        """What the gate was last closed for."""
        self._read_due = False
        """A field has changed that was not read yet."""
        self._commands = Allowance(_COMMANDS, _COMMANDS_PER_SECOND)
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def say(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Put a sentence, cleaned, on the notice line."""
        raise NotImplementedError

    def carry_out(self, key: str) -> None:
        """Prepare for a key that is not for a field."""

    # From the driver.

    async def on_input_waiting(self) -> None:
        """Handle one message from the terminal, and come back for the next when all that it asked
        for is done.
        """
        driver = self._driver
        if not isinstance(driver, PgtopDriver):
            return
        if not self._gate.is_drawn:
            return  # `_drawn` comes back for it
        typeahead = driver.typeahead
        message = typeahead.take()
        if message is None:
            if (pause := typeahead.pause) is not None:
                self._look_again(pause)
            return
        try:
            await self._handle(message, driver)
        finally:
            self.post_message(InputWaiting())

    def _look_again(self, pause: float) -> None:
        """Look again after a pause."""
        asyncio.get_running_loop().call_later(pause, self.post_message, InputWaiting())

    async def _handle(self, message: Message, driver: PgtopDriver) -> None:
        if isinstance(message, Proven):
            self._gate.proven(message.number)
            return
        if not isinstance(message, events.InputEvent | events.Paste):
            self.post_message(message)
            return
        field = text_input.open_field(self.screen)
        if (
            isinstance(message, events.Key)
            and field is not None
            and not field.restrict
            and message.is_printable
        ):
            await self.on_event(message)
            text_input.insert(field, driver.typeahead.take_text())
            return
        if (
            isinstance(message, events.Key)
            and message.key not in _EVERYWHERE_KEYS
            and not self._commands.spend()
        ):
            driver.typeahead.skip(message)
            return
        await self.on_event(message)

    # To the screen.

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.CursorPosition):  # from Textual's own driver
            self._gate.proven(_ONLY)
        elif (
            isinstance(event, events.Key | events.Paste | events.MouseEvent)
            and not event.is_forwarded
        ):
            await self._take_typed(event)
            self.attend()
        else:
            await super().on_event(event)
            if isinstance(event, events.Resize):
                self.attend(redrawn=True)

    async def _take_typed(self, event: events.Key | events.Paste | events.MouseEvent) -> None:
        is_key = isinstance(event, events.Key)
        if isinstance(event, events.Key) and event.key in _FLOW:
            return
        everywhere = isinstance(event, events.Key) and event.key in _EVERYWHERE_KEYS
        leaves = (
            isinstance(event, events.Key)
            and event.key in _KEEPING
            and self._gate.lets_leave(event.time)
        )
        if not everywhere and not leaves and not self._gate.admits(event.time):
            self._drop_typed()
            return
        field = text_input.open_field(self.screen)
        if field is not None and text_input.edit(field, event):
            self._read_later()
            return
        self._read_field()
        if self._is_full(event):
            return
        if is_key and self._question is not None and not everywhere and not self._is_bound(event):
            self._gate.stray(event.time)
        if isinstance(event, events.Key):
            self.carry_out(event.key)
        await super().on_event(event)

    def _drop_typed(self) -> None:
        if isinstance(self._driver, PgtopDriver):
            self._driver.typeahead.drop()
        self.say(_DROPPED)

    def _is_full(self, event: events.Event) -> bool:
        """Return whether the event is text for a field of Textual's, such as the palette's, that is
        full.
        """
        field = self.focused
        is_text = isinstance(event, events.Paste) or (
            isinstance(event, events.Key) and event.is_printable
        )
        return is_text and isinstance(field, Input) and len(field.value) >= _PALETTE

    def _is_bound(self, event: events.Event) -> bool:
        return isinstance(event, events.Key) and event.key in self.screen.active_bindings

    def _read_later(self) -> None:
        """Have the field read once all keys that wait now have gone into it."""
        if not self._read_due:
            self._read_due = True
            self.call_later(self._read_field)

    def _read_field(self) -> None:
        if self._read_due:
            self._read_due = False
            if isinstance(self.screen, text_input.TextInput):
                self.screen.typed()

    # The gate.

    def push_screen(self, *args: object, **options: object) -> object:  # type: ignore[override]
        """Push as Textual does; a question on the screen must be seen before it is answered."""
        pushed = super().push_screen(*args, **options)  # type: ignore[call-overload]
        self.attend()
        return pushed

    def pop_screen(self) -> AwaitComplete:
        """Pop as Textual does."""
        popped = super().pop_screen()
        self.attend()
        return popped

    def attend(self, *, redrawn: bool = False) -> None:
        """Close the gate when the question has changed, or the same one is drawn again."""
        question = _question_of(self.screen) if self.screen_stack else None
        if question == self._question and not (redrawn and question):
            return
        self._question = question
        if question is None:
            self._gate.open()
            self.post_message(InputWaiting())  # what may have been waiting for the gate
            return
        self._gate.close()
        if isinstance(self._driver, PgtopDriver):
            self._driver.before_frame = partial(self._before_frame, question)
        if (
            self._driver is None or self._driver.is_headless
        ):  # nothing is drawn: after what waits in our own queue
            self.call_later(self._drawn, question)
        else:
            self.screen.call_after_refresh(self._drawn, question)
            self.set_timer(_DRAWN, partial(self._drawn, question))

    def _before_frame(self, question: object) -> None:
        answers = self.screen.query(_ANSWERS)
        if answers and all(widget.region for widget in answers):
            self._drawn(question)

    def _drawn(self, question: object) -> None:
        if question == self._question and not self._gate.is_drawn:
            if isinstance(self._driver, PgtopDriver):
                self._driver.before_frame = None
            self._gate.drawn(monotonic())
            self.post_message(InputWaiting())

    def _ask_for_proof(self) -> int:
        driver = self._driver
        if isinstance(driver, PgtopDriver):
            return driver.ask_for_proof()
        if driver is None or driver.is_headless:
            return 0
        driver.write("\x1b[6n")
        return _ONLY

    def _terminal_answers(self) -> bool:
        return not isinstance(self._driver, PgtopDriver) or self._driver.answers


def _question_of(screen: Screen[object]) -> object:
    """Return the question of a screen as a value that changes with it; None if it asks none."""
    if not isinstance(screen, ModalScreen) or not hasattr(screen, "asked"):
        return None
    return screen, screen.asked
