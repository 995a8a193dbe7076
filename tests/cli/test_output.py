"""The output of commands: its width and its characters."""

import pytest

from pgtop.cli import output
from pgtop.cli.output import locale_is_utf8
from pgtop.text.clean import cells
from tests.cli import pgtop
from tests.cli.sessions import Opener

_COMMANDS = (["show"], ["locks"], ["budget"], ["kill", "--dry-run", "--all-clients"])


@pytest.mark.parametrize("words", _COMMANDS, ids=" ".join)
def test_columns_are_honoured_without_a_terminal(
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
    "text",
    [
        "",
        "abc",
        "0",
        "-5",
        "1000000000",
        "9" * 5000,
        "80.5",
        " 80",
        "+80",
        "٨٠",
        "10001",
    ],
)
def test_a_value_that_is_no_width_is_ignored(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong value neither breaks the table nor costs memory."""
    monkeypatch.setenv("COLUMNS", text)
    assert output.columns() is None
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    assert output.columns() == 80


@pytest.mark.parametrize("width", [1, 80, 200, 10_000])
def test_columns_override_the_width_of_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in other programs."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert output.columns() == width


@pytest.mark.parametrize(
    ("environ", "utf8_mode", "expected"),
    [
        ({"LANG": "en_US.UTF-8"}, 0, True),
        ({"LANG": "C.utf8"}, 0, True),
        ({"LANG": "de_DE.UTF-8@euro"}, 0, True),
        ({"LC_CTYPE": "UTF-8"}, 0, True),
        ({"LC_CTYPE": "C.UTF-8"}, 0, True),
        ({"LANG": "de_DE"}, 0, False),
        ({"LANG": "de_DE.ISO-8859-1"}, 0, False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, 1, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "en_US.UTF-8"}, 1, True),
        ({}, 1, False),
    ],
)
def test_the_users_locale(
    environ: dict[str, str], utf8_mode: int, expected: bool
) -> None:
    """The user's locale counts, and not the one that Python puts in its place."""
    assert locale_is_utf8(environ, utf8_mode) is expected
