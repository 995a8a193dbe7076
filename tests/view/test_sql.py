"""A query for reading: its tones, its lines, and what is left out of one that is far too long."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.clean import cells, clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.view.sql import highlighted, query_lines

_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_keywords_literals_and_comments_are_told_apart() -> None:
    """Each kind of word has its tone, line by line."""
    [first, second] = highlighted("SELECT 'a'\n-- why")
    assert first == (
        Span("SELECT", Tone.STRONG),
        Span(" ", Tone.PLAIN),
        *[Span(part, Tone.CALM) for part in "'a'"],
    )
    assert second == (Span("-- why", Tone.QUIET),)


@given(_ANY, st.integers(2, 80))
def test_lines_hold_all_of_it_and_fit(query: str, width: int) -> None:
    """Whatever it is, nothing but spaces at breaks is lost, and no line is wider than the
    screen.
    """
    lines = ["".join(span.text for span in row) for row in query_lines(query, width)]
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == clean_lines(query).replace("\n", "").replace(" ", "")


def test_only_the_beginning_is_lexed() -> None:
    """What a stranger writes after the first thousands of characters has no tones, as lexing takes
    their square.
    """
    query = f"SELECT 1{' x' * 4_000}\nSELECT 2"
    [first, last] = highlighted(query)
    assert first[0] == Span("SELECT", Tone.STRONG)
    assert last == (Span("SELECT 2", Tone.PLAIN),)


def test_a_query_too_long_to_read_says_how_much_more_there_is() -> None:
    """A megabyte is shown by its beginning, and told how to have the rest."""
    *_, last, note = query_lines("x" * 1_000_000, 100)
    assert last == (Span("x" * 100, Tone.PLAIN),)
    assert note == (Span("… 900,000 more characters: y copies all of them", Tone.NOTICE),)
