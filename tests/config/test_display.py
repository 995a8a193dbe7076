"""The terminal's colours and background, as the environment reports them."""

import pytest

from pgtop.config.display import (
    Display,
    Shade,
    display_of,
    is_faint_readable,
    shade_of,
)
from pgtop.text.colour import rgb


@pytest.mark.parametrize(
    ("value", "shade"),
    [
        ("15;0", Shade.DARK),
        ("0;15", Shade.LIGHT),
        ("15;default;0", Shade.DARK),
        ("0;default", Shade.UNKNOWN),
        ("0;7", Shade.UNKNOWN),
        ("", Shade.UNKNOWN),
        ("\x1b[31m;" * 99, Shade.UNKNOWN),
    ],
)
def test_colorfgbg_names_black_or_white(value: str, shade: Shade) -> None:
    """Other numbers are other colours in each palette."""
    assert display_of({"COLORFGBG": value}).shade is shade


def test_the_linux_console_is_black_and_has_no_faint_text() -> None:
    assert display_of({"TERM": "linux"}) == Display(
        "standard", is_console=True, shade=Shade.DARK, has_faint=False
    )


def test_rxvt_draws_no_faint_text() -> None:
    display = display_of({"TERM": "rxvt-unicode-256color"})
    assert display == Display("256", draws_faint=False)
    assert display_of({"TERM": "xterm-256color"}).draws_faint


@pytest.mark.parametrize(
    ("background", "shade"),
    [
        ("#000000", Shade.DARK),
        ("#002b36", Shade.DARK),
        ("#2e3440", Shade.DARK),
        ("#808080", Shade.UNKNOWN),
        ("#fdf6e3", Shade.LIGHT),
        ("#ffffff", Shade.LIGHT),
    ],
)
def test_a_grey_background_is_neither_dark_nor_light(
    background: str, shade: Shade
) -> None:
    assert shade_of(rgb(background)) is shade


def test_faint_text_is_too_dark_in_solarized() -> None:
    assert is_faint_readable(rgb("#cccccc"), rgb("#0c0c0c"))
    assert not is_faint_readable(rgb("#839496"), rgb("#002b36"))
