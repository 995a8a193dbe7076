"""One thing has one name: what the glossary names is on the screen, on the command line, in JSON
and in the code.
"""

import re

import pytest

from pgtop.cli.args.options import parsers
from pgtop.cli.completion.words import options_of
from pgtop.cli.reference import FACTS
from pgtop.help import topics
from pgtop.help.markdown import Table, parse
from pgtop.table.filter import Filter
from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import key_called
from pgtop.table.session_columns import COLUMNS, SESSION_COLUMNS
from pgtop.view.breakdown_rows import COLUMNS as CONNECTION_COLUMNS
from pgtop.view.json_report import AGES, BLOCKS
from pgtop.view.json_report import COLUMNS as JSON_COLUMNS
from pgtop.view.lock_rows import LOCK_COLUMNS
from pgtop.view.waits import WAITS
from pgtop.view_registry import KEYMAP, VIEWS, View
from tests.readme import ROOT

_CODE = re.compile(r"`([^`]+)`")
_OF_HOST = {"cpu", "memory", "read", "write"}
_WITHOUT_KEY = {"who", "lock", "xmin_age", "leader", "usual", *_OF_HOST}
"""Columns that the filter does not compare."""


def rows(topic: str) -> list[tuple[str, ...]]:
    """Return the rows of all tables of a topic."""
    blocks = parse(topics.text(topic, FACTS))
    tables = [block for block in blocks if isinstance(block, Table)]
    return [row for table in tables for row in table.rows]


def places(row: tuple[str, ...]) -> list[str]:
    """Return the places where a name of the glossary is seen."""
    return _CODE.findall(row[2])


def is_key(place: str) -> bool:
    return any(place in action.key_names for action in KEYMAP.actions)


def is_command(place: str) -> bool:
    program, _, words = place.partition(" ")
    command, _, topic = words.partition(" ")
    return (
        program == "pgtop"
        and command in parsers()
        and (not topic or topic in topics.BY_NAME)
    )


def is_option(place: str) -> bool:
    return any(
        place in option.names
        for parser in parsers().values()
        for option in options_of(parser)
    )


def is_field(place: str) -> bool:
    """Return whether the topic `json` has this field, or the sessions this column."""
    cells = [cell for row in rows("json") for cell in row]
    fields = {field for cell in cells for field in _CODE.findall(cell)}
    columns = {column.name for column in COLUMNS}
    return place in fields | columns


def is_heading(place: str) -> bool:
    """Return whether the connections, the locks or the waits have a column with this heading."""
    columns = (
        *CONNECTION_COLUMNS.columns,
        *LOCK_COLUMNS.columns,
        *WAITS.columns.columns,
    )
    return place in {column.title.strip() for column in columns if column.title}


def is_filter(place: str) -> bool:
    try:
        return bool(re.search("[:<>]", place)) and Filter(place).text == place
    except FilterError:
        return False


def is_module(place: str) -> bool:
    return place.startswith("pgtop/") and (ROOT / place).is_file()


def names() -> list[tuple[str, ...]]:
    """Return the rows of the tables with a meaning and places."""
    return [row for row in rows("glossary") if len(row) == 3]


def spellings() -> list[list[list[str]]]:
    """Return the names in the rows of the table of spellings, by column of that table."""
    table = [row for row in rows("glossary") if len(row) == 4]
    return [[_CODE.findall(cell) for cell in row] for row in table]


@pytest.mark.parametrize("row", names(), ids=lambda row: row[0])
def test_what_the_glossary_names_exists(row: tuple[str, ...]) -> None:
    """Each place is a key, a command, an option, a field, a heading, a filter or a module."""
    kinds = (
        is_key,
        is_command,
        is_option,
        is_field,
        is_heading,
        is_filter,
        is_module,
    )
    unknown = [
        place for place in places(row) if not any(is_one(place) for is_one in kinds)
    ]
    assert places(row)
    assert unknown == []


def test_each_name_is_explained_once() -> None:
    """No word has two meanings."""
    words = [row[0] for row in names()]
    assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize("row", spellings(), ids=lambda row: row[0][0])
def test_the_spellings_of_a_name_exist(row: list[list[str]]) -> None:
    """Heading and `--sort` name are those of one column; the filter and JSON have the others."""
    headings, columns, keys, fields = row
    for name in columns:
        column = SESSION_COLUMNS.column(name)
        assert column.title.strip() == headings[0]
        assert SESSION_COLUMNS.written(headings[0]) is column
    states = [key for key in keys if key.startswith("state:")]
    assert all(key_called(key) for key in keys if key not in states)
    assert all(Filter(state).understood for state in states)
    assert not columns or set(fields) <= {*JSON_COLUMNS, *AGES, BLOCKS}


def test_the_filter_knows_columns_by_their_names() -> None:
    """A name that `--sort` takes is a key of the filter, too, if the filter compares that
    column.
    """
    assert {
        column.name for column in COLUMNS if key_called(column.name) is None
    } == _WITHOUT_KEY


@pytest.mark.parametrize(
    "name", ["query_age", "state_age", "backend_age", "blocked_by", "blocks"]
)
def test_json_knows_columns_by_their_names(name: str) -> None:
    """A fact that pg_stat_activity does not have has the name of its column as a field of JSON."""
    assert name in {column.name for column in COLUMNS}
    assert is_field(name)


def test_each_command_has_one_noun_from_command_to_test() -> None:
    """A command has a module and tests of its own name."""
    for name in filter(None, parsers()):
        module = "signal/command" if name in ("cancel", "kill") else name
        assert (ROOT / f"pgtop/cli/commands/{module}.py").is_file()
    for name in ("show", "locks", "budget", "completion", "help"):
        assert (ROOT / f"tests/cli/test_{name}.py").is_file()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_each_view_has_one_noun_from_key_to_module(view: View) -> None:
    """A view, its screen and its module have one name; its label in the footer is that name, or
    the glossary explains the other one.
    """
    module, _, screen = view.screen.rpartition(".")[2].partition(":")
    assert module == view.id
    assert screen == f"{view.id.title()}Screen"
    meanings = {row[0]: row[1] for row in rows("glossary")}
    assert view.label == view.id or f"`{view.id}`" in meanings[view.label]
    assert any(view.action.key_names[0] in places(row) for row in rows("glossary"))
