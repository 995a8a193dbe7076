"""A report is inert: hostile text stays text, and nothing is loaded from elsewhere."""

from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.incident import incident
from pgtop.analysis.sample_summary import summary_of
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.view.report.contents import Evidence, Page, report
from pgtop.view.report.html import html
from pgtop.view.report.markdown import markdown
from pgtop.view.report.points import columns, strokes
from tests import scenes
from tests.sources.recording.test_files import HEADER

_ELEMENTS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "h1", "h2", "section", "p", "table",
     "thead", "tbody", "tr", "th", "td", "code", "figure", "figcaption", "span", "svg", "line",
     "text", "polyline", "rect"}
)  # fmt: skip


def report_of(*snapshots: Snapshot, hostile: str = "") -> Page:
    """Return a report of these samples."""
    summaries = [summary_of(DerivedSnapshot.of(snapshot)) for snapshot in snapshots]
    signal = {
        "at_instant": snapshots[0].taken_at,
        "pid": 1,
        "clock": "03:14:07",
        "signal": hostile or "terminate",
        "role": hostile,
        "database": hostile,
        "query": hostile,
        "reason": hostile,
    }
    evidence = Evidence(
        header=HEADER._replace(server=hostile or "db1:5432"),
        incident=incident(summaries, snapshots),
        gaps=[Gap(0, None, hostile or "the server was away")],
        damages=1,
        signals=[signal],
        is_sparse=True,
    )
    return report(evidence)


class _Reader(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_scene(text: str) -> list[Snapshot]:
    """Return two samples of a lock queue in which every text is this one."""
    scene = scenes.busy()
    rows = [
        backend._replace(query=text, application_name=text, usename=text, datname=text)
        for backend in scene.backends
    ]
    later = scene.taken_at + 2 * MICROSECONDS
    first = replace(scene, ungrouped=tuple(rows), idle_group=scenes.calm().idle_group)
    return [first, replace(first, taken_at=later)]


@given(
    st.text(max_size=40) | st.sampled_from(["<script>alert(1)</script>", "|`|\\n# x"])
)
def test_hostile_text_stays_text(text: str) -> None:
    """A page has only the elements of a report, however sessions are called."""
    contents = report_of(*hostile_scene(text), hostile=text)
    page = html(contents)
    reader = _Reader()
    reader.feed(page)
    assert reader.elements <= _ELEMENTS
    assert not {name for name in reader.attributes if name.startswith("on")}
    assert not reader.attributes & {"src", "href", "xlink:href", "action"}
    lines = markdown(contents).splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert len(headings) == 1 + len(contents.sections)
    tables = [line for line in lines if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_the_report_names_the_root_and_its_victims() -> None:
    """The roots' table has the root's pid, its waiters, and what it did."""
    first = scenes.busy()
    later = replace(first, taken_at=first.taken_at + MICROSECONDS)
    root = DerivedSnapshot.of(first).forest.roots[0]
    page = markdown(report_of(first, later))
    row = next(line for line in page.splitlines() if line.startswith(f"| {root.pid} "))
    assert f"| {root.total_waiters} |" in row
    assert "it lasted until the end" in row
    assert "from one sample a minute" in page
    assert "the server was away" in page


_AT = st.lists(st.integers(0, 1000), min_size=1, max_size=60, unique=True).map(sorted)


@given(_AT, st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 300)), max_size=4))
def test_nothing_is_drawn_in_a_gap(
    times: list[int], spans: list[tuple[int, int]]
) -> None:
    """Each value is drawn at its time, and no line leads over a gap."""
    gaps = [Gap(start, start + length, "away") for start, length in spans]
    values = [float(time) for time in times]
    lines = strokes(times, values, gaps, 1000)
    width = max(1, times[-1] - times[0])
    points = [point for line in lines for point in line]
    assert [point.value for point in points] == values
    for point in points:
        assert point.share == (point.value - times[0]) / width
    for line in lines:
        for before, after in pairwise(line):
            assert not _has_gap(gaps, int(before.value), int(after.value))


def _has_gap(gaps: list[Gap], before: int, after: int) -> bool:
    return any(
        gap.first_at < after and gap.last_at is not None and gap.last_at > before
        for gap in gaps
    )


def test_a_line_of_blocks_has_a_dash_in_a_gap() -> None:
    """The highest value of each stretch of time stands there; the peak stays."""
    times = [0, 1, 2, 6, 7, 8, 9]
    values = [1.0, 2.0, 9.0, 4.0, 4.0, 5.0, 1.0]
    assert columns(times, values, [Gap(2, 6, "away")], 5) == [2, 9, None, 4, 5]
