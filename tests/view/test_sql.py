"""A query for reading: its tones, its lines, and what is left out if it is very long."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.clean import cells, clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.view.sql import highlighted, query_lines

_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_keywords_literals_and_comments_have_their_tones() -> None:
    """Each kind of word has its tone, line by line."""
    [first, second] = highlighted("SELECT 'a'\n-- why")
    assert first == (
        Span("SELECT", Tone.STRONG),
        Span(" ", Tone.PLAIN),
        *[Span(part, Tone.CALM) for part in "'a'"],
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
    assert first[0] == Span("SELECT", Tone.STRONG)
    assert last == (Span("SELECT 2", Tone.PLAIN),)


def test_a_very_long_query_ends_with_the_number_of_characters_left() -> None:
    """A query of a megabyte shows its beginning and how to copy the rest."""
    *_, last, note = query_lines("x" * 1_000_000, 100)
    assert last == (Span("x" * 100, Tone.PLAIN),)
    assert note == (
        Span("… 900,000 more characters: y copies all of them", Tone.NOTICE),
    )
