"""Runs that are passed over because they are drawn already."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgtop.terminal.canvas import Canvas, Run
from pgtop.terminal.painter import Painter
from pgtop.terminal.style import PLAIN, Style

WIDTH = 12
HEIGHT = 2
STYLES = st.sampled_from((PLAIN, Style(weight="1")))
TEXTS = st.sampled_from(
    ("abc", "  ", "a\u6f22b", "\u6f22", "e\u0301", "\U0001f1e9", "\x1b\u0301")
)
RUNS = st.lists(st.tuples(TEXTS, STYLES), min_size=1, max_size=3)
PLACES = st.sampled_from(((0, 0, WIDTH), (1, 0, WIDTH - 1), (0, 0, 4)))
COLUMNS = st.integers(1, WIDTH)
FRAMES = st.builds(lambda column, text: f"\x1b[1;{column}H{text}", COLUMNS, TEXTS)
SIZES = st.sampled_from(((WIDTH, HEIGHT), (WIDTH - 1, HEIGHT)))
DRAWINGS = st.builds(
    lambda place, other, runs: ((place, runs), (other, runs), (other, runs[::-1])),
    PLACES,
    PLACES,
    RUNS,
)

Drawing = tuple[tuple[int, int, int], list[Run]]


def _take(
    step: str | tuple[int, int] | Drawing, canvas: Canvas, painter: Painter
) -> None:
    if isinstance(step, str):
        canvas.apply(step)
        return
    first, second = step
    if isinstance(first, int) and isinstance(second, int):
        canvas.resize(first, second)
        painter.forget()
    elif isinstance(first, tuple) and isinstance(second, list):
        canvas.draw(*first, second)


LONG: list[Run] = [("abc", PLAIN), ("abc", PLAIN)]


@example((((0, 0, 4), LONG), ((0, 0, WIDTH), LONG)), [0, 1])
@settings(max_examples=150, deadline=None)
@given(
    DRAWINGS,
    st.lists(st.integers(0, 2) | FRAMES | SIZES, min_size=3, max_size=8),
)
def test_a_line_is_the_same_whether_or_not_its_runs_were_drawn_before(
    drawings: tuple[Drawing, ...],
    steps: list[int | str | tuple[int, int]],
) -> None:
    passing_over = Canvas(WIDTH, HEIGHT)
    drawing_all = Canvas(WIDTH, HEIGHT)
    painter, painter_of_all = Painter(), Painter()
    for each in steps:
        step = drawings[each] if isinstance(each, int) else each
        for line in drawing_all.lines:
            line.forget_drawn()
        _take(step, passing_over, painter)
        _take(step, drawing_all, painter_of_all)
        lines = [(line.cells, line.styles) for line in passing_over.lines]
        assert lines == [(line.cells, line.styles) for line in drawing_all.lines]
        assert painter.paint(passing_over) == painter_of_all.paint(drawing_all)


@settings(max_examples=150, deadline=None)
@given(
    DRAWINGS,
    st.lists(st.integers(0, 2) | FRAMES | SIZES, min_size=3, max_size=8),
)
def test_a_frame_is_the_same_whether_touched_cells_or_all_are_compared(
    drawings: tuple[Drawing, ...],
    steps: list[int | str | tuple[int, int]],
) -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    comparing_all = Canvas(WIDTH, HEIGHT)
    painter, painter_of_all = Painter(), Painter()
    for each in steps:
        step = drawings[each] if isinstance(each, int) else each
        _take(step, canvas, painter)
        _take(step, comparing_all, painter_of_all)
        comparing_all.touch_all()
        assert painter.paint(canvas) == painter_of_all.paint(comparing_all)
