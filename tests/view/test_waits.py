"""The ranking of the waits: columns at each width, and a filter that selects each slice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.wait_profile import Profile, SliceBy, profile, tally
from pgtop.model.waits import WaitClass, event_name, wait_class
from pgtop.table.arrange import Arranged
from pgtop.table.filter import Filter
from pgtop.table.layout import width_of
from pgtop.table.options import TableOptions
from pgtop.text.clean import cells
from pgtop.view.wait_events import event_words
from pgtop.view.wait_filter import slice_filter
from pgtop.view.wait_words import CLASS_WORDS, meaning_of
from pgtop.view.waits import WaitRow, arrange_waits, layout, query_name, wait_line
from tests.scenes import busy

SNAPSHOT = busy()


def ranking(by: SliceBy) -> Arranged[WaitRow, Profile]:
    """Return the slices of twenty samples that are alike."""
    counted = tally(0, SNAPSHOT.busy, by, SNAPSHOT.server.pid, query_name)
    return arrange_waits(profile([counted] * 20, by), TableOptions())


@given(st.integers(20, 220), st.sampled_from(SliceBy), st.booleans())
def test_lines_fill_their_width(width: int, by: SliceBy, is_live: bool) -> None:
    table = ranking(by)
    columns = layout(width, by, is_live)
    assert width_of(columns) == width
    for row in table.rows:
        line = wait_line(columns, row, table.context)
        assert sum(cells(span.text) for span in line) == width


def test_a_narrow_screen_has_room_for_the_sessions_of_now() -> None:
    *_, now = layout(40, SliceBy.EVENT)
    assert now.column.title == "NOW"
    assert now.width >= len("NOW")


def test_the_words_for_a_wait_of_a_lock_fit_80_columns() -> None:
    *_, means = layout(80, SliceBy.EVENT)
    for name in ("relation", "transactionid", "tuple", "virtualxid", "object"):
        assert len(event_words(f"Lock:{name}")) <= means.width


@pytest.mark.parametrize("by", SliceBy)
def test_the_filter_of_a_slice_selects_its_sessions(by: SliceBy) -> None:
    """Each of the slices selects exactly the sessions that it counts; by a property of sessions
    also those that do nothing.
    """
    derived = DerivedSnapshot.of(SNAPSHOT)
    rows = ranking(by).rows
    assert rows
    for row in rows:
        matches = Filter(slice_filter(row)).on(derived)
        sessions = [
            each
            for each in SNAPSHOT.busy
            if matches(each) and each.pid != SNAPSHOT.server.pid
        ]
        counted = [each for each in sessions if wait_class(each) is not None]
        if by not in (SliceBy.CLASS, SliceBy.EVENT):
            counted = [
                each
                for each in counted
                if wait_class(each) is not WaitClass.IDLE_IN_TRANSACTION
            ]
        assert len(counted) == row.slice.now or row.slice.now == 0
        if by is SliceBy.EVENT:
            assert {event_name(each) for each in counted} == {row.slice.name}


def test_every_class_is_explained() -> None:
    assert set(CLASS_WORDS) == set(WaitClass)
    assert meaning_of("IO:WALSync", WaitClass.IO) == event_words("IO:WALSync")
    assert meaning_of("IO:New", WaitClass.IO) == CLASS_WORDS[WaitClass.IO].brief
    words = {"IO:New": "Waiting for\ta new thing"}
    assert meaning_of("IO:New", WaitClass.IO, words) == "for a new thing"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("LWLock:WALWriteLock", "another writes WAL"),  # 12
        ("LWLock:clog", "transaction status"),
        ("LWLock:CLogControlLock", "transaction status"),
        ("IPC:Hash/Batch/Loading", "workers of a parallel hash"),
        ("IPC:HashBatchLoad", "workers of a parallel hash"),  # 13
        ("IO:SLRUFlushSync", "transaction status"),
        ("IO:SlruFlushSync", "transaction status"),  # 17
        ("Buffer:BufferShared", "another's use of a block"),  # 19
    ],
)
def test_events_of_any_version_are_explained(event: str, words: str) -> None:
    """Names and capitals changed with 13, 14, 17 and 19."""
    assert meaning_of(event, WaitClass.OTHER) == words


def test_queries_are_alike_whatever_their_literals() -> None:
    backend = SNAPSHOT.busy[0]
    texts = ["/* a */ SELECT  1, 'x'", "SELECT 22,\n'it''s'"]
    names = {query_name(backend._replace(query=text)) for text in texts}
    assert names == {"SELECT ?, '?'"}
