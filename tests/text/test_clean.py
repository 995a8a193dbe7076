"""Hostile text reaches the terminal only as visible characters of a known width."""

import subprocess
import sys
import unicodedata

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from pgtop.text.clean import MOST_MARKS, cells, clean, clean_lines, fit
from tests.scenes import HOSTILE_TEXTS

_CONTROLS = "\x00\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x80\x85\x9b\xa0\xad"
_NASTY = (
    _CONTROLS
    + "\u0301\u0336\u200b\u200d\u202e\u2028\u2029\u2066\u3000\ufe0f\ufeffaé日👍🏽🇩 "
)
ANY_TEXT = st.text(
    st.characters(codec=None)
    | st.sampled_from(_NASTY)
    | st.characters(max_codepoint=0x9F)
)
COLUMNS = 24

WIDE_AND_COMBINING = (
    "plain ascii",
    "naïve café",
    "cafe\u0301 e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301",
    "日本語のクエリ",
    "한국어 쿼리",
    "中文查询语句很长很长很长",
    "ｆｕｌｌ",
    "Привет, мир",
    "emoji 🙂🙃🚀 mixed 日 a",
    "a日b日c日d日e日f日g日h日",
    "שלום עולם",
    "مرحبا",
    "x" * 60,
    *HOSTILE_TEXTS,
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("", ""),
        ("select 1", "select 1"),
        ("[red]x[/red] [/foo", "[red]x[/red] [/foo"),
        ("a\tb", "a b"),
        ("a\r\n\t   b", "a b"),
        ("a\x0b\x0c\x85\u2028\u2029b", "a b"),
        ("two  spaces", "two  spaces"),
        ("\x1b[31m\x07\x00", "␛[31m␇␀"),
        ("del\x7f", "del␡"),
        ("\x9b31m", "\ufffd31m"),
        ("a\u202eb\u200bc\xadd\ufeff", "a\ufffdb\ufffdc\ufffdd\ufffd"),
        ("a\u034f\u115f\u1160\u180b\u3164\uffa0", "a" + "\ufffd" * 6),
        ("\ud800\ue000\U000e0fff\U000e0041", "\ufffd\ufffd\ufffd\ufffd"),
        ("a\xa0b\u3000c", "a b c"),
        ("\u0301a", "◌\u0301a"),
        ("e" + "\u0301" * 30 + "x", "e" + "\u0301" * MOST_MARKS + "x"),
        ("❤\ufe0f", "❤"),
        ("👍🏽🇩🇪", "👍\ufffd\ufffd\ufffd"),
        ("Größe 日本", "Größe 日本"),
    ],
)
def test_each_kind_of_character_has_its_visible_form(raw: str, shown: str) -> None:
    """Line breaks become one space, control characters their symbols, and marks that act on others
    the replacement character.
    """
    assert clean(raw) == shown


@given(ANY_TEXT)
def test_cleaned_text_holds_nothing_that_acts_on_a_terminal(text: str) -> None:
    """Cleaned text has no control, format, surrogate, private or unassigned character, and no line
    end.
    """
    shown = clean(text)
    assert not {unicodedata.category(char) for char in shown} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """Cleaning cleaned text changes nothing."""
    assert clean(clean(text)) == clean(text)
    assert clean_lines(clean_lines(text)) == clean_lines(text)


def test_long_lines_are_not_cached() -> None:
    """Only short texts are cached: the longest texts that servers keep would fill the memory."""
    short, long = "\x1b\x1b", "\x1b" * 100_000
    assert clean(short) is clean(short)
    assert clean(long) is not clean(long)


@given(ANY_TEXT)
def test_lines_are_kept_and_each_is_clean(text: str) -> None:
    """Only newlines survive cleaning by lines, and every line is the same as if it were cleaned
    alone.
    """
    lines = clean_lines(text).split("\n")
    assert lines == [clean(line) for line in lines]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\r\nb\rc\n\nd", "a\nb\nc\n\nd"),
        ("\tx\n", "    x\n"),
        ("a\u2028\x1bb", "a\n␛b"),
    ],
)
def test_every_kind_of_line_end_is_a_newline(raw: str, shown: str) -> None:
    """Indentation and empty lines stay, as they help to read a query."""
    assert clean_lines(raw) == shown


@given(ANY_TEXT, st.integers(0, 60), st.booleans())
def test_fit_returns_exactly_the_requested_cells(
    text: str, width: int, right: bool
) -> None:
    """A cell of the table is clean and as wide as its column, whatever it contains."""
    shown = fit(text, width, right)
    assert cells(shown) == width
    assert clean(shown) == shown


@given(ANY_TEXT, st.integers(1, 60))
def test_fit_loses_nothing_that_has_room(text: str, width: int) -> None:
    """Text that fits is only padded; text that does not fit is cut and marked."""
    shown, whole = fit(text, width), clean(text)
    assert shown == whole + " " * (width - cells(whole)) or shown.rstrip(" ").endswith(
        "…"
    )


@given(ANY_TEXT)
@example("☰䷀𝌀")  # wide since Unicode 16
def test_rich_counts_the_same_cells(text: str) -> None:
    """Textual measures with Rich's tables, which agree with pgtop's for cleaned text."""
    shown = clean(text)
    assert sum(cell_len(char) for char in shown) == cells(shown)


@pytest.mark.parametrize(
    ("text", "width", "right", "shown"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 4, False, "abc…"),
        ("abcdef", 1, False, "…"),
        ("abcdef", 0, False, ""),
        ("日本語", 6, False, "日本語"),
        ("日本語", 5, False, "日本…"),
        ("日本語", 4, False, "日… "),
        ("日本語", 4, True, " 日…"),
        ("e\u0301e\u0301e\u0301", 2, False, "e\u0301…"),
        ("a\n" + " " * 2_000 + "b", 5, False, "a …  "),
    ],
)
def test_a_cut_is_marked_and_no_wide_character_is_split(
    text: str, width: int, right: bool, shown: str
) -> None:
    """A space stands in place of half a wide character."""
    assert fit(text, width, right) == shown


@pytest.mark.parametrize("text", WIDE_AND_COMBINING)
@pytest.mark.parametrize("width", [1, 2, 7, 12, 13])
def test_the_next_column_starts_where_it_should(text: str, width: int) -> None:
    """A terminal emulator that gets a fitted text and a bar shows the bar right after `width`
    cells.
    """
    screen = pyte.Screen(COLUMNS, 1)
    pyte.Stream(screen).feed(fit(text, width) + "|")
    assert screen.buffer[0][width].data == "|"
    assert screen.cursor.x == width + 1


def test_ascii_never_loads_the_tables_of_widths() -> None:
    """A session of plain text, with its ellipsis and its symbols, needs no import of wcwidth."""
    use = "from pgtop.text.clean import fit; fit('naïve\\x1b\\x9b “↓→▸”' * 9, 9)"
    code = f"import sys; {use}; sys.exit('wcwidth' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
