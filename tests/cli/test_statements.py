"""`pgtop statements`: its words, and its answer where nothing is counted."""

import pytest

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.options import parse
from pgtop.cli.args.records import ShowCommand, StatementsCommand
from pgtop.cli.commands import show, statements
from pgtop.cli.exit_codes import Exit
from pgtop.errors import UsageError
from tests.cli import pgtop


def test_the_words_choose_the_command() -> None:
    words = ["statements", "--seconds", "3", "--json", "--sort", "calls", "shop"]
    assert parse(words) == StatementsCommand(
        ConnectionOptions("shop"),
        seconds=3.0,
        json=True,
        sort="calls",
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (StatementsCommand(sort="nothing"), "there is no column"),
        (StatementsCommand(sort="calls:up"), "an order is asc or desc"),
        (StatementsCommand(filter="mean>"), "--filter is wrong"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_read(
    command: StatementsCommand, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        statements.run(command)


def test_the_usual_time_is_for_programs() -> None:
    with pytest.raises(UsageError, match="--usual needs --json"):
        show.run(ShowCommand(usual=True))


def test_a_server_that_counts_nothing_is_no_error(dsn: str) -> None:
    """The first sentence explains it, at once: no time passes for a second reading."""
    run = pgtop("statements", "--seconds", "300", dsn)
    assert (run.returncode, run.stderr) == (Exit.DONE, "")
    assert "No statements: " in run.stdout
