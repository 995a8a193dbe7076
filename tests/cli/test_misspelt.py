"""A misspelt command is named, and a database keeps its name."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.dashboard_options import DashboardCommand
from pgtop.cli.args.options import parse, parsers
from pgtop.cli.commands.dashboard import run
from pgtop.cli.exit_codes import Exit
from pgtop.cli.misspelt import nearest_command
from pgtop.errors import TerminalError, UsageError
from tests.cli import PGTOP
from tests.pty import Terminal


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("shwo", "show"),
        ("lock", "locks"),
        ("kil", "kill"),
        ("cancle", "cancel"),
        ("budgt", "budget"),
        ("shop", ""),
        ("show", ""),
        ("postgres", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_nearest_command(word: str | None, command: str) -> None:
    """Swapped, missing and added letters are recognized; another word is not."""
    assert nearest_command(word, parsers()) == command


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["shwo", "--json"], "Did you mean pgtop show?"),
        (["shop", "--json"], ""),
        (["--json"], ""),
    ],
)
def test_an_option_of_another_command_names_it(words: list[str], question: str) -> None:
    """The sentence begins with the command that the first word resembles."""
    with pytest.raises(UsageError) as failed:
        parse(words)
    assert failed.value.what == f"{question} Unrecognized option: --json.".lstrip()


@pytest.mark.parametrize(("name", "is_proposed"), [("shwo", True), ("shop", False)])
def test_a_database_that_is_not_there_may_be_a_command(
    name: str, is_proposed: bool, dsn: str
) -> None:
    """The word names a database first; only its absence makes the word doubtful."""
    place = conninfo_to_dict(dsn)
    options = [
        "-h",
        str(place["host"]),
        "-p",
        str(place["port"]),
        "-U",
        str(place["user"]),
        "-w",
    ]
    with Terminal([*PGTOP, name, *options], columns=200) as terminal:
        terminal.wait_for("There is no such database")
        assert terminal.wait_for_exit() == Exit.REFUSED
    assert ("pgtop: Did you mean pgtop show? " in terminal.text) == is_proposed


def test_a_misspelt_command_without_a_terminal_is_named() -> None:
    """A script that misspells a command learns more than that the dashboard needs a terminal."""
    with pytest.raises(
        TerminalError, match=r"^Did you mean pgtop show\? The dashboard needs"
    ):
        run(DashboardCommand(ConnectionOptions("shwo")))


@pytest.mark.parametrize("words", [["completion"], ["completion", "tcsh"]])
def test_a_shell_without_completion_is_refused_with_the_list(words: list[str]) -> None:
    """The sentence lists the shells."""
    with pytest.raises(UsageError, match=r"^Name a shell: bash, zsh or fish"):
        parse(words)
