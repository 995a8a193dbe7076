"""The filters of the breakdown: each selects the sessions that its share counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.breakdown import Dimension, breakdown
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.server import Database
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter, quoted
from pgtop.view.breakdown import BREAKDOWN, BreakdownRow, layout, share_filter
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
        (16, 0, "near!"),
        (20, 0, "full!"),
        (12, 8, "near!"),
        (12, 16, "full!"),
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
    assert [each for each in ("near!", "full!") if each in line] == (
        [word] if word else []
    )


@given(st.text())
def test_quoted_is_printable(text: str) -> None:
    """A quoted name can be put into a terminal's input line without harm."""
    assert quoted(text).isprintable()
