"""The topics are true: each name in them exists, and everything that exists is in them."""

import re
from pathlib import Path

import pytest

from pgtop.cli.args.options import parsers
from pgtop.cli.completion.words import options_of
from pgtop.cli.reference import FACTS
from pgtop.config.tables import TOP, plain_fields
from pgtop.help import topics
from pgtop.help.markdown import Table, parse
from pgtop.help.page import page
from pgtop.view_registry import KEYMAP

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
_TESTS = Path(__file__).parents[1]
_FOREIGN_OPTIONS = {
    "--postgres",
    "--postgres-url",
    "--snapshot-update",
    "--hypothesis-profile",
    "--timeout",
}
"""Options of pytest and of the benchmarks, in topics for developers."""
_FOR_DEVELOPERS = {"contributing", "benchmarks", "changes"}
_NOT_KEYS = {"Enter", "R", "W"}
"""Enter keeps a filter; that belongs to the text field. R and W are letters of the bar, too."""
NAMES = [topic.name for topic in topics.TOPICS]


def text_of(name: str) -> str:
    return topics.text(name, FACTS)


def test_each_topic_has_a_text() -> None:
    """The files and the list of topics are the same, and each text has a title."""
    folder = Path(topics.__file__).parent / "topics"
    assert sorted(path.stem for path in folder.glob("*.md")) == sorted(NAMES)
    assert all(text_of(name).startswith("# ") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_into_80_columns(name: str) -> None:
    """No line of a page is wider than 80 cells, and every character is one cell wide."""
    from wcwidth import wcwidth

    shown = page(text_of(name), 80)
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert {
        character
        for character in shown
        if character != "\n" and wcwidth(character) != 1
    } == set()


def _inserts_of(name: str) -> list[str]:
    """Return the names of the tables that a topic inserts."""
    return re.findall(r"<!-- insert: ([\w -]+) -->", topics.source(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_mark_is_left(name: str) -> None:
    """Marks of tables and of tests are replaced or removed."""
    assert "<!--" not in text_of(name)
    assert set(_inserts_of(name)) <= FACTS.inserts.keys()


def test_every_table_is_inserted_somewhere() -> None:
    """No table is made for nothing."""
    assert {
        insert for name in NAMES for insert in _inserts_of(name)
    } == FACTS.inserts.keys()


def test_every_key_is_documented() -> None:
    """The topic `keys` has every action with its keys."""
    text = text_of("keys")
    for action in KEYMAP.actions:
        assert " ".join(f"`{key}`" for key in action.key_names) in text
        assert action.title in text


@pytest.mark.parametrize("name", sorted(set(NAMES) - _FOR_DEVELOPERS))
def test_keys_come_from_the_registry(name: str) -> None:
    """A topic names a key by its action, so that a changed key changes no text."""
    letters = {
        letter
        for action in KEYMAP.actions
        for letter in action.key_names
        if letter.isalnum()
    }
    spans = set(re.findall(r"`([^`\n]+)`", topics.source(name)))
    assert spans & letters <= _NOT_KEYS


def test_every_option_is_documented_and_exists() -> None:
    """Each long option of the commands is in a topic, and each option in a topic exists."""
    offered = {
        name
        for parser in parsers().values()
        for option in options_of(parser)
        for name in option.names
        if name.startswith("--")
    }
    for_users = "".join(text_of(name) for name in NAMES if name not in _FOR_DEVELOPERS)
    assert set(_OPTION.findall(for_users)) == offered


def test_every_command_is_documented() -> None:
    """The table of commands has each command."""
    table = next(
        block for block in parse(text_of("commands")) if isinstance(block, Table)
    )
    named = {
        name for row in table.rows for name in re.findall(r"`pgtop ?(\w*)`", row[0])
    }
    assert named == parsers().keys()


def test_every_setting_is_documented() -> None:
    """The table of settings is that of the configuration file."""
    settings = {field.name for field in plain_fields(TOP)}
    tables = [block for block in parse(text_of("config")) if isinstance(block, Table)]
    documented = next(table for table in tables if table.head[0] == "key")
    assert {row[0].strip("`") for row in documented.rows} == settings


def test_each_promise_names_tests_that_exist() -> None:
    """Each promise of the topic `safety` is followed by the names of the tests that hold it, and
    they exist.
    """
    promises = topics.source("safety").split("\n- ")[1:]
    tests = {
        name
        for file in _TESTS.rglob("test_*.py")
        for name in _TEST.findall(file.read_text())
    }
    assert len(promises) > 30
    for promise in promises:
        names = set(re.findall(r"\btest_\w+", promise.partition("<!-- tests:")[2]))
        assert names, promise
        assert names <= tests


def test_the_test_that_contributing_names_exists() -> None:
    """A newcomer can run the example."""
    [name] = re.findall(r"-k (test_\w+)", topics.source("contributing"))
    assert any(name in file.read_text() for file in _TESTS.rglob("test_*.py"))
