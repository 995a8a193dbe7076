"""Runs that are passed over because they are drawn already."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.terminal.canvas import Canvas, Run
from pgtop.terminal.painter import Painter
from pgtop.terminal.style import PLAIN, Style

WIDTH = 12
HEIGHT = 2
STYLES = st.sampled_from((PLAIN, Style(weight="1"), Style(foreground="31")))
TEXTS = st.text("ab \u6f22e\u0301\U0001f1e9\x1b", max_size=5)
RUNS = st.lists(st.tuples(TEXTS, STYLES), max_size=4)
PLACES = st.tuples(st.integers(0, 2), st.integers(0, HEIGHT), st.integers(0, WIDTH + 2))
FRAMES = st.builds(
    lambda column, text: f"\x1b[1;{column}H{text}", st.integers(1, WIDTH), TEXTS
)
SIZES = st.sampled_from(((WIDTH, HEIGHT), (WIDTH - 1, HEIGHT)))
DRAWINGS = st.tuples(PLACES, RUNS)


def _draw(canvas: Canvas, step: tuple[tuple[int, int, int], list[Run]]) -> None:
    (x, y, width), runs = step
    canvas.draw(x, y, width, runs)


@given(st.lists(st.one_of(DRAWINGS, DRAWINGS, FRAMES, SIZES), max_size=12))
def test_a_line_is_the_same_whether_or_not_its_runs_were_drawn_before(
    steps: list[str | tuple[int, int] | tuple[tuple[int, int, int], list[Run]]],
) -> None:
    passing_over = Canvas(WIDTH, HEIGHT)
    drawing_all = Canvas(WIDTH, HEIGHT)
    painters = Painter(), Painter()
    for step in steps:
        for line in drawing_all.lines:
            line.forget_drawn()
        for canvas in (passing_over, drawing_all):
            if isinstance(step, str):
                canvas.apply(step)
            elif isinstance(step[0], int):
                canvas.resize(*step)
            else:
                _draw(canvas, step)
        lines = [(line.cells, line.styles) for line in passing_over.lines]
        assert lines == [(line.cells, line.styles) for line in drawing_all.lines]
        passed, drawn = painters
        if isinstance(step, tuple) and isinstance(step[0], int):
            passed.forget()
            drawn.forget()
        assert passed.paint(passing_over) == drawn.paint(drawing_all)
