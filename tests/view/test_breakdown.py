"""The filters of the breakdown: each selects the sessions that its share counts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.breakdown import Dimension, breakdown
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.recent_use import RecentUse
from pgtop.model.backend import Backend
from pgtop.model.server import Database
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter, quoted
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.view.breakdown import BREAKDOWN, Folding, rows, share_filter, spec_for, worst
from pgtop.view.breakdown_rows import BreakdownRow, ShareTrouble, layout
from tests import scenes
from tests.analysis.test_breakdown import HIDDEN, NOW, SERVER, client

NAMES = st.none() | st.sampled_from(
    [
        "",
        "api",
        "hidden",
        "a b",
        'a"b',
        "-x",
        "~x",
        "a,b",
        "\\",
        "\x1b[31m",
        "ſ",
        "local",
    ]
)
NAMES |= st.text(max_size=6)
STATES = st.sampled_from(
    [
        "active",
        "idle",
        "idle in transaction",
        "idle in transaction (aborted)",
        "fastpath function call",
        "disabled",
        None,
    ]
)
CLIENTS = st.builds(
    client, NAMES, STATES, st.floats(0, 1000), datname=NAMES, usename=NAMES,
    wait_event_type=st.sampled_from([None, "Lock", "IO"]),
    client_addr=st.sampled_from([None, "10.0.0.1", "::1"]),
) | st.just(HIDDEN)  # fmt: skip


@settings(deadline=None)  # a dozen sessions, each put to every filter
@given(st.lists(CLIENTS, min_size=1, max_size=12), st.sampled_from(Dimension))
def test_each_session_is_in_one_share_and_matches_its_filter(
    backends: list[Backend], dimension: Dimension
) -> None:
    """Shares add up to one and counts to the sessions, and every filter selects as many as its
    share counts.
    """
    snapshot = Snapshot(NOW, SERVER, tuple(backends))
    result = breakdown(snapshot, dimension)
    assert sum(share.share for share in result) == pytest.approx(1)
    derived = DerivedSnapshot.of(snapshot)
    selected = [
        {
            i
            for i, b in enumerate(backends)
            if Filter(share_filter(dimension, share)).matches(b, derived)
        }
        for share in result
    ]
    assert [len(places) for places in selected] == [share.sessions for share in result]
    assert set().union(*selected) == set(range(len(backends)))


@pytest.mark.parametrize(
    ("shown", "hidden", "word"),
    [
        (8, 0, ""),
        (16, 0, "near"),
        (20, 0, "FULL"),
        (12, 8, "near"),
        (12, 16, "FULL"),
    ],
)
def test_a_share_is_full_only_if_that_is_certain(
    shown: int, hidden: int, word: str
) -> None:
    """Hidden sessions may be workers, which no connection limit counts."""
    server = SERVER._replace(databases={5: Database("shop", connection_limit=20)})
    clients = [client("api", "idle", 1.0, datname="shop")] * shown
    unseen = [HIDDEN._replace(datid=5, datname="shop", usesysid=99)] * hidden
    snapshot = Snapshot(NOW, server, (*clients, *unseen))
    result = breakdown(snapshot, Dimension.DATABASE)
    line = "".join(
        span.text
        for span in BREAKDOWN.line(
            layout(120), BreakdownRow(Dimension.DATABASE, result[0]), snapshot
        )
    )
    assert [each for each in ("near", "FULL") if each in line] == (
        [word] if word else []
    )


@given(st.text())
def test_quoted_is_printable(text: str) -> None:
    """A quoted name can be put into a terminal's input line without harm."""
    assert quoted(text).isprintable()


def shown(
    snapshot: Snapshot, room: int | None = None, kept: object = None
) -> tuple[BreakdownRow, ...]:
    use = RecentUse().observe(snapshot)
    folding = Folding(room, kept=kept)
    return rows(snapshot, TableOptions(), use, folding).rows


def text(row: BreakdownRow, snapshot: Snapshot, width: int = 80) -> str:
    return "".join(
        span.text for span in BREAKDOWN.line(layout(width), row, snapshot)
    ).rstrip()


def of_name(name: str, all_rows: tuple[BreakdownRow, ...]) -> BreakdownRow:
    return next(row for row in all_rows if row.share and row.share.name == name)


LEAK = "coupon-import"


@pytest.mark.parametrize(
    ("width", "heading", "line"),
    [
        (
            40,
            " BY ROLE               HELD      IDLE>5m",
            " api                     66 near      58",
        ),
        (
            80,
            " BY ROLE             HELD                  LIMIT         BUSY/60S IDLE>5m OLDEST",
            " api                   66 ███████████····· of 70   near   4 of 66      58    45m",
        ),
    ],
)
def test_a_share_as_a_whole_line(width: int, heading: str, line: str) -> None:
    """A share has the connections it holds, as a number and as a bar, its limit and its use."""
    full = scenes.full()
    assert text(of_name("api", shown(full)), full, width) == line
    drawn = header(layout(width), Sort(), " BY ROLE")
    assert "".join(span.text for span in drawn) == heading


@pytest.mark.parametrize("width", [1, 12, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("seconds", [0, 60, None])
def test_every_line_is_as_wide_as_the_screen(width: int, seconds: float | None) -> None:
    """Shares and the lines for folded ones fill every width exactly."""
    full = scenes.full()
    placed = layout(width, seconds)
    lines = [
        BREAKDOWN.line(placed, row, full)
        for row in shown(full, room=12)
        if not BREAKDOWN.heading(row)
    ]
    lines.append(header(placed, Sort(), " BY ROLE"))
    assert {sum(cells(span.text) for span in line) for line in lines} == {width}


def test_the_heading_names_the_seconds_watched() -> None:
    """A dashboard that has just started cannot know the last minute."""
    for seconds, title in ((3.0, "BUSY NOW"), (25.0, "BUSY/20S"), (60.0, "BUSY/60S")):
        placed = spec_for(seconds).layout(80, TableOptions())
        assert title in "".join(span.text for span in header(placed, Sort()))


def test_a_leak_is_an_alarm_and_the_view_opens_on_it() -> None:
    """The application with most idle slots comes before a role near its limit."""
    full = scenes.full()
    all_rows = shown(full)
    row = worst(all_rows)
    assert row is not None
    assert (row.name, row.trouble) == (LEAK, ShareTrouble.LEAK)
    line = BREAKDOWN.line(layout(80), row, full)
    loud = "".join(span.text for span in line if span.tone is Tone.ALARM)
    assert [word in loud for word in (LEAK, "█", "0 of 55")] == [True] * 3
    assert sum(each.trouble is ShareTrouble.LEAK for each in all_rows) == 1


def test_without_a_leak_the_view_opens_on_the_group_nearest_its_limit() -> None:
    """A group that is nearly used up comes before the largest one, and before idle connections."""
    database = Database("shop", connection_limit=4)
    server = SERVER._replace(databases={5: database})
    busy = [client("api", "active", datname="shop")] * 4
    snapshot = Snapshot(NOW, server, (*busy, *[client("cron", since=900)] * 2))
    row = worst(shown(snapshot))
    assert row is not None
    assert (row.dimension, row.trouble) == (Dimension.DATABASE, ShareTrouble.FULL)
    calm = worst(shown(replace(snapshot, server=SERVER)))
    assert calm is not None
    assert calm.name == "cron", "most idle connections"
    assert worst(()) is None


@pytest.mark.parametrize("room", [5, 12, 17, 30, 60])
def test_sections_fold_until_they_fit(room: int) -> None:
    """Folded shares are counted on a line of their own, and no share is lost."""
    full = scenes.full()
    all_rows = shown(full)
    folded = shown(full, room)
    assert len(folded) <= max(room, 19)
    shares = [row.share for row in folded if row.share]
    rest = [share for row in folded for share in row.folded]
    assert len(shares) + len(rest) == len([row for row in all_rows if row.share])


def test_the_group_under_the_cursor_is_never_folded_away() -> None:
    """A key must not reach the group that takes its place."""
    full = scenes.full()
    last = [row for row in shown(full) if row.dimension is Dimension.CLIENT][-1]
    assert last not in shown(full, 17)
    assert last in shown(full, 17, kept=last.identity)


def test_the_use_of_hidden_sessions_is_not_known() -> None:
    """A group with sessions that this role cannot see has a question mark."""
    snapshot = Snapshot(NOW, SERVER, (client("etl", "active"), HIDDEN))
    row = of_name("etl", shown(snapshot))
    assert row.busy is None
    assert " ? " in text(row, snapshot)
