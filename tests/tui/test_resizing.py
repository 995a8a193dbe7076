"""A screen is laid out for the size that the terminal has now."""

from textual import events
from textual.app import App
from textual.geometry import Size

from pgtop.tui.screens.current_size import StartScreen

SIZE = Size(60, 12)


class _Counting(StartScreen):
    """Counts the sizes that it handles."""

    sizes: tuple[Size, ...] = ()

    def on_resize(self, event: events.Resize) -> None:
        self.sizes = (*self.sizes, event.size)


class _Starting(App[None]):
    def get_default_screen(self) -> _Counting:
        return _Counting(id="_default")


async def test_a_size_that_is_outdated_is_ignored() -> None:
    """Textual would lay the screen out for the old size, and then for both in turn, forever."""
    app = _Starting()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, _Counting)
        await pilot.pause()
        screen.sizes = ()
        for size in (Size(80, 24), SIZE):
            screen.post_message(events.Resize(size, size))
        await pilot.pause()
        assert set(screen.sizes) == {SIZE}
