"""The meaning of words on the command line, and the messages about wrong ones."""

import re
from typing import Any

import pytest

from pgtop import __version__
from pgtop.cli.args.command import PrintedText
from pgtop.cli.args.connection import ConnectionOptions, Password
from pgtop.cli.args.dashboard_options import DashboardCommand
from pgtop.cli.args.options import parse
from pgtop.cli.args.records import (
    DemoCommand,
    OutputFormat,
    ShowCommand,
)
from pgtop.cli.exit_codes import Exit
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError
from pgtop.view_registry import KEYMAP


def settings_with(**values: Any) -> Settings:
    """Return the settings of these options."""
    return Settings(**values, chosen=frozenset(values))


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("", DashboardCommand()),
        ("shop", DashboardCommand(ConnectionOptions("shop"))),
        ("-d shop", DashboardCommand(ConnectionOptions("shop"))),
        ("-d demo", DashboardCommand(ConnectionOptions("demo"))),
        ("-d show", DashboardCommand(ConnectionOptions("show"))),
        ("show show", ShowCommand(ConnectionOptions("show"))),
        (
            "-h db1 shop -p 5433",
            DashboardCommand(ConnectionOptions("shop", "db1", "5433")),
        ),
        (
            "-hdb1 -p5433 -Uweb",
            DashboardCommand(ConnectionOptions(None, "db1", "5433", "web")),
        ),
        (
            "--host=db1,db2 --port 1,2 --username web",
            DashboardCommand(ConnectionOptions(None, "db1,db2", "1,2", "web")),
        ),
        ("-W", DashboardCommand(ConnectionOptions(password=Password.FIRST))),
        (
            "-w --wait",
            DashboardCommand(ConnectionOptions(password=Password.NEVER, wait=True)),
        ),
        (
            "postgresql://web@db1/shop",
            DashboardCommand(ConnectionOptions("postgresql://web@db1/shop")),
        ),
        ("-- -odd", DashboardCommand(ConnectionOptions("-odd"))),
        ("--interval 0.2", DashboardCommand(settings=settings_with(interval=0.2))),
        (
            "--interval=60 --read-only",
            DashboardCommand(
                settings=settings_with(interval=60), safety=Safety(read_only=True)
            ),
        ),
        (
            "--no-color --theme light",
            DashboardCommand(settings=settings_with(color=False, theme="light")),
        ),
        (
            "--warn 50 --alarm 70.5",
            DashboardCommand(settings=settings_with(warn=50, alarm=70.5)),
        ),
        ("--plain-driver", DashboardCommand(settings=settings_with(plain_driver=True))),
        ("demo", DemoCommand()),
        (
            "demo --keep-running --interval 2",
            DemoCommand(settings_with(interval=2), keep_running=True),
        ),
        ("show --json", ShowCommand(format=OutputFormat.JSON)),
        (
            "show -h db1 --csv --all",
            ShowCommand(
                ConnectionOptions(host="db1"), format=OutputFormat.CSV, everything=True
            ),
        ),
        (
            "show --filter age>5m --sort xact:asc --no-color",
            ShowCommand(filter="age>5m", sort="xact:asc", color=False),
        ),
    ],
)
def test_words_mean_what_they_mean_in_psql(words: str, command: object) -> None:
    """Options, a positional database wherever it stands, and commands as the first word."""
    assert parse(words.split()) == command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--interval 0.19", "(0.2 to 60)"),
        ("--interval 61", "(0.2 to 60)"),
        ("--interval nan", "(0.2 to 60)"),
        ("--interval soon", "'soon'"),
        ("--warn 101", "(0 to 100)"),
        ("--background blue", "'blue'"),
        ("--inter 2", "--inter"),
        ("--read", "--read"),
        ("--wait=yes", "--wait"),
        ("-h", "-h/--host"),
        ("one two", "two"),
        ("-d one two", "twice"),
        ("-w -W", "-W/--password"),
        ("-h db1 show", "pgtop -d show"),
        ("-h db1 demo", "pgtop -d demo"),
        ("demo shop", "shop"),
        ("demo -h db1", "-h"),
        ("show --json --csv", "--json"),
        ("show --interval 2", "--interval"),
        ("--json", "--json"),
        ("\udcff", "UTF-8"),
    ],
)
def test_wrong_words_are_usage_errors(words: str, message: str) -> None:
    """The message names the wrong word or the right values; no long option is guessed from its
    beginning.
    """
    with pytest.raises(UsageError) as caught:
        parse(words.split())
    assert message in f"{caught.value.what} {caught.value.advice}"


@pytest.mark.parametrize(
    "words",
    [["--help"], ["-?"], ["show", "--help"], ["demo", "-?"], ["show", "-?", "--bogus"]],
)
def test_every_command_has_help_with_the_exit_codes(words: list[str]) -> None:
    """Both --help and -? print the usage and the exit codes; -h is the host."""
    command = parse(words)
    assert isinstance(command, PrintedText)
    assert command.text.startswith("usage: pgtop")
    text = " ".join(command.text.split())
    for code in (Exit.DONE, Exit.BUG, Exit.USAGE, Exit.OUTPUT, Exit.INTERRUPT):
        assert f" {code.value} {code.meaning}" in text


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        ("", "0 1 2 3 4 5 6 129 130 143"),
        ("locks", "0 1 2 3 4 5 6 11 12 129 130 143"),
        ("kill", "0 1 2 3 4 5 6 7 8 9 10 129 130 143"),
        ("diff", "0 1 2 6 11 129 130 143"),
        ("demo", "0 1 2 3 6 129 130 143"),
    ],
)
def test_the_help_of_a_command_lists_its_own_exit_codes(
    command: str, codes: str
) -> None:
    """No code that only other commands return, and no name of a command beside it."""
    printed = parse([*command.split(), "--help"])
    assert isinstance(printed, PrintedText)
    table = printed.text.partition("Exit codes:\n")[2]
    assert re.findall(r"(?m)^ {1,4}(\d+)  ", table) == codes.split()
    assert "cancel, kill" not in table


def test_help_lists_the_keys_of_the_registry() -> None:
    """Every action of the dashboard is in `pgtop --help` with its keys."""
    command = parse(["--help"])
    assert isinstance(command, PrintedText)
    text = " ".join(command.text.split())
    for action in KEYMAP.actions:
        assert " ".join([*action.key_names, action.title]) in text


def test_version() -> None:
    """--version is one line that scripts can split."""
    for option in ("--version", "-V"):
        assert parse([option]) == PrintedText(f"pgtop {__version__}\n")
