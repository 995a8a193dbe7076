"""How wide a table is where the output is no terminal."""

import pytest

from pgtop.cli import output
from pgtop.text.clean import cells
from tests.cli import pgtop
from tests.cli.sessions import Opener

_COMMANDS = (["show"], ["locks"], ["budget"], ["kill", "--dry-run", "--all-clients"])


@pytest.mark.parametrize("words", _COMMANDS, ids=" ".join)
def test_columns_are_honoured_where_there_is_no_terminal(
    words: list[str], dsn: str, open_session: Opener
) -> None:
    """`watch` sets COLUMNS, and so may a script that wants a file of a certain width."""
    open_session()
    for width in (1, 60, 200):
        done = pgtop(*words, "-d", dsn, environment={"COLUMNS": str(width)})
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert lines
        assert width < 20 or max(map(cells, lines)) <= width


@pytest.mark.parametrize(
    "text", ["", "abc", "0", "-5", "1000000000", "9" * 5000, "80.5", " 80", "+80", "٨٠", "10001"]
)
def test_what_is_no_width_is_as_if_it_were_not_set(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong value neither breaks the table nor costs memory."""
    monkeypatch.setenv("COLUMNS", text)
    assert output.columns() is None
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    assert output.columns() == 80


@pytest.mark.parametrize("width", [1, 80, 200, 10_000])
def test_a_width_is_taken_before_the_terminal_s(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal as elsewhere, as other programs do."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert output.columns() == width
