"""Lines break between words, and only the space at a break is lost."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, first_lines, wrapped

_TEXTS = st.text(st.sampled_from("ab \u65e5.,("), max_size=12).map(clean)
_SPANS = st.lists(st.builds(Span, _TEXTS, st.sampled_from([Tone.PLAIN, Tone.NOTICE])))


def test_a_word_of_several_tones_is_not_broken() -> None:
    """A name and the dot before it stay together, although SQL words have a tone of their own."""
    spans = [Span("SELECT l.", Tone.PLAIN), Span("price", Tone.NOTICE)]
    assert ["".join(span.text for span in line) for line in wrapped(spans, 10)] == [
        "SELECT",
        "l.price",
    ]


@given(_SPANS, st.integers(3, 20), st.integers(0, 1))
def test_nothing_but_blanks_is_lost(spans: list[Span], width: int, indent: int) -> None:
    """Every line fits, and all characters keep their order and their tones."""
    lines = wrapped(spans, width, indent)
    assert all(sum(cells(span.text) for span in line) <= width for line in lines)
    before = [(char, tone) for text, tone in spans for char in text if char != " "]
    after = [(c, span.tone) for line in lines for span in line for c in span.text]
    assert [pair for pair in after if pair[0] != " "] == before


def test_an_ellipsis_stands_for_the_lines_without_room() -> None:
    """A last line that is full gives its end for it."""
    lines = wrapped([Span("one two three four", Tone.WARN)], 9)
    assert first_lines(lines, 3, 9) == lines
    assert _texts(first_lines(lines, 2, 9)) == ["one two", "three …  "]
    assert _texts(first_lines(lines, 1, 7)) == ["one tw…"]


def _texts(lines: Sequence[Line]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]
