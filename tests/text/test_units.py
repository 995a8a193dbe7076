"""Durations are short, keep their order, and read back as what was written."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.units import (
    age,
    age_cells,
    parse_duration,
    quiet_age,
    rough_age,
    rounded_span,
)

SECONDS = st.floats(0, 1e13, allow_nan=False)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""), (-3.0, "0.0s"), (0.0, "0.0s"), (0.49, "0.4s"), (9.99, "9.9s"), (10.0, "10s"),
        (59.99, "59s"),
        (60.0, "1m00s"), (192.0, "3m12s"), (3_599.9, "59m59s"), (7_500.0, "2h05m"),
        (86_399.0, "23h59m"),
        (273_600.0, "3d04h"), (8_639_999.0, "99d23h"), (8_640_000.0, "100d"),
        (35_600_000.0, "412d"), (9e12, "99999d"),
    ],
)  # fmt: skip
def test_an_age_has_its_two_largest_units(seconds: float | None, shown: str) -> None:
    """Ages are never rounded up: sixty seconds never appear."""
    assert age(seconds) == shown


@given(SECONDS)
def test_an_age_fits_its_column(seconds: float) -> None:
    """Every age fits into six cells."""
    assert 0 < len(age(seconds)) <= 6


@given(SECONDS, SECONDS)
def test_an_older_age_never_reads_as_a_younger_one(one: float, other: float) -> None:
    """The written ages keep the order of the durations."""
    younger, older = sorted((one, other))
    assert parse_duration(age(younger)) <= parse_duration(age(older))


@given(st.floats(0, 99_999 * 86_400))
def test_an_age_reads_back_without_its_smaller_units(seconds: float) -> None:
    """Reading an age back loses less than one of its smallest unit, and never adds."""
    shown = age(seconds)
    unit = (
        0.1
        if "." in shown
        else {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}[shown[-1]]
    )
    again = parse_duration(shown)
    assert again <= seconds or math.isclose(again, seconds)
    assert seconds - again < unit * 1.0001
    assert age(again) in (shown, age(math.nextafter(again, 0)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0), ("1.5", 1.5), ("200ms", 0.2), ("5m", 300.0), ("1.5h", 5_400.0),
        ("2d", 172_800.0),
        ("1h30m", 5_400.0), (" 5M ", 300.0), ("1w", 604_800.0), ("1d2h3m4s5ms", 93_784.005),
        ("0s", 0.0),
    ],
)  # fmt: skip
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """A bare number is seconds, and units add up."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "right"),
    [("5 m", "5m"), ("5min", "5m"), ("10 minutes", "10m"), ("1 hour", "1h"), ("1.5hrs", "1.5h"),
        ("2 days", "2d"),
     ("30 sec", "30s"), ("1week", "1w"), ("5msec", "5ms")],
)  # fmt: skip
def test_a_duration_in_words_is_refused_with_its_spelling(
    text: str, right: str
) -> None:
    """People know `min` and `hour` from PostgreSQL's settings and intervals."""
    with pytest.raises(ValueError, match=f"is not a duration: write {right}$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["30m1h", "5m5m", "1s1h", "1h30m2h", "5m30h"])
def test_units_out_of_order_are_refused(text: str) -> None:
    """`age<5m30h` would otherwise mean less than 30 h 5 min."""
    with pytest.raises(
        ValueError, match="write each unit once, the longest first, as in 1h30m"
    ):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "m", "5x", "-5m", "1h30", "1.2.3", ".5s", "1e3", "٣m", "5mo", "5 x"],
)
def test_a_wrong_duration_is_refused_with_examples(text: str) -> None:
    """The sentence repeats the text and gives examples."""
    with pytest.raises(
        ValueError, match="is not a duration: write a number and ms, s, m, h, d or w"
    ) as wrong:
        parse_duration(text)
    assert repr(text) in str(wrong.value)


@given(st.text() | st.text("0123456789.msdhw "))
def test_every_text_is_a_duration_or_refused(text: str) -> None:
    """Every text is a number of seconds or raises ValueError."""
    with suppress(ValueError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, "0s"),
        (9.9, "9s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h00m"),
        (90_000, "1d01h"),
    ],
)
def test_rough_ages(seconds: float | None, words: str) -> None:
    """Rough ages are whole seconds, then whole minutes, then like other ages."""
    assert rough_age(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (-1, "0s"),
        (9.9, "9s"),
        (10, "10s"),
        (19.9, "10s"),
        (59.9, "50s"),
        (60, "1m"),
        (3600, "1h00m"),
    ],
)
def test_ages_of_idle_sessions(seconds: float | None, words: str) -> None:
    """Ages of idle sessions are whole seconds, then tens of seconds, then rough ages."""
    assert quiet_age(seconds) == words


@given(st.floats(0, 4e9))
def test_the_length_of_an_age_is_known_without_its_text(seconds: float) -> None:
    """Columns are as wide as the ages in them; a quiet age is never longer."""
    assert age_cells(seconds) == len(age(seconds))
    assert len(quiet_age(seconds)) <= age_cells(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.2, "1s"),
        (7.6, "8s"),
        (38, "40s"),
        (58, "1m"),
        (99, "1m40s"),
        (661, "11m"),
        (3599, "1h"),
        (9000, "2h30m"),
        (86_300, "1d"),
        (400_000, "4d15h"),
    ],
)
def test_an_estimate_is_rounded(seconds: float | None, text: str) -> None:
    assert rounded_span(seconds) == text
