"""Numbers show no digit that their error does not support."""

import pytest

from pgtop.text.measured import at_the_point, measured, percent


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.14159, 0.004, "3.14"),
        (3.14159, 0.06, "3.1"),
        (3.14159, 0.7, "3"),
        (53.0, 6.0, "50"),
        (2.0, 6.0, "<10"),
        (0.02, 0.06, "<0.1"),
        (0.0, 0.06, "0.0"),
    ],
)
def test_an_average_has_the_digits_of_its_error(
    value: float, error: float, text: str
) -> None:
    assert measured(value, error) == text


@pytest.mark.parametrize(
    ("share", "error", "text"),
    [
        (0.571, 0.01, "57%"),
        (0.571, 0.06, "60%"),
        (0.004, 0.01, "<1%"),
        (0.02, 0.06, "<10%"),
        (0.0, 0.06, "0%"),
        (1.0, 0.001, "100%"),
    ],
)
def test_a_share_is_in_whole_percent_or_in_tens(
    share: float, error: float, text: str
) -> None:
    assert percent(share, error) == text


def test_points_stand_below_each_other() -> None:
    """A number that fills its column has no room for blanks."""
    column = [at_the_point(text, 5).rjust(5) for text in ("2.03", "8.2", "12", "12345")]
    assert column == [" 2.03", " 8.2 ", "12   ", "12345"]
