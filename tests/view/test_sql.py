"""A query for reading: its tones, its lines, and what is left out if it is very long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.clean import cells, clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.view.sql import highlighted, query_lines

_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_keywords_and_comments_have_their_tones() -> None:
    """SQL words stand out, comments are quiet, line by line."""
    [first, second] = highlighted("SELECT 'a'\n-- why")
    assert first == (
        Span("SELECT", Tone.NOTICE),
        Span(" ", Tone.PLAIN),
        *[Span(part, Tone.PLAIN) for part in "'a'"],
    )
    assert second == (Span("-- why", Tone.QUIET),)


@given(_ANY, st.integers(2, 80))
def test_lines_contain_the_whole_query_and_fit(query: str, width: int) -> None:
    """Only spaces at breaks are lost, and no line is wider than the screen."""
    lines = ["".join(span.text for span in row) for row in query_lines(query, width)]
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == clean_lines(query).replace(
        "\n", ""
    ).replace(" ", "")


def test_only_the_beginning_is_lexed() -> None:
    """The text after the first 8,000 characters has no tones, as lexing may take quadratic time."""
    query = f"SELECT 1{' x' * 4_000}\nSELECT 2"
    [first, last] = highlighted(query)
    assert first[0] == Span("SELECT", Tone.NOTICE)
    assert last == (Span("SELECT 2", Tone.PLAIN),)


def test_a_very_long_query_ends_with_the_number_of_characters_left() -> None:
    """A query of a megabyte shows its beginning and how to copy the rest."""
    *shown, note = query_lines("x" * 1_000_000, 100)
    assert sum(row[-1].text.count("x") for row in shown) == 100_000
    assert note == (
        Span("… 900,000 more characters: y copies all of them", Tone.NOTICE),
    )


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        (
            "update acc set bal = bal + 1 where id in (1, 2)",
            ["update acc", "   set bal = bal + 1", " where id in (1, 2)"],
        ),
        (
            "select a from t left join u on t.i = u.i and x between 1 and 2 for update",
            [
                "select a",
                "  from t",
                "  left join u on t.i = u.i",
                "   and x between 1 and 2",
                "   for update",
            ],
        ),
        (
            "/* job */ delete from t where a = (select b from u where c) or d",
            [
                "/* job */",
                "delete from t",
                " where a = (select b",
                "              from u",
                "             where c)",
                "    or d",
            ],
        ),
        (
            "insert into t values (1, ' from x') on conflict do nothing returning case when a"
            " and b then c end",
            [
                "insert into t",
                "values (1, ' from x')",
                "    on conflict do nothing",
                "returning case when a and b then c end",
            ],
        ),
        ("vacuum t", ["vacuum t"]),
        ("select 1\nfrom t", ["select 1", "from t"]),
    ],
)
def test_a_statement_in_one_line_gets_one_clause_a_line(
    query: str, lines: list[str]
) -> None:
    """Words in strings, brackets, CASE and BETWEEN begin no clause; what has lines keeps them."""
    rows = query_lines(query, 80)
    assert ["".join(span.text for span in row) for row in rows] == lines


@pytest.mark.parametrize("part", ["(", "(select ", "case ", "'", "and ", "/*"])
def test_a_deeply_nested_statement_fits(part: str) -> None:
    """No nesting moves text off the screen."""
    rows = query_lines(f"select {part * 1_000}", 40)
    assert all(cells("".join(span.text for span in row)) <= 40 for row in rows)
