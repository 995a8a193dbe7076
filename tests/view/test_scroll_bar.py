"""The place of the scroll bar's thumb."""

from hypothesis import assume, given
from hypothesis import strategies as st

from pgtop.view.scroll_bar import Thumb, bar_cells, thumb

PAGES = st.integers(1, 200)
ROWS = st.integers(1, 5000)


def at(top: int, page: int, rows: int) -> Thumb:
    """Return the thumb of a table whose rows do not all fit."""
    place = thumb(top, page, rows)
    assert place is not None
    return place


@given(PAGES, ROWS, st.data())
def test_the_thumb_stays_on_its_track_and_follows_the_rows(
    page: int, rows: int, data: st.DataObject
) -> None:
    """The thumb never goes back while the rows go on, and keeps its length."""
    assume(rows > page)
    lowest = rows - page
    top = data.draw(st.integers(0, lowest))
    place = at(top, page, rows)
    assert place.start >= 0
    assert place.length >= 1
    assert place.start + place.length <= page
    below = at(min(top + 1, lowest), page, rows)
    assert place.start <= below.start
    assert place.length == below.length


@given(PAGES, ROWS)
def test_the_thumb_is_at_an_end_only_with_the_rows(page: int, rows: int) -> None:
    """The thumb touches the upper end at the first row, and the lower end at the last one alone."""
    assume(rows > max(page, 1))
    lowest = rows - page
    assert at(0, page, rows).start == 0
    last = at(lowest, page, rows)
    assert last.start + last.length == page
    assume(page > 1)
    before = at(lowest - 1, page, rows)
    assert before.start + before.length < page


@given(PAGES, ROWS, st.data())
def test_a_thumb_that_is_dragged_stays_where_it_was_dragged_to(
    page: int, rows: int, data: st.DataObject
) -> None:
    """Each line of the track stands for rows that bring the thumb to this line."""
    assume(rows > page)
    place = at(0, page, rows)
    start = data.draw(st.integers(0, page - place.length))
    top = place.top_for(start)
    assert 0 <= top <= rows - page
    assert at(top, page, rows).start == start


def test_a_table_that_fits_has_no_thumb() -> None:
    assert thumb(0, 20, 20) is None
    assert thumb(0, 20, 0) is None


def test_the_column_of_the_bar_needs_a_wide_screen_and_the_mouse() -> None:
    assert [bar_cells(width, has_mouse=True) for width in (40, 99, 100)] == [0, 0, 1]
    assert bar_cells(200, has_mouse=False) == 0
