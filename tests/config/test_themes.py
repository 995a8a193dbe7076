"""Themes of the user's own: the right ones, and a sentence for each fault."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.config import palettes
from pgtop.config.display import Display, Shade
from pgtop.config.mistakes import MistakeError
from pgtop.config.settings import Settings
from pgtop.config.themes import KEYS, LOOKS, Theme, mistakes_in, theme_named
from pgtop.text.tone import Tone
from pgtop.tui.theme import palette


def theme_of(keys: Any) -> Theme:
    """Return the theme with these keys."""
    theme = theme_named("night", {"night": keys})
    assert theme is not None
    return theme


def scheme_of(keys: dict[str, Any], colors: str = "truecolor") -> palettes.Scheme:
    """Return the scheme of a theme with these keys."""
    return theme_of(keys).schemes[colors]


def test_a_theme_changes_its_base() -> None:
    scheme = scheme_of({"base": "dark", "warn": "bold #ffb000", "cursor": "on #303030"})
    assert scheme.looks == {**palettes.DARK.looks, Tone.WARN: "bold #ffb000"}
    assert scheme.cursor == "on #303030"
    assert scheme.ground == palettes.DARK.ground


def test_a_theme_has_a_ground_of_its_own() -> None:
    scheme = scheme_of({"base": "dark", "ground": 16, "plain": "#eeeeee"})
    assert scheme.ground == "#eeeeee on color(16)"


def test_with_sixteen_colours_a_theme_keeps_what_the_terminal_has() -> None:
    keys = {"base": "dark", "warn": "bold #ffb000", "calm": "bright_green"}
    scheme = scheme_of(keys, "standard")
    black = palettes.ON_BLACK
    assert scheme.looks == {**black.looks, Tone.CALM: "bright_green"}
    assert scheme.ground == ""


def test_a_theme_without_colours_needs_no_background() -> None:
    assert scheme_of({"warn": "underline"}).looks[Tone.WARN] == "underline"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"wran": "red"}, "there is no tone 'wran'. Did you mean warn?"),
        (
            {"base": "drak"},
            "base must be one of terminal, dark, light. Did you mean dark?",
        ),
        (
            {"warn": "yelow"},
            "warn is wrong: 'yelow' is no weight and no colour. Did you mean yellow?",
        ),
        ({"warn": 256}, "warn is wrong: '256' is no weight and no colour"),
        ({"warn": True}, 'warn must be a text such as "bold #ffb000"'),
        ({"warn": "bold " * 99}, 'warn must be a text such as "bold #ffb000"'),
        ({"warn": "red blue"}, "warn is wrong: there are two colours for the text"),
        ({"warn": "red on"}, "warn is wrong: there is no colour after on"),
        ({"ground": "bold"}, 'ground must be a colour such as "#11161d"'),
        ({"ground": "#000000"}, "ground needs plain, with the colour of text"),
        ({"warn": "yellow"}, "warn has a colour, so the theme must declare its ground"),
        (
            {"base": "dark", "warn": "#444444"},
            "warn has a contrast of 1.8 and needs 4.5",
        ),
        (
            {"base": "dark", "cursor": "on #8793a3"},
            "quiet has a contrast of 1.0 under the cursor and needs 3.0",
        ),
        (
            {"background": "light", "warn": "yellow"},
            "warn has a contrast of 1.7 and needs 4.5",
        ),
        ({"background": "dark", "label": "white on 61"}, "contrast of 4.4 and needs"),
        ("dark", "[themes.night] must be a table"),
    ],
)
def test_a_fault_is_a_sentence(keys: Any, sentence: str) -> None:
    mistakes = list(mistakes_in({"night": keys}))
    assert any(sentence in f"{each}. {each.advice}" for each in mistakes)
    with pytest.raises(MistakeError):
        theme_of(keys)


@pytest.mark.parametrize("name", ["dark", "a b", "\x1b[31m", "", "x" * 101])
def test_a_theme_has_a_name_of_its_own(name: str) -> None:
    assert any("name" in str(mistake) for mistake in mistakes_in({name: {}}))


def test_every_fault_has_its_sentence() -> None:
    keys = {"wran": "red", "calm": "grene", "base": "drak"}
    mistakes = list(mistakes_in({"night": keys, "dark": {}}))
    places = [mistake.keys for mistake in mistakes]
    assert places == [
        ("night", "wran"),
        ("night", "base"),
        ("night", "calm"),
        ("dark",),
    ]


def test_an_unknown_theme_is_named_with_the_nearest() -> None:
    assert theme_named("dark", {}) is None
    with pytest.raises(MistakeError, match="no theme 'nihgt'") as error:
        theme_named("nihgt", {"night": {}})
    advice = "Did you mean night? Use one of terminal, dark, light, night."
    assert error.value.advice == advice


@given(
    st.dictionaries(
        st.sampled_from([*KEYS, "x"]),
        st.one_of(
            st.text(max_size=8),
            st.integers(),
            st.sampled_from(["dark", "bold #ffffff", "on 237", "red", "light"]),
        ),
        max_size=len(LOOKS),
    )
)
def test_any_table_is_a_theme_or_a_fault(keys: dict[str, Any]) -> None:
    """A theme that passes the check can be drawn with every number of colours."""
    try:
        theme = theme_of(keys)
    except ValueError:
        return
    for colors in ("standard", "256", "truecolor"):
        display = Display(colors, shade=Shade.DARK)
        own = Settings(theme="night", own_theme=theme, display=display)
        assert set(palette(own).styles.tones) == set(Tone)
