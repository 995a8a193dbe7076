"""The app that the driver's tests run in a pseudo-terminal: a table, a modal, themes, a clock, and
keys that report when they are handled.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from pgtop.terminal.driver import PgtopDriver
from pgtop.terminal.textual_private import PlainDriver

ROWS = 200
TICKS = 0.005  # seconds between the frames of the storm


class Table(ScrollView):
    """Rows of ages, names and queries, some of them wide; the ages change."""

    ages = 0

    def on_mount(self) -> None:
        self.virtual_size = Size(120, ROWS)

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        base = self.rich_style
        strip = Strip(
            [
                Segment(f"{4000 + row:>6} ", base + Style(dim=True)),
                Segment(
                    f"{self.ages + row % 7:>5}s ",
                    base + Style(color="green", bold=row % 5 == 0),
                ),
                Segment(
                    ("select 漢字 'é' 🐘" if row % 3 else "update accounts ")
                    + "x" * (row % 40),
                    base,
                ),
            ]
        )
        return strip.crop_extend(
            self.scroll_offset.x, self.scroll_offset.x + self.size.width, base
        )


class Question(ModalScreen[None]):
    """A box over the table."""

    CSS = (
        "Question { align: center middle; } Question Static { width: 30; height: 5; border: "
        "solid red; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "dismiss")]

    def compose(self) -> ComposeResult:
        yield Static("漢 really? ❤")


class Probe(App[None]):
    """Keys: t tick, s storm, m modal, c theme, d/u scroll, l repaint all, b bell, y copy, x fail, o
    mouse, f motion, z suspend, q quit.
    """

    CSS = "Table { height: 1fr; } #done { height: 1; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"do('{key}')") for key in "tscdulbyxof"),
        Binding("m", "show_question"),
        Binding("q", "quit"),
        Binding("z", "suspend_process"),
    ]

    def __init__(self, *, stock: bool, log: Path | None) -> None:
        super().__init__(driver_class=PlainDriver if stock else PgtopDriver)
        self.animation_level = "none"
        self._tick_log = log
        self._count = 0
        self._storm = False
        self._follows_mouse = False

    def compose(self) -> ComposeResult:
        yield Table()
        yield Static("ready", id="done", markup=False)

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: self.exit(return_code=143))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._report(f"mouse {event.screen_x},{event.screen_y}")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "f5", "é"):
            self._report(f"key {event.key}")

    def action_show_question(self) -> None:
        self.push_screen(Question())

    def action_do(self, key: str) -> None:
        getattr(self, f"_do_{key}")()
        self._count += 1
        self._report(f"{key} {self._count}")

    def _report(self, words: str) -> None:
        self.query_one("#done", Static).update(f"did {words}.")

    def _do_t(self) -> None:
        table = self.query_one(Table)
        table.ages += 1
        table.refresh()

    def _do_s(self) -> None:
        self._storm = not self._storm
        if self._storm:
            self.run_worker(self._blow())

    async def _blow(self) -> None:
        while self._storm:
            await asyncio.sleep(TICKS)
            self._do_t()
            self.query_one(Table).scroll_to(
                y=self.query_one(Table).ages % 150, animate=False
            )
            if self._tick_log:
                with self._tick_log.open("a") as log:
                    log.write(".")

    def _do_c(self) -> None:
        themes = ["textual-light", "ansi-dark", "nord", "textual-dark"]
        self.theme = themes[self._count % len(themes)]

    def _do_d(self) -> None:
        self.query_one(Table).scroll_relative(y=9, animate=False)

    def _do_u(self) -> None:
        self.query_one(Table).scroll_relative(y=-7, animate=False)

    def _do_l(self) -> None:
        if isinstance(self._driver, PgtopDriver):
            self._driver.forget()

    def _do_b(self) -> None:
        self.bell()

    def _do_y(self) -> None:
        self.copy_to_clipboard("select 1")

    def _do_o(self) -> None:
        if isinstance(self._driver, PgtopDriver):
            self._driver.toggle_mouse()

    def _do_f(self) -> None:
        self._follows_mouse = not self._follows_mouse
        if isinstance(self._driver, PgtopDriver):
            self._driver.follow_mouse(self._follows_mouse)

    def _do_x(self) -> None:
        raise RuntimeError("as asked")


def main() -> int:
    """Run the app, and return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--log", type=Path)
    app = Probe(**vars(parser.parse_args()))
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
