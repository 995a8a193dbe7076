"""All private names of Textual that pgtop relies on, each with the reason.

They were read in Textual 8.2.8; pyproject.toml pins the minor version. A name that goes away breaks
the import of this module or a test of the driver, and no other module.
"""

from asyncio import AbstractEventLoop
from typing import TYPE_CHECKING, Any

# The names of keys by their sequences: a parser of our own decides where a sequence ends.
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.binding import Binding, BindingsMap
from textual.drivers.linux_driver import LinuxDriver
from textual.worker import WorkerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import App
    from textual.dom import DOMNode
    from textual.driver import Driver
    from textual.events import Key
    from textual.filter import LineFilter

__all__ = ("ANSI_SEQUENCES_KEYS", "FUNCTIONAL_KEYS", "XTermParser")


def keys_of(parser: XTermParser, sequence: str) -> "list[Key]":
    """Return the keys that a whole sequence stands for.

    The parser's public `feed` waits for the end of a sequence; ours has found it already.
    """
    return list(parser._sequence_to_key_events(sequence))


def driver_of(app: "App[Any]") -> "Driver | None":
    """Return the driver of a running app: widgets draw through it, past Textual's compositor."""
    return app._driver


def crash_of(app: "App[Any]") -> BaseException | None:
    """Return the exception that ended the app, or a worker; the exit code alone is public.

    Textual wraps that of a worker without naming it as the cause.
    """
    crash = app._exception
    return crash.error if isinstance(crash, WorkerFailed) else crash


def is_exiting(app: "App[Any]") -> bool:
    """Return whether the app ends, which it does once its queue is empty."""
    return app._exit


def add_filter(app: "App[Any]", line_filter: "LineFilter") -> None:
    """Have all lines of the app pass a filter; public filters are for colours only."""
    app._filters.append(line_filter)


def add_binding(app: "App[Any]", binding: Binding) -> None:
    """Bind a key of one app; the public `bind` knows no priority."""
    key_bindings = app._bindings.key_to_bindings
    key_bindings.setdefault(binding.key, []).append(binding)


def rebind(node: "DOMNode", keys_of: "Callable[[Binding], Iterable[str]]") -> None:
    """Give the bindings of a screen or an app other keys; several bindings with one id count as
    one.

    The public way, `App.set_keymap`, drops every other binding of a key that it gives away.
    """
    rebound = BindingsMap()
    ids: set[str] = set()
    for _, binding in node._bindings:
        if binding.id in ids:
            continue
        if binding.id is not None:
            ids.add(binding.id)
        for key in keys_of(binding):
            key_bindings = rebound.key_to_bindings.setdefault(key, [])
            key_bindings.append(binding.with_key(key))
    node._bindings = rebound


def set_clipboard(app: "App[Any]", text: str) -> None:
    """Let the text fields of the app paste a text; the public method sends it to the terminal."""
    app._clipboard = text


def forget_styled_edges() -> None:
    """Clear a cache which would keep the lines of a thousand closed screens as its keys."""
    StylesCache.get_inner_outer.cache_clear()


class SilentCrash:
    """A mixin for an app that prints no crash: Textual prints all local variables, so passwords and
    query texts. The crash is raised instead, see `crash_of`.
    """

    def _print_error_renderables(self) -> None:
        """Print nothing."""


class PlainDriver(LinuxDriver):
    """Textual's own driver, without the second start at a SIGCONT that follows no suspension: two
    threads would read the keyboard, and the terminal would be left raw.
    """

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume or self._writer_thread is None:
            super()._sigcont_application(*_)


class OpenDriver(LinuxDriver):
    """Textual's driver for Unix, with a public name for each part that pgtop replaces."""

    def suspend(self, *signal_arguments: object) -> None:
        """Stop this process after SIGTSTP."""
        super()._sigtstp_application(*signal_arguments)

    def resume(self, *signal_arguments: object) -> None:
        """Take the terminal after SIGCONT."""
        super()._sigcont_application(*signal_arguments)

    @property
    def was_suspended(self) -> bool:
        """True from the time when a stop has given the terminal back until it is taken again."""
        return self._must_signal_resume

    @was_suspended.setter
    def was_suspended(self, was_suspended: bool) -> None:
        self._must_signal_resume = was_suspended

    def run_input(self) -> None:
        """Deliver input, in a thread of its own, until it is disabled."""
        super()._run_input_thread()

    def terminal_size(self) -> tuple[int, int]:
        """Return the columns and the lines of the terminal."""
        return super()._get_terminal_size()

    def enable_mouse(self) -> None:
        """Have the terminal report the mouse."""
        super()._enable_mouse_support()

    def disable_mouse(self) -> None:
        """Have the terminal report the mouse no longer."""
        super()._disable_mouse_support()

    def query_resize_reports(self) -> None:
        """Have the terminal report its size on the line of input."""
        super()._query_in_band_window_resize()

    writer: Any = None
    """What sends to the terminal, in the place of Textual's own thread."""

    def new_writer(self) -> Any:
        """Return a writer that was not started yet."""
        raise NotImplementedError

    @property
    def app(self) -> "App[Any]":
        """The app that the driver belongs to."""
        return self._app

    @property
    def loop(self) -> AbstractEventLoop:
        """The event loop of the app."""
        return self._loop

    @property
    def has_mouse(self) -> bool:
        """True if the app wants the mouse."""
        return self._mouse

    @has_mouse.setter
    def has_mouse(self, has_mouse: bool) -> None:
        self._mouse = has_mouse

    def new_parser(self) -> XTermParser:
        """Return a parser of the terminal's sequences."""
        return XTermParser(self._debug)

    @property
    def _writer_thread(self) -> Any:
        return self.writer

    @_writer_thread.setter
    def _writer_thread(self, stock: object) -> None:
        """Replace the writer that Textual makes at every start and then starts."""
        self.writer = self.new_writer() if stock else None

    def _sigtstp_application(self, *_: object) -> None:
        self.suspend(*_)

    def _sigcont_application(self, *_: object) -> None:
        self.resume(*_)

    def _run_input_thread(self) -> None:
        self.run_input()

    def _get_terminal_size(self) -> tuple[int, int]:
        return self.terminal_size()

    def _enable_mouse_support(self) -> None:
        self.enable_mouse()

    def _disable_mouse_support(self) -> None:
        self.disable_mouse()

    def _query_in_band_window_resize(self) -> None:
        self.query_resize_reports()
