"""The sentences of `:`."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table.filter import Filter
from pgtop.table.options import IdleRows, TableOptions
from pgtop.view.goto import goto_line, hidden, nowhere, number_in
from tests.scenes import busy

_NOW = DerivedSnapshot.of(busy())


def pid_of(state: str | None, *, is_client: bool = True) -> int:
    """Return the pid of a session in that state."""
    return next(
        backend.pid
        for backend in _NOW.snapshot.backends
        if backend.state == state and backend.is_client is is_client
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4711", 4711),
        (" 4711 ", 4711),
        (":4711", 4711),
        ("0", 0),
        ("", None),
        ("q", None),
        ("-1", None),
        ("１２", None),
        ("9" * 11, None),
    ],
)
def test_a_number_is_read(text: str, number: int | None) -> None:
    assert number_in(text) == number


def test_a_hidden_session_names_the_key_that_shows_it() -> None:
    idle = pid_of("idle")
    active = pid_of("active")
    background = next(b.pid for b in _NOW.snapshot.backends if not b.is_client)
    filtered = TableOptions(filter=Filter("user:unused"))
    assert hidden(active, _NOW, filtered) == (
        f"{active} does not match the filter user:unused: Esc clears it"
    )
    assert hidden(idle, _NOW, TableOptions(idle=IdleRows.HIDDEN)) == (
        f"{idle} is idle, and idle sessions are hidden: i goes round to all of them"
    )
    assert hidden(idle, _NOW, TableOptions(idle=IdleRows.FOLDED)) == (
        f"{idle} is idle, and idle sessions are folded: i goes round to all of them"
    )
    assert hidden(background, _NOW, TableOptions()) == (
        f"{background} is a background process: b shows background processes"
    )


def test_an_unknown_number_is_nowhere() -> None:
    assert hidden(999_999, _NOW, TableOptions()) == ""
    assert nowhere(999_999, 43) == "no session 999999; 43 rows here"
    assert nowhere(999_999, 0) == "no session 999999"


def test_the_field_says_what_it_takes() -> None:
    text = "".join(span.text for span in goto_line("", 0, 80))
    assert text == ":    pid, row, or time: 03:12, -5m   Enter go  Esc leave"
