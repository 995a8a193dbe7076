"""Facts of standbys, slots and the replay that only successive readings show."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.replication_history import (
    Positions,
    reach_of,
    replay_followed,
    sender_followed,
    slot_followed,
)
from pgtop.model.replication import (
    Replay,
    ReplicationReading,
    WalSender,
    position_of,
)
from pgtop.sources.sections import SECTION_TYPES
from tests.scenes.replication import (
    BACKUP,
    PRIMARY,
    REPLAY,
    on_standby,
    replicated,
)
from tests.snapshot_json import from_json, to_json


def test_a_reading_is_read_as_it_was_written() -> None:
    """A recording has it under the names of its fields."""
    for snapshot in (replicated(), on_standby()):
        again = from_json(to_json(snapshot), SECTION_TYPES)
        assert again.sections == snapshot.sections


def test_positions_are_read_as_the_server_writes_them() -> None:
    assert position_of("16/B374D848") == 0x16_B374D848
    assert [position_of(text) for text in (None, "", "x/1", "12")] == [None] * 4


def test_the_bounds_of_a_lag() -> None:
    positions = Positions()
    for at, position in ((10, 100), (20, 100), (30, 300), (40, 500)):
        positions = positions.after(position, at)
    assert positions.first_beyond(100) == 30
    assert positions.last_within(100) == 20
    assert positions.first_beyond(500) is None
    assert positions.last_within(50) is None
    assert positions.after(None, 50) == positions
    assert positions.after(400, 50).first_beyond(0) == 50  # another timeline


@given(st.lists(st.integers(0, 5), min_size=1, max_size=1500))
def test_few_positions_are_kept_and_none_is_wrong(steps: list[int]) -> None:
    """The first time beyond a position is never before that time."""
    positions = Positions()
    times: dict[int, int] = {}
    position = 0
    for at, step in enumerate(steps):
        position += step
        times.setdefault(position, at)
        positions = positions.after(position, at)
    assert len(positions.marks) <= 240
    middle = position // 2
    first = positions.first_beyond(middle)
    actual = min([at for each, at in times.items() if each > middle], default=None)
    assert (first is None) == (actual is None)
    assert first is None or first >= (actual or 0)


def test_a_receiver_that_replays_nothing_is_measured_by_what_it_has_written() -> None:
    sender = WalSender(1, "streaming", write_lsn="0/20")
    assert reach_of(sender) == 0x20
    assert reach_of(sender._replace(flush_lsn="0/10")) == 0x10
    assert reach_of(WalSender(1)) is None


def test_a_standby_is_silent_since_its_last_reply_was_first_seen() -> None:
    sender = WalSender(1, "streaming", replay_lsn="0/20", reply_time=5)
    nothing = ReplicationReading()
    first = sender_followed(sender, nothing, Positions(), now=10)
    before = nothing._replace(senders=(first,))
    again = sender_followed(sender, before, Positions(), now=20)
    replied = sender_followed(
        sender._replace(reply_time=15), before, Positions(), now=20
    )
    assert [each.silent_since for each in (first, again, replied)] == [10, 10, 20]


def test_a_slot_is_idle_since_it_was_first_seen_so() -> None:
    first = slot_followed(BACKUP, ReplicationReading(), now=10)
    before = PRIMARY._replace(slots=(first,))
    assert slot_followed(BACKUP, before, now=20).seen_inactive_since == 10
    active = BACKUP._replace(active=True)
    assert slot_followed(active, before, now=20).seen_inactive_since is None


def test_cancelled_queries_count_from_the_first_reading_and_from_a_reset() -> None:
    def followed(counts: dict[str, int], before: Replay | None, now: int) -> Replay:
        replay = REPLAY._replace(conflicts=counts, conflicts_before={})
        return replay_followed(replay, before, Positions(), now, waits=False)

    first = followed({"confl_lock": 4}, None, 10)
    more = followed({"confl_lock": 6}, first, 20)
    reset = followed({"confl_lock": 1}, more, 30)
    assert (more.conflicts_before, more.watched_since) == ({"confl_lock": 4}, 10)
    assert (reset.conflicts_before, reset.watched_since) == ({"confl_lock": 1}, 30)


def test_a_wait_of_the_replay_lasts_while_it_stays_in_its_place() -> None:
    def waits(replay: Replay, before: Replay | None, now: int) -> Replay:
        return replay_followed(replay, before, Positions(), now, waits=True)

    first = waits(REPLAY, None, 10)
    assert waits(REPLAY, first, 20).waits_since == 10
    further = REPLAY._replace(replay_lsn="0/1")
    assert waits(further, first, 20).waits_since == 20
