"""The chart of the waits: signs in proportion to the sessions, at each size."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.wait_profile import Profile, SliceBy, WaitSlice
from pgtop.model.timestamp import MICROSECONDS
from pgtop.model.waits import WaitClass
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line
from pgtop.view.wait_chart import ChartSize, WaitChart, chart_height, chart_lines

CPU = WaitSlice(WaitClass.CPU.value, WaitClass.CPU, 2.0, 0.01, 0.5, 0.01)
LOCK = WaitSlice("Lock", WaitClass.LOCK, 2.0, 0.01, 0.5, 0.01)
IDLE = WaitSlice("idle", WaitClass.IDLE_IN_TRANSACTION, 9.0, 0.01, 0.0, 0.0)
WHOLE = Profile(SliceBy.CLASS, 60.0, 60, 4.0, 0.01, (IDLE, CPU, LOCK))
END = 13 * 3600 * MICROSECONDS


def heights(cpu: float = 0, lock: float = 0, idle: float = 0) -> tuple[float, ...]:
    values = {
        WaitClass.CPU: cpu,
        WaitClass.LOCK: lock,
        WaitClass.IDLE_IN_TRANSACTION: idle,
    }
    return tuple(values.get(kind, 0.0) for kind in WaitClass)


def texts(lines: list[Line]) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in lines]


def test_columns_are_stacked_to_a_round_scale() -> None:
    """Load from below, then the idle transactions as far as there is room; a gap is a dot."""
    drawn = [None, heights(cpu=2), heights(cpu=2, lock=2), heights(1, 1, idle=9)]
    chart = WaitChart(drawn, 60, END, WHOLE, cpus=3)
    size = ChartSize(4 + len(drawn), 2 + 1 + 4)
    assert texts(chart_lines(chart, size))[:5] == [
        "  4│  ▒T",
        "   │╌╌▒T",
        "  2│ ██▒",
        "   │·███",
        "   └────",
    ]


def test_each_class_has_a_sign_and_a_tone() -> None:
    chart = WaitChart([heights(cpu=2, lock=2)] * 30, 60, END, WHOLE, has_letters=True)
    lines = chart_lines(chart, ChartSize(80, 11))
    tones = {span.text: span.tone for line in lines for span in line}
    assert tones["C" * 30] is Tone.CALM
    assert tones["L" * 30] is Tone.ALARM


def test_the_legend_has_load_words_and_cpus() -> None:
    """A class that is no load comes last and has no share."""
    chart = WaitChart([heights(2, 2, 9)] * 38, 5, END, WHOLE, cpus=8)
    legend = [text[44:] for text in texts(chart_lines(chart, ChartSize(82, 12)))]
    assert legend[0].split() == ["CLASS", "AVG", "SHARE"]
    assert [text.split()[0] for text in legend[1:4]] == ["█", "▒", "T"]
    assert legend[3].endswith("no load")
    assert legend[5:7] == [
        "4.00 sessions at work on average",
        "0.50 for each of 8 CPUs (╌)",
    ]


def test_times_stand_below_their_columns() -> None:
    chart = WaitChart([heights(1)] * 40, 60, END, WHOLE)
    times = texts(chart_lines(chart, ChartSize(44, 12)))[-2]
    assert times.split() == ["12:20", "12:35", "12:50", "now"]
    assert times.index("12:35") == 4 + 15
    past = chart._replace(is_now=False)
    assert texts(chart_lines(past, ChartSize(44, 12)))[-2].endswith("13:00:00")


@given(
    st.integers(24, 200),
    st.integers(8, 60),
    st.lists(st.none() | st.floats(0, 2000), max_size=200),
    st.just(0.0) | st.floats(0.1, 300),
)
def test_a_chart_fills_its_room_and_no_more(
    width: int, height: int, loads: list[float | None], cpus: float
) -> None:
    size = ChartSize(width, height)
    drawn = [None if load is None else heights(load, load) for load in loads]
    padded = ([None] * size.columns + drawn)[-size.columns :]
    chart = WaitChart(padded, 5, END, WHOLE, cpus)
    lines = chart_lines(chart, size)
    assert len(lines) == height
    assert all(cells(text) <= width for text in texts(lines))


def test_a_low_screen_has_no_chart() -> None:
    assert chart_height(10) == 0
    assert not ChartSize(80, chart_height(10)).is_drawn
    assert ChartSize(80, chart_height(24)).rows >= 8
