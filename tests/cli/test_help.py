"""`pgtop help` shows its text, whatever pager there is."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pgtop.cli.args.command import PrintedText
from pgtop.cli.args.examples import EXAMPLES
from pgtop.cli.args.options import parse, parsers
from pgtop.cli.commands.help import advice
from pgtop.help.topics import TOPICS
from pgtop.terminal.pager import pager_command
from tests.cli import PGTOP, one_sentence, pgtop
from tests.keys import typed
from tests.pty import Terminal

_LAST_LINE = "143   ended by SIGTERM"
"""A line near the end of the topic `exit-codes`, which is longer than a small screen."""


def test_help_lists_the_topics() -> None:
    """Without a word each topic is listed with its summary."""
    shown = pgtop("help")
    assert (shown.returncode, shown.stderr) == (0, "")
    for topic in TOPICS:
        assert topic.name in shown.stdout
        assert topic.summary in shown.stdout


def test_a_topic_is_plain_text_in_a_pipe() -> None:
    """Nothing but text goes to a program."""
    shown = pgtop("help", "exit-codes")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("Exit codes\n==========\n")
    assert "\x1b" not in shown.stdout


def test_a_command_shows_its_options() -> None:
    """`pgtop help kill` is `pgtop kill --help`."""
    assert pgtop("help", "kill").stdout == pgtop("kill", "--help").stdout


def test_a_misspelt_topic_names_the_nearest() -> None:
    """One sentence is enough."""
    failed = pgtop("help", "kesy")
    assert failed.returncode == 2
    assert "Did you mean keys?" in one_sentence(failed.stderr)


def test_the_beginning_of_a_topic_names_it() -> None:
    """A user who remembers half a name gets the other half."""
    assert advice("exit").startswith("Did you mean exit-codes?")


def test_help_of_pgtop_itself_is_that_of_the_dashboard() -> None:
    """The program's own name is not a topic, yet a word that people try."""
    assert pgtop("help", "pgtop").stdout == pgtop("--help").stdout


def test_help_is_as_wide_as_the_terminal() -> None:
    """The help of a command is wrapped like a topic."""
    shown = pgtop("kill", "--help", environment={"COLUMNS": "60"}).stdout
    assert 50 < max(map(len, shown.splitlines()[1:])) <= 76  # a heading is not wrapped


def test_the_list_is_ascii_where_the_locale_is_not_utf_8() -> None:
    """A topic can be read on any terminal."""
    assert pgtop(
        "help", "views", environment={"LC_ALL": "C", "LANG": "C"}
    ).stdout.isascii()


def test_help_loads_neither_driver_nor_screen() -> None:
    """`pgtop help` starts as `pgtop --help` does."""
    program = (
        "import sys; from pgtop.cli.main import run; code = run(['help', 'keys']);"
        "heavy = {'psycopg', 'textual', 'rich', 'asyncio'} & sys.modules.keys();"
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "0 []\n"


@pytest.mark.parametrize(
    ("pager", "command"),
    [
        ("less -i", ["less", "-i"]),
        ("/opt/my\\ pager", ["/opt/my pager"]),
        ("", []),
        (" ", []),
        ("cat", []),
        ("a 'quote", []),
    ],
)
def test_the_pager_is_the_user_s(pager: str, command: list[str]) -> None:
    """PAGER is split as a shell splits it; nothing in it is run by a shell."""
    assert pager_command({"PAGER": pager}) == command


def on_a_terminal(*words: str, lines: int = 40, **environment: str) -> Terminal:
    """Start pgtop on a terminal, without a pager unless `environment` names one."""
    return Terminal(
        [*PGTOP, *words],
        columns=80,
        lines=lines,
        environment={"PAGER": "", **environment},
    )


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager", "false", "'unclosed"])
def test_a_missing_or_failing_pager_hides_nothing(pager: str) -> None:
    """The text is printed instead."""
    with on_a_terminal("help", "exit-codes", PAGER=pager) as terminal:
        terminal.wait_for(_LAST_LINE)
        assert terminal.wait_for_exit() == 0


def test_a_pager_that_reads_nothing_is_no_error() -> None:
    """A user may leave the pager before the end of a long text."""
    with on_a_terminal("help", "safety", PAGER="true") as terminal:
        assert terminal.wait_for_exit() == 0
    assert b"Traceback" not in terminal.raw


def test_the_pager_gets_bold_text_and_its_options(tmp_path: Path) -> None:
    """The pager's input has headings in bold, and LESS is set as git sets it unless the user has
    set it.
    """
    script = tmp_path / "pager"
    script.write_text('#!/bin/sh\necho "LESS=$LESS"\ncat\n')
    script.chmod(0o755)
    with on_a_terminal("help", "exit-codes", PAGER=str(script), LESS="-i") as terminal:
        terminal.wait_for("LESS=-i")
        assert terminal.wait_for_exit() == 0
    assert b"\x1b[1mExit codes" in terminal.raw


def test_no_color_refuses_bold_text() -> None:
    """With NO_COLOR a terminal gets plain text."""
    with on_a_terminal("help", "exit-codes", NO_COLOR="1") as terminal:
        terminal.wait_for(_LAST_LINE)
        assert terminal.wait_for_exit() == 0
    assert b"\x1b[" not in terminal.raw


def test_usage_names_every_command() -> None:
    """The usage lines of `pgtop --help` have each command."""
    usage = pgtop("--help").stdout.partition("\n\n")[0]
    assert [name for name in parsers() if name and name not in usage] == []


@pytest.mark.system
def test_less_is_the_usual_pager() -> None:
    """A text that does not fit is shown in less, with bold headings, and `q` leaves it."""
    with on_a_terminal("help", "exit-codes", lines=10, PAGER="less") as terminal:
        terminal.wait_for("Exit codes")
        assert _LAST_LINE not in terminal.text
        assert b"\x1b[1mExit codes" in terminal.raw
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0


def test_verbose_version_has_what_a_report_needs() -> None:
    """Python, psycopg with its implementation, libpq, Textual and the terminal are there."""
    shown = pgtop("version", "--verbose").stdout
    for word in ("pgtop ", "Python ", "psycopg ", "textual ", "libpq ", "terminal: "):
        assert word in shown
    assert pgtop("version").stdout == pgtop("--version").stdout


def test_examples_stand_before_the_options_and_can_be_read() -> None:
    """Each example is a command line that pgtop takes, and fits beside its meaning."""
    for name, parser in parsers().items():
        examples = EXAMPLES[name]
        lines = parser.format_help().partition("\nProgram:\n")[0].splitlines()
        assert "Examples:" in lines
        assert max(map(len, lines)) <= 80, name
        for words, _ in examples:
            assert any(line.startswith(f"  {words}  ") for line in lines)
            read = shlex.split(_AROUND.sub("", words))
            assert not isinstance(parse(read[1:]), PrintedText)
    assert EXAMPLES.keys() == parsers().keys()


_AROUND = re.compile(r"^source <\(|\)$| \|.*")
"""The part of an example that belongs to the shell."""
