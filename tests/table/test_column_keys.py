"""The filter on rows of any table: free text, and a key for each column."""

from typing import NamedTuple

import pytest

from pgtop.table.columns import Column, ColumnSet
from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.column_keys import column_vocabulary


class Planet(NamedTuple):
    """A row."""

    name: str
    moons: int | None


PLANETS = (
    Planet("Venus", 0),
    Planet("Mars", 2),
    Planet("Jupiter", 95),
    Planet("Vulcan", None),
)
NAME: Column[Planet, str] = Column(
    "name",
    "NAME",
    "name",
    10,
    0,
    key=lambda row, _: row.name,
    text=lambda row, _: row.name,
)
MOONS: Column[Planet, str] = Column(
    "moon_count",
    "MOONS",
    "number of moons",
    5,
    1,
    key=lambda row, _: row.moons,
    text=lambda row, _: "" if row.moons is None else str(row.moons),
    right=True,
)
COLUMNS = ColumnSet(NAME, MOONS)
VOCABULARY = column_vocabulary(COLUMNS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Venus", "Mars", "Jupiter", "Vulcan"]),
        ("v", ["Venus", "Vulcan"]),
        ("95", ["Jupiter"]),
        ("name:us", ["Venus"]),
        ("name=Mars", ["Mars"]),
        ("name~^v.*s$", ["Venus"]),
        ("moon-count>0", ["Mars", "Jupiter"]),
        ("moon_count<=2", ["Venus", "Mars"]),
        ("moons<2", ["Venus"]),
        ("not moon-count>0", ["Venus"]),
        ("name:mars or moon-count=0", ["Venus", "Mars"]),
    ],
)
def test_rows_match_by_their_columns(text: str, names: list[str]) -> None:
    """Texts are compared as shown and numbers by value; a row without a number matches neither
    way.
    """
    matches = Filter(text, VOCABULARY).on("context")
    assert [planet.name for planet in PLANETS if matches(planet)] == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mass>3", 'unknown key "mass": use one of name, moon-count.'),
        ("moon-cuont>3", 'did you mean "moon-count"?'),
        ("moon-count:3", "write it as in moon-count>3"),
        ("name>3", "write it as in name:web"),
        ("not", "as in not name:web"),
        ("= 3", "write it as in name:web or moon-count>3"),
    ],
)
def test_an_unreadable_filter_names_the_columns_of_the_table(
    text: str, words: str
) -> None:
    """An error shows keys of this table and none of the sessions."""
    with pytest.raises(FilterError) as caught:
        Filter(text, VOCABULARY)
    assert words in caught.value.message


def test_the_sentence_names_the_columns_as_on_screen() -> None:
    """The heading stands for the column."""
    chosen = Filter("name:v moon-count>3", VOCABULARY)
    sentence = 'whose column NAME contains "v", and whose column MOONS is more than 3'
    assert chosen.understood == sentence
    assert Filter(chosen.canonical, VOCABULARY) == chosen
