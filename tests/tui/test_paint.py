"""Lines as the canvas takes them."""

from pgtop.config.display import Display, Shade
from pgtop.config.settings import Settings
from pgtop.text.tone import Span, Tone
from pgtop.tui.paint import StyledLine, spans
from pgtop.tui.theme import palette

BLACK = palette(Settings(display=Display("standard", shade=Shade.DARK)))


def test_on_a_row_in_reverse_only_words_have_a_tone() -> None:
    line = (
        Span("  13323 ", Tone.ALARM),
        Span("idle tx ", Tone.ALARM_PLATE),
        Span("   ", Tone.ALARM),
        Span("▲9  two words", Tone.ALARM),
        Span("a  b ", Tone.MATCH),
    )
    assert spans(StyledLine(line), BLACK) == line
    assert spans(StyledLine(line, cursor=True), BLACK) == (
        Span("  ", Tone.PLAIN),
        Span("13323", Tone.ALARM),
        Span(" ", Tone.PLAIN),
        Span("idle tx ", Tone.ALARM_PLATE),
        Span("   ", Tone.PLAIN),
        Span("▲9", Tone.ALARM),
        Span("  ", Tone.PLAIN),
        Span("two words", Tone.ALARM),
        Span("a  b ", Tone.MATCH),
    )


def test_on_a_ground_of_its_own_the_row_keeps_its_spans() -> None:
    line = (Span("  13323 ", Tone.ALARM),)
    dark = palette(Settings(theme="dark"))
    assert spans(StyledLine(line, cursor=True), dark) is line
