"""Lines as the canvas takes them."""

from rich.color import ColorSystem

from pgtop.config.display import Display, Shade
from pgtop.config.settings import Settings
from pgtop.terminal.canvas import Run
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine, runs
from pgtop.tui.theme import Palette, palette

BLACK = palette(Settings(display=Display("standard", shade=Shade.DARK)))


def row(line: Line, colors: Palette = BLACK) -> list[tuple[str, bool, str]]:
    """Return each run of the cursor's row: its text, whether it is reversed, and its colour."""
    painted = _painted(StyledLine(line, cursor=True), colors)
    return [(text, bool(style.reverse), style.foreground) for text, style in painted]


def _painted(styled: StyledLine, colors: Palette) -> list[Run]:
    return runs(styled, 0, colors, colors.ground, ColorSystem.STANDARD)


def test_on_a_row_in_reverse_only_words_have_a_tone() -> None:
    line = (
        Span("  13323 ", Tone.ALARM),
        Span("idle tx ", Tone.ALARM_PLATE),
        Span("▲9  two words", Tone.ALARM),
        Span("a  b ", Tone.MATCH),
        Span("idle  ", Tone.QUIET),
        Span("  ", Tone.QUIET),
    )
    assert row(line) == [
        ("  ", True, ""),
        ("13323", True, "91"),
        (" ", True, ""),
        ("idle tx ", False, "97"),
        ("▲9", True, "91"),
        ("  ", True, ""),
        ("two words", True, "91"),
        ("a  b ", False, ""),
        ("idle", True, ""),
        ("  ", True, ""),
        ("  ", True, ""),
    ]
    *_, (_, after_quiet), (_, blank) = _painted(StyledLine(line, cursor=True), BLACK)
    assert (after_quiet.weight, blank.weight) == ("2", "")
    assert [text for text, _ in _painted(StyledLine(line), BLACK)] == [
        span.text for span in line
    ]


def test_a_bar_is_not_reversed_under_the_cursor() -> None:
    """The reverse of a bar shows what is free."""
    line = (Span("22 ", Tone.PLAIN), Span("███····", Tone.QUIET))
    assert row(line) == [("22", True, ""), (" ", True, ""), ("███····", False, "")]


def test_on_a_ground_of_its_own_the_row_keeps_its_spans() -> None:
    line = (Span("  13323 ", Tone.ALARM), Span("██", Tone.QUIET))
    dark = palette(Settings(theme="dark"))
    assert [text for text, _, _ in row(line, dark)] == ["  13323 ", "██"]
