"""The keyboard: keys are handled in their order, however many come at once.

A key is handled once everything that the key before it requested is done, so a dialog that a key
opens is there for the next one. A dialog takes no key that was typed before it was seen: see
`gate`. A field's text is read once for all that is typed into it in one go.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen

from pgtop.field_keys import FLOW_CONTROL
from pgtop.keys import Keymap, hint
from pgtop.places import EVERYWHERE
from pgtop.terminal.driver import PgtopDriver
from pgtop.terminal.messages import InputWaiting, Proven
from pgtop.terminal.textual_private import driver_of
from pgtop.terminal.typeahead import Allowance
from pgtop.text.tone import Tone
from pgtop.tui import text_input
from pgtop.tui.gate import KeyGate
from pgtop.tui.keymap import rebind_to

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.message import Message

Typed: TypeAlias = events.Key | events.Paste | events.MouseEvent

_COMMANDS = 200
_COMMANDS_PER_SECOND = 50.0
"""More keys than that are a paste into the wrong window, and no commands."""
_DRAWN_AFTER = 0.5
"""Seconds after which a screen that never reports it is taken to be drawn."""
_ANSWERS = "#buttons, #choices, #targets"
"""The widgets of a question that are laid out last."""
_UNNUMBERED = 1
"""The number of every proof from a driver that does not count them."""
_DROPPED = "ignored what was typed before this could be read"


class Keyboard(App[int]):
    """The app's part between the terminal's input and the actions."""

    def __init__(self, keymap: Keymap, **options: object) -> None:
        """Create an app whose keys are those of `keymap`; `options` are Textual's."""
        self.keymap = keymap
        self._leaving_keys = keymap.keys("clear", "keep")
        """Keys that leave a question, and do nothing else."""
        self._everywhere_keys = keymap.keys(*EVERYWHERE)
        self._has_own_keys = not keymap.is_built_in
        self._gate = KeyGate(self._request_proof, self._terminal_answers)
        self._question: object = None
        """The question that the gate was last closed for."""
        self._read_due = False
        """True if a field has changed that was not read yet."""
        self._commands = Allowance(_COMMANDS, _COMMANDS_PER_SECOND)
        super().__init__(**options)  # type: ignore[arg-type]
        self._bind(self)

    def show_notice(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Show a cleaned sentence on the notice line."""
        raise NotImplementedError

    def takes(self, key: str) -> bool:
        """Handle a key that no screen may see; return whether it is one."""
        return False

    def prepare_for(self, key: str) -> None:
        """Prepare for a key that is not for a field."""

    def _bind(self, node: object) -> None:
        """Replace the built-in keys of a screen or the app, if the user chose others."""
        if self._has_own_keys and isinstance(node, DOMNode):
            rebind_to(node, self.keymap)

    @property
    def driver(self) -> Driver | None:
        """The driver, once the app runs."""
        return driver_of(self)

    @property
    def own_driver(self) -> PgtopDriver | None:
        """The driver, if it is pgtop's and not Textual's."""
        driver = driver_of(self)
        return driver if isinstance(driver, PgtopDriver) else None

    def action_toggle_mouse(self) -> None:
        """Leave the mouse to the terminal, or take it again."""
        driver = self.own_driver
        if driver is None:
            self.show_notice("only pgtop's own driver can leave the mouse")
        elif driver.toggle_mouse():
            self.show_notice("the mouse is pgtop's again")
        else:
            key = hint("toggle_mouse")
            self.show_notice(
                f"the mouse selects text in the terminal: {key} takes it back"
            )

    # From the driver.

    async def on_input_waiting(self) -> None:
        """Handle one message from the terminal; come back for the next once everything that it
        requested is done.
        """
        driver = self.own_driver
        if driver is None:
            return
        if not self._gate.is_drawn:
            return  # `_drawn` comes back for it
        message = driver.typeahead.take()
        if message is None:
            pause = driver.typeahead.pause
            if pause is not None:
                self._look_again(pause)
            return
        try:
            await self._handle(message, driver)
        finally:
            self.post_message(InputWaiting())

    def _look_again(self, pause: float) -> None:
        """Look for input again after a pause."""
        loop = asyncio.get_running_loop()
        loop.call_later(pause, self.post_message, InputWaiting())

    async def _handle(self, message: Message, driver: PgtopDriver) -> None:
        if isinstance(message, Proven):
            self._gate.proven(message.number)
        elif not isinstance(message, events.InputEvent | events.Paste):
            self.post_message(message)
        elif not isinstance(message, events.Key):
            await self.on_event(message)
        else:
            await self._handle_key(message, driver)

    async def _handle_key(self, key: events.Key, driver: PgtopDriver) -> None:
        """Handle a key, with all text that follows it if it goes into a field."""
        field = text_input.open_field(self.screen)
        if field is not None and not field.restrict and key.is_printable:
            await self.on_event(key)
            text_input.insert(field, driver.typeahead.take_text())
        elif key.key in self._everywhere_keys or self._commands.spend():
            await self.on_event(key)
        else:
            driver.typeahead.skip(key)

    # To the screen.

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.CursorPosition):  # from Textual's own driver
            self._gate.proven(_UNNUMBERED)
        elif _is_typed(event) and not event.is_forwarded:
            await self._take_typed(event)
            self.attend()
        else:
            await super().on_event(event)
            if isinstance(event, events.Resize):
                self.attend(is_redrawn=True)

    async def _take_typed(self, event: Typed) -> None:
        if _is_one_of(event, FLOW_CONTROL):
            return
        if not self._may_pass(event):
            self._drop_typed()
            return
        field = text_input.open_field(self.screen)
        if field is not None and text_input.edit(field, event):
            self._read_later()
            return
        self._read_field()
        self._note_stray(event)
        if isinstance(event, events.Key):
            if self.takes(event.key):
                return
            self.prepare_for(event.key)
        await super().on_event(event)

    def _may_pass(self, event: Typed) -> bool:
        """Return whether the event was typed in view of what it answers, if it answers anything."""
        if _is_one_of(event, self._everywhere_keys):
            return True
        if _is_one_of(event, self._leaving_keys) and self._gate.lets_leave(event.time):
            return True
        return self._gate.admits(event.time)

    def _drop_typed(self) -> None:
        driver = self.own_driver
        if driver is not None:
            driver.typeahead.drop()
        self.show_notice(_DROPPED)

    def _note_stray(self, event: Typed) -> None:
        """Close the gate after a key that means nothing to the question."""
        if self._question is None or not isinstance(event, events.Key):
            return
        if (
            event.key in self._everywhere_keys
            or event.key in self.screen.active_bindings
        ):
            return
        self._gate.stray(event.time)

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
        """Push as Textual does, with the keys in force; a question on the screen must be seen
        before it is answered.
        """
        self._bind(args[0])
        pushed = super().push_screen(*args, **options)  # type: ignore[call-overload]
        self.attend()
        return pushed

    def pop_screen(self) -> AwaitComplete:
        """Pop as Textual does."""
        popped = super().pop_screen()
        self.attend()
        return popped

    def attend(self, *, is_redrawn: bool = False) -> None:
        """Close the gate if the question has changed, or the same one is drawn again."""
        question = _question_of(self.screen) if self.screen_stack else None
        if question == self._question and not (is_redrawn and question):
            return
        self._question = question
        if question is None:
            self._gate.open()
            self.post_message(InputWaiting())  # for input that waited for the gate
        else:
            self._gate.close()
            self._await_drawing(question)

    def _await_drawing(self, question: object) -> None:
        driver = self.own_driver
        if driver is not None:
            driver.before_frame = partial(self._before_frame, question)
        if self.driver is None or self.driver.is_headless:
            # Nothing is drawn: the question counts as drawn after what waits in our own queue.
            self.call_later(self._drawn, question)
        else:
            self.screen.call_after_refresh(self._drawn, question)
            self.set_timer(_DRAWN_AFTER, partial(self._drawn, question))

    def _before_frame(self, question: object) -> None:
        answers = self.screen.query(_ANSWERS)
        if answers and all(widget.region for widget in answers):
            self._drawn(question)

    def _drawn(self, question: object) -> None:
        if question != self._question or self._gate.is_drawn:
            return
        driver = self.own_driver
        if driver is not None:
            driver.before_frame = None
        self._gate.drawn(monotonic())
        self.post_message(InputWaiting())

    def _request_proof(self) -> int:
        driver = self.driver
        if isinstance(driver, PgtopDriver):
            return driver.request_proof()
        if driver is None or driver.is_headless:
            return 0
        driver.write("\x1b[6n")
        return _UNNUMBERED

    def _terminal_answers(self) -> bool:
        driver = self.own_driver
        return driver is None or driver.answers


def _is_typed(event: events.Event) -> TypeGuard[Typed]:
    return isinstance(event, events.Key | events.Paste | events.MouseEvent)


def _is_one_of(event: events.Event, keys: frozenset[str] | tuple[str, ...]) -> bool:
    return isinstance(event, events.Key) and event.key in keys


def _question_of(screen: Screen[object]) -> object:
    """Return the question of a screen, as a value that changes with it; None if it asks none."""
    if not isinstance(screen, ModalScreen) or not hasattr(screen, "question"):
        return None
    return screen, screen.question
