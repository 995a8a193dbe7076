"""One thing has one name: what the glossary names is on the screen, on the command line, in JSON
and in the code.
"""

import re

import pytest

from pgtop.actions import ACTIONS
from pgtop.cli.args.options import parsers
from pgtop.cli.completion import options_of
from pgtop.cli.reference import INSERTS
from pgtop.help import topics
from pgtop.help.markdown import Table, parse
from pgtop.table.columns import COLUMNS
from pgtop.table.filter import Filter
from pgtop.table.language.errors import FilterError
from pgtop.table.language.keys import key_called
from tests.readme import ROOT

_CODE = re.compile(r"`([^`]+)`")
_WITHOUT_KEY = {"who", "xmin_age", "query_id", "leader"}
"""Columns that the filter does not compare."""


def entries() -> list[tuple[str, str, list[str]]]:
    """Return each entry of the glossary: its name, its meaning, and the places where it is seen."""
    tables = [
        block for block in parse(topics.text("glossary", INSERTS)) if isinstance(block, Table)
    ]
    return [
        (name, meaning, _CODE.findall(where))
        for table in tables
        for name, meaning, where in table.rows
    ]


def is_key(place: str) -> bool:
    return any(place in action.key_names for action in ACTIONS)


def is_command(place: str) -> bool:
    program, _, words = place.partition(" ")
    command, _, topic = words.partition(" ")
    return program == "pgtop" and command in parsers() and (not topic or topic in topics.BY_NAME)


def is_option(place: str) -> bool:
    return any(
        place in option.names for parser in parsers().values() for option in options_of(parser)
    )


def is_field(place: str) -> bool:
    """Return whether JSON has a field of this name; a test of its own holds the topic `json` to the
    output.
    """
    tables = [block for block in parse(topics.text("json", INSERTS)) if isinstance(block, Table)]
    fields = {
        field
        for table in tables
        for row in table.rows
        for cell in row
        for field in _CODE.findall(cell)
    }
    return place in fields or any(place == column.name for column in COLUMNS)


def is_filter(place: str) -> bool:
    try:
        return bool(re.search("[:<>]", place)) and Filter(place).text == place
    except FilterError:
        return False


def is_module(place: str) -> bool:
    return place.startswith("pgtop/") and (ROOT / place).is_file()


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry[0])
def test_what_the_glossary_names_exists(entry: tuple[str, str, list[str]]) -> None:
    """Each place is a key, a command, an option, a field, a column, a filter or a module."""
    _, _, places = entry
    kinds = (is_key, is_command, is_option, is_field, is_filter, is_module)
    assert places
    assert [place for place in places if not any(is_one(place) for is_one in kinds)] == []


def test_each_name_is_explained_once() -> None:
    """No word has two meanings."""
    names = [name for name, _, _ in entries()]
    assert sorted(set(names)) == sorted(names)


def test_the_filter_knows_columns_by_their_names() -> None:
    """A name that `--sort` takes is a key of the filter, too, if the filter compares that
    column.
    """
    assert {column.name for column in COLUMNS if key_called(column.name) is None} == _WITHOUT_KEY


def test_json_knows_columns_by_their_names() -> None:
    """A column that is not a column of pg_stat_activity has its name as a field of JSON."""
    text = topics.text("json", INSERTS)
    of_pgtop = [
        name
        for name in ("query_age", "state_age", "backend_age", "blocked_by", "blocks")
        if name in text
    ]
    assert set(of_pgtop) <= {column.name for column in COLUMNS}
    assert len(of_pgtop) == 5


def test_each_command_has_one_noun_from_command_to_test() -> None:
    """A command has a module and tests of its own name."""
    for name in filter(None, parsers()):
        module = "signal/command" if name in ("cancel", "kill") else name
        assert (ROOT / f"pgtop/cli/commands/{module}.py").is_file()
    for name in ("show", "locks", "budget", "completion", "help"):
        assert (ROOT / f"tests/cli/test_{name}.py").is_file()
