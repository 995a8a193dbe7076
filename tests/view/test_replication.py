"""The words of replication: the line in the header, what is wrong, and the table."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.replication import replication_of
from pgtop.config.settings import Settings
from pgtop.model.replication import (
    ReplicationReading,
    SubscriptionWorker,
    WalSender,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.table.completion_values import column_values
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import column
from pgtop.text.clean import cells
from pgtop.text.tone import Span
from pgtop.view.export import Export
from pgtop.view.replication import (
    REPLICATION,
    arrange_replication,
    lacks_words,
    note_lines,
    reason_words,
)
from pgtop.view.replication_line import beside, troubles
from pgtop.view.replication_rows import COLUMNS, layout
from pgtop.view.replication_words import drop_statement, left_words
from tests.scenes import calm
from tests.scenes.base import NOW, ago
from tests.scenes.replication import (
    BACKUP,
    BEHIND,
    CDC,
    DB2,
    DB3,
    IN_STEP,
    MB,
    PRIMARY,
    REPLAY,
    STANDBY,
    lsn,
    on_standby,
    replicated,
)


def text(spans: Iterable[Span]) -> str:
    return "".join([span.text for span in spans])


def state_of(snapshot: Snapshot) -> State:
    return State.first(snapshot, Settings())


def forms_of(snapshot: Snapshot) -> list[str]:
    """Return the forms of the line below the bar."""
    words = beside(state_of(snapshot))
    assert words is not None
    return [text(form) for form in words.forms]


def wrong(snapshot: Snapshot) -> list[str]:
    """Return the longest form of each trouble."""
    return [text(each.forms[0]) for each in troubles(state_of(snapshot))]


def table(snapshot: Snapshot, width: int = 80) -> list[str]:
    """Return the rows of the view."""
    arranged = arrange_replication(snapshot, TableOptions())
    columns = layout(width)
    lines = [REPLICATION.line(columns, row, arranged.context) for row in arranged.rows]
    return [text(line) for line in lines]


def notes(snapshot: Snapshot) -> list[str]:
    return [text(line) for line in note_lines(replication_of(snapshot))]


def test_the_line_has_standbys_and_the_worst_slot() -> None:
    assert forms_of(replicated()) == [
        "2 standbys, worst replay 3.2 s / 18 MB; slot backup_x holds 41 GB (extended); "
        "2 of 10 slots",
        "2 standbys, worst replay 3.2 s / 18 MB; slot backup_x holds 41 GB (extended)",
        "2 standbys, worst 3.2 s / 18 MB; slot backup_x holds 41 GB (extended)",
        "2 standbys 3.2 s / 18 MB; slot backup_x 41 GB",
        "2 standbys 3.2 s / 18 MB",
    ]


def test_a_line_of_standbys_in_step_does_not_change() -> None:
    """Steady writes are on their way all the time."""
    near = BEHIND._replace(replay_lsn=lsn(300_000), replay_lag=0.04)
    reading = PRIMARY._replace(senders=(IN_STEP, near), slots=())
    assert forms_of(replicated(reading))[0] == "2 standbys within 1 s"


def test_a_server_without_replication_has_no_line() -> None:
    assert beside(state_of(replicated(ReplicationReading()))) is None


def test_the_line_of_a_standby_is_about_its_replay() -> None:
    assert forms_of(on_standby())[0] == "replay 3.2 s / 18 MB behind"
    paused = STANDBY._replace(replay=REPLAY._replace(pause_state="paused"))
    assert (
        forms_of(on_standby(paused))[0] == "replay paused, replay 3.2 s / 18 MB behind"
    )
    complete = REPLAY._replace(replay_lsn=lsn())
    alone = STANDBY._replace(receiver=None, replay=complete)
    assert forms_of(on_standby(alone))[0] == "nothing arrives from the primary"


def test_troubles_come_by_rank() -> None:
    lost = BACKUP._replace(
        slot_name="old", wal_status="lost", invalidation_reason="wal_removed"
    )
    nearly = BACKUP._replace(slot_name="near", wal_status="unreserved")
    far = BEHIND._replace(replay_lag=190.0)
    reading = PRIMARY._replace(senders=(far,), slots=(BACKUP, nearly, CDC, lost))
    assert wrong(replicated(reading)) == [
        "▲ slot lost old: its WAL is gone, its consumer must start again",
        "▲ slot nearly lost near: its WAL may be removed at the next checkpoint",
        "! slot backup_x holds 41 GB of WAL, 9.0 GB left",
        "! replication to db3 is 3.2 min / 18 MB behind",
    ]


def test_an_old_server_has_no_status_but_an_idle_slot_that_holds_much_is_wrong() -> (
    None
):
    """`wal_status` came in 13."""
    old = BACKUP._replace(wal_status=None, safe_wal_size=None, inactive_since=None)
    reading = PRIMARY._replace(slots=(old,), senders=())
    assert wrong(replicated(reading)) == ["! slot backup_x holds 41 GB of WAL"]
    assert not wrong(replicated(reading._replace(slots=(old._replace(active=True),))))


def test_a_slot_that_keeps_no_wal_has_no_limit_to_reach() -> None:
    """The server's safe_wal_size is far below 0 for a slot that was never used."""
    unused = BACKUP._replace(restart_lsn=None, wal_status=None, safe_wal_size=-67 * MB)
    replication = replication_of(replicated(PRIMARY._replace(slots=(unused, BACKUP))))
    words = {
        use.slot.restart_lsn: left_words(use, replication) for use in replication.slots
    }
    assert words == {None: "", BACKUP.restart_lsn: "9.0 GB"}


def test_a_server_without_free_slots_is_wrong() -> None:
    reading = PRIMARY._replace(slots=(CDC,), max_replication_slots=1)
    assert wrong(replicated(reading)) == [
        "! all 1 replication slots are in use, so none can be created"
    ]


def test_subscribers_are_no_standbys_and_backups_are_neither() -> None:
    backup = BEHIND._replace(state="backup", replay_lsn=None, flush_lsn=None)
    reading = PRIMARY._replace(
        senders=(IN_STEP, backup._replace(write_lsn=None)), slots=()
    )
    assert forms_of(replicated(reading))[0] == "1 standby within 1 s"
    alone = reading._replace(senders=(backup,))
    assert beside(state_of(replicated(alone))) is None
    logical = replicated(PRIMARY._replace(slots=()))
    backends = [
        each._replace(datid=5) if each.pid == DB3.pid else each
        for each in logical.backends
    ]
    words = forms_of(replace(logical, ungrouped=tuple(backends)))[0]
    assert words == "1 standby, 1 subscriber, worst replay 3.2 s / 18 MB"


def test_a_paused_replay_is_wrong() -> None:
    paused = STANDBY._replace(replay=REPLAY._replace(pause_state="paused"))
    assert wrong(on_standby(paused)) == [
        "! replay paused: 18 MB received and not replayed"
    ]
    assert not wrong(on_standby())


def test_the_table_of_a_primary() -> None:
    assert table(replicated()) == [
        "STANDBY          STATE      TO SEND TO REPLAY   BEHIND SYNC       CLIENT        ",
        "db3              streaming   1.0 MB     18 MB    3.2 s async      10.0.2.3      ",
        "db2              streaming      0 B       0 B      0 s sync       10.0.2.2      ",
        "SLOT             KIND        ACTIVE     HOLDS     LEFT STATUS     NOTE          ",
        "backup_x         physical        no     41 GB   9.0 GB extended   idle 2d04h    ",
        "cdc              logical        yes    400 MB    49 GB reserved   shop, read by…",
    ]
    assert notes(replicated()) == [
        "2 of 10 walsenders, 2 of 10 slots. The WAL disk keeps 41 GB for slots."
    ]


def test_the_table_of_a_standby() -> None:
    assert table(on_standby()) == [
        "FROM             STATE              TO REPLAY   BEHIND REPLAY     RECEIVED      ",
        "db1.shop.i…:5432 streaming              18 MB    3.2 s replays    3A/35294400   ",
        "SNAPSHOT         STATE               XMIN AGE      AGE ENDS       USER@DB       ",
        "41300            active                 1,204    1m35s            analyst@shop  ",
    ]
    assert notes(on_standby())[1:] == [
        "BEHIND is the age of the last replayed transaction: the lag is at most that.",
        "A session in the way of the replay is ended 30 s after that WAL arrived.",
        "Since 13:25:07 UTC: 3 queries cancelled: old snapshot 3.",
    ]


@pytest.mark.parametrize("width", [20, 40, 71, 72, 120, 200])
def test_each_line_is_as_wide_as_the_screen(width: int) -> None:
    for snapshot in (replicated(), on_standby()):
        assert {cells(line) for line in table(snapshot, width)} == {width}


def test_a_waiting_replay_has_the_most_time_that_is_left() -> None:
    """The WAL may have come before the wait was seen."""
    waits = STANDBY._replace(replay=REPLAY._replace(waits_since=ago(6)))
    assert " in 24 s " in table(on_standby(waits))[3]
    endless = REPLAY._replace(waits_since=ago(6), max_standby_streaming_delay=-1.0)
    snapshot = on_standby(STANDBY._replace(replay=endless))
    assert " in " not in table(snapshot)[3]
    assert "The replay waits without limit for sessions in its way." in notes(snapshot)


def test_a_silent_primary_may_be_any_far_ahead() -> None:
    """No message came for longer than a primary is ever silent."""
    receiver = STANDBY.receiver
    assert receiver is not None
    silent = receiver._replace(last_msg_receipt_time=ago(40))
    complete = REPLAY._replace(replay_lsn=lsn())
    snapshot = on_standby(STANDBY._replace(receiver=silent, replay=complete))
    replay = replication_of(snapshot).replay
    assert replay is not None
    assert (replay.lag_bytes, replay.lag_seconds) == (0, None)
    assert "silent 40s" in table(snapshot)[1]


def test_a_role_without_rights_is_informed_in_one_sentence() -> None:
    hidden = (WalSender(BEHIND.pid),)
    snapshot = replicated(PRIMARY._replace(senders=hidden))
    assert (
        lacks_words(replication_of(snapshot))
        == "Only pids of standbys are shown to this role: pg_monitor shows states and lags."
    )
    assert not lacks_words(replication_of(replicated()))
    refused = replace(
        replicated(),
        sections={"replication": Section(NOW, reason="permission denied")},
    )
    assert reason_words(replication_of(refused)) == "Not known: permission denied."


def test_rows_are_filtered_and_sorted_within_their_groups() -> None:
    snapshot = replicated()
    filtered = arrange_replication(
        snapshot, TableOptions(REPLICATION.filter("kind:slot"))
    )
    names = [row.figures[0].text for row in filtered.rows if row.figures]
    assert names == ["backup_x", "cdc"]
    by_size = arrange_replication(
        snapshot, TableOptions(sort=Sort("size", descending=False))
    )
    names = [row.figures[0].text for row in by_size.rows if row.figures]
    assert names == ["db2", "db3", "cdc", "backup_x"]


@pytest.mark.parametrize("name", [each.name for each in COLUMNS.columns])
def test_rows_of_all_kinds_are_sorted_by_each_column(name: str) -> None:
    waits = STANDBY._replace(
        replay=REPLAY._replace(waits_since=ago(6)),
        senders=PRIMARY.senders,
        slots=PRIMARY.slots,
        subscriptions=(SubscriptionWorker(5, "fed", pid=7), SubscriptionWorker(6)),
    )
    for reading in (PRIMARY, waits):
        snapshot = on_standby(reading)
        arranged = arrange_replication(snapshot, TableOptions(sort=Sort(name)))
        usual = arrange_replication(snapshot, TableOptions())
        assert {row.identity for row in arranged.rows} == {
            row.identity for row in usual.rows
        }


def test_headings_are_neither_completed_nor_exported() -> None:
    snapshot = replicated()
    arranged = arrange_replication(snapshot, TableOptions())
    names = column_values("name", arranged, REPLICATION)
    assert names == ["db3", "db2", "backup_x", "cdc"]
    assert column_values("kind", arranged, REPLICATION) == ["standby", "slot"]
    lines = Export("rows", REPLICATION, arranged, snapshot).csv().splitlines()
    assert lines[0] == "name,state,send,size,behind,status,note,kind"
    assert len(lines) == 5


def test_the_copied_statement_warns_and_quotes() -> None:
    [use, *_] = replication_of(replicated()).slots
    assert drop_statement(use).splitlines()[-1] == (
        "SELECT pg_drop_replication_slot('backup_x');"
    )
    assert all(line.startswith("--") for line in drop_statement(use).splitlines()[:-1])
    hostile = use._replace(slot=BACKUP._replace(slot_name="a';\nDROP TABLE x; --"))
    last = drop_statement(hostile).splitlines()[-1]
    assert last.startswith("SELECT pg_drop_replication_slot('a'';")
    assert last.endswith("DROP TABLE x; --');")


def test_a_walsender_has_its_lag_in_place_of_a_query() -> None:
    derived = DerivedSnapshot.of(replicated())
    query = column("query")
    assert query.text(DB3, derived) == "streaming, 3.2 s / 18 MB behind"
    assert query.text(DB2, derived) == "streaming, all replayed"
    unread = DerivedSnapshot.of(calm())
    assert query.text(DB2, unread).startswith("START_REPLICATION")


def test_lags_lie_between_what_was_seen() -> None:
    """The server's own lag keeps its last value when a standby falls silent, and is that of the
    last writes when new ones come.
    """
    silent = BEHIND._replace(replay_lag=0.01, behind_since=ago(40))
    woken = BEHIND._replace(replay_lag=900.0, complete_at=ago(5))
    unknown = BEHIND._replace(replay_lag=None)
    complete = IN_STEP._replace(replay_lag=0.5)
    lags = [
        replication_of(replicated(PRIMARY._replace(senders=(sender,))))
        .standbys[0]
        .lag_seconds
        for sender in (silent, woken, unknown, complete)
    ]
    assert lags == [40.0, 5.0, None, 0.0]
