"""Markdown is laid out for a terminal, and for a pipe."""

from pgtop.help.page import page

_TABLE = """\
| key | what it does |
| --- | --- |
| `Up` `k` | move up by one row of the table |
| `a\\|b` | x |
"""


def test_headings_are_underlined_in_plain_text() -> None:
    """Without styles a title stands above a line of its own."""
    assert (
        page("# Keys\n\n## Move\n\nText.\n", 80)
        == "Keys\n====\n\nMove\n----\n\nText.\n"
    )


def test_headings_are_bold_on_a_terminal() -> None:
    """With styles a heading is bold and needs no line below it."""
    assert page("# Keys\n", 80, is_styled=True) == "\x1b[1mKeys\x1b[22m\n"


def test_code_keeps_its_backticks_in_plain_text() -> None:
    """A sentence about a key can be read without bold text."""
    assert page("Press `y` to **confirm**.\n", 80) == "Press `y` to confirm.\n"


def test_bold_text_ends_with_its_line() -> None:
    """Code that is wrapped is bold on both lines, and nothing else is."""
    shown = page("aaaa bbbb `cccc dddd eeee` ffff\n", 20, is_styled=True)
    assert shown == "aaaa bbbb \x1b[1mcccc dddd\x1b[22m\n\x1b[1meeee\x1b[22m ffff\n"


def test_a_table_is_as_wide_as_it_needs_to_be() -> None:
    """Columns are aligned, and cells that are only code need no backticks."""
    lines = page(_TABLE, 80).splitlines()
    assert lines[0] == "key   what it does"
    assert lines[2] == "Up k  move up by one row of the table"
    assert lines[3] == "a|b   x"


def test_a_wide_table_is_wrapped_in_its_cells() -> None:
    """No line is wider than the page."""
    lines = page(_TABLE, 26).splitlines()
    assert lines[2:4] == ["Up k  move up by one row", "      of the table"]


def test_a_long_word_is_cut() -> None:
    """A word that is longer than the line goes on in the next."""
    assert page(f"{'a' * 30}\n", 20) == f"{'a' * 20}\n{'a' * 10}\n"


def test_items_are_indented() -> None:
    """A short list is close, and a long item is wrapped below its text."""
    assert (
        page("- one two three four five\n- six\n1. seven\n", 20)
        == "- one two three four\n  five\n- six\n1. seven\n"
    )


def test_lines_of_code_are_shown_as_they_are() -> None:
    """Code is indented and never wrapped."""
    assert (
        page("```sh\npgtop  -h db1 `x` **y**\n```\n", 20)
        == "    pgtop  -h db1 `x` **y**\n"
    )
