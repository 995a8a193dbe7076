"""The lines of a filter that is typed, and of one that is active."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.errors import Fix
from pgtop.text.clean import cells
from pgtop.text.wrap import Line
from pgtop.view.filter_field import (
    TypedFilter,
    active_line,
    complaint_lines,
    empty_field_line,
    field_line,
    hint_words,
    meaning_line,
    unfinished_key,
)

_KEYS = ("db", "state", "state-age", "age")


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def test_the_field_has_its_count_at_the_right() -> None:
    typed = TypedFilter("db:sh", 5, "Tab: db:shop", (9, 148))
    assert (
        text_of(field_line(typed, 50))
        == "/ db:sh   Tab: db:shop                    9 of 148"
    )


def test_a_hint_is_cut_between_its_words() -> None:
    typed = TypedFilter("state:", 6, "Tab: idle, active, waiting", (9, 148))
    assert "Tab: idle, active, …  " in text_of(field_line(typed, 42))


@given(st.text(max_size=120), st.integers(0, 120), st.integers(20, 200))
def test_the_line_of_the_field_always_fits(text: str, cursor: int, width: int) -> None:
    """Long and hostile texts are cut around the cursor, and the count stays."""
    typed = TypedFilter(text, min(cursor, len(text)), "Tab: shop, crm", (9, 148))
    line = text_of(field_line(typed, width))
    assert cells(line) == width
    assert line.isprintable()
    assert line.endswith("9 of 148")


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("d", "d"),
        ("db:shop sta", "sta"),
        ("db:shop state_age>", "state_age>"),
        ("state:", "state:"),
        ("-state", "state"),
        ("dbs:", ""),
        ("invoice", ""),
        ("state:idle", ""),
    ],
)
def test_half_a_term_is_not_applied(text: str, unfinished: str) -> None:
    assert unfinished_key(text, _KEYS) == unfinished


def test_the_meaning_is_cut_with_an_ellipsis() -> None:
    """A cut sentence never looks complete."""
    line = text_of(meaning_line("idle for more than 1 h", "sessions", "sta", 50))
    assert line == "= sessions idle for mo… · “sta” is not applied yet"


def test_a_misspelt_key_names_the_nearest() -> None:
    with pytest.raises(FilterError) as error:
        Filter("db:x dbs:shop")
    assert error.value.fix == Fix('unknown key "dbs"', 5, 8, "db")
    lines = complaint_lines(error.value, 80)
    assert list(map(text_of, lines)) == [
        '! not applied: unknown key "dbs". Nearest: db (Tab)'
    ]
    assert hint_words(error.value.fix, ("db:",)) == ""


def test_any_other_mistake_shows_its_remedy() -> None:
    """The remedy is whole, on as many lines as it needs."""
    with pytest.raises(FilterError) as error:
        Filter("app:%web%")
    words = " ".join(text_of(line).strip() for line in complaint_lines(error.value, 40))
    assert words == f"! not applied: {error.value}"


def test_an_empty_field_offers_saved_filters() -> None:
    saved = {"leak": "state:idle idle>10m", "long": "query-age>5m"}
    assert text_of(empty_field_line("sessions", saved, 90)) == (
        "= all sessions   @leak state:idle idle>10m   @long query-age>5m   Up: earlier filters"
    )
    assert (
        text_of(empty_field_line("sessions", saved, 45))
        == "= all sessions   @leak state:idle idle>10m"
    )


def test_an_active_filter_shows_what_it_means() -> None:
    """The meaning is cut at an ellipsis; the key that clears it is always there."""
    active = Filter("state:idle")
    assert text_of(active_line(active, None, "sessions", 80)) == (
        "filter state:idle  = sessions that are idle   Esc clears it"
    )
    assert text_of(active_line(active, None, "sessions", 55)) == (
        "filter state:idle  = sessions that are…   Esc clears it"
    )
    assert (
        text_of(active_line(active, None, "sessions", 40))
        == "filter state:idle   Esc clears it"
    )
