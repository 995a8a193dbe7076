"""pgtop with a bug that knows every secret: `python -m tests.processes.crashing PLACE WORD...`."""

import sys
from collections.abc import Callable, Iterator
from functools import partial

from textual.message import Message

PASSWORD, QUERY = "open-sesame", "SELECT 'the secret of the query'"


def _bug(*_: object, **__: object) -> None:
    secrets = {"password": PASSWORD, "query": QUERY}
    try:
        raise KeyError(QUERY)
    except KeyError as error:
        raise ValueError(f"{secrets} {PASSWORD}") from error


def _in_a_handler() -> None:
    from pgtop.tui.app import PgtopApp

    PgtopApp.action_pause = _bug  # type: ignore[method-assign]


def _in_a_worker() -> None:
    from pgtop.tui.app import PgtopApp

    async def break_later() -> None:
        _bug()

    def start(app: PgtopApp) -> None:
        app.run_worker(break_later())

    PgtopApp.action_pause = start  # type: ignore[assignment,method-assign]


def _in_the_input() -> None:
    from pgtop.terminal.input import Keys

    feed = Keys.feed

    def break_on_p(keys: Keys, text: str) -> Iterator[Message]:
        if "p" in text:  # a reply of the terminal may come with it
            _bug()
        return feed(keys, text)

    Keys.feed = break_on_p  # type: ignore[assignment, method-assign]


def _in_the_output(*, of_the_thread: bool) -> None:
    """Break the thread that repaints the screen, or the event loop that draws the next sample."""
    from pgtop.terminal.painter import Painter
    from pgtop.tui.app import PgtopApp

    def break_it(app: PgtopApp) -> None:
        Painter.paint = _bug  # type: ignore[assignment]
        if of_the_thread:
            app.action_redraw()

    PgtopApp.action_pause = break_it  # type: ignore[assignment,method-assign]


PLACES: dict[str, Callable[[], None]] = {
    "handler": _in_a_handler,
    "worker": _in_a_worker,
    "input": _in_the_input,
    "output": partial(_in_the_output, of_the_thread=True),
    "drawing": partial(_in_the_output, of_the_thread=False),
}


if __name__ == "__main__":
    place, *sys.argv[1:] = sys.argv[1:]
    PLACES[place]()
    from pgtop.__main__ import main

    sys.exit(main())
