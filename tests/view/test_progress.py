"""Progress in words: the state cell, the page of a session, and the dialog before a signal."""

from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.progress import followed
from pgtop.model.backend import AUTOVACUUM_WORKER, Backend
from pgtop.model.progress import SECTION, Operation, ProgressReading
from pgtop.model.section import Section
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.session_columns import column
from pgtop.view.progress import HIDDEN, does_words, progress_lines
from pgtop.view.progress_loss import progress_fields
from pgtop.view.progress_record import progress_record
from tests import scenes
from tests.scenes import NOW

WORKER = scenes.active(1, "web@shop", "psql", "vacuum acc", 60)
BLOCKER = scenes.active(2, "web@shop", "psql", "select 1", 90)


def operation(view: str, phase: str | None, command: str, **counters: int) -> Operation:
    return Operation(
        pid=1,
        view=view,
        command=command,
        backend_start=WORKER.backend_start,
        phase=phase,
        target="acc",
        counters=counters,
    )


def scan(done: int) -> Operation:
    return operation(
        "vacuum",
        "scanning heap",
        "VACUUM",
        heap_blks_scanned=done,
        heap_blks_total=1000,
    )


def sampled(*states: Operation) -> Operation:
    """Return the last of the states, which were seen a second apart, the last one now."""
    last: Operation | None = None
    for number, state in enumerate(states, start=1 - len(states)):
        last = followed(state, last, NOW + number * MICROSECONDS)
    assert last is not None
    return last


def derived_with(
    progress: Operation, worker: Backend = WORKER, *others: Backend
) -> DerivedSnapshot:
    snapshot = scenes.snapshot([worker, BLOCKER, *others])
    section = Section(NOW, ProgressReading((progress,)))
    return DerivedSnapshot.of(replace(snapshot, sections={SECTION: section}))


def cell(progress: Operation, width: int, worker: Backend = WORKER) -> str:
    return column("state").shown(worker, derived_with(progress, worker), width)


def text(progress: Operation, width: int = 80) -> str:
    lines = progress_lines(progress, derived_with(progress), width)
    return "\n".join("".join(span.text for span in line) for line in lines)


# The state cell.


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (19, "vacuum 1/4 61%"),
        (14, "vacuum 1/4 61%"),
        (12, "vacuum 61%"),
        (8, "61%"),
        (2, "active"),
    ],
)
def test_the_state_is_the_progress_as_far_as_it_fits(width: int, words: str) -> None:
    assert cell(scan(615), width) == words


def test_the_longest_words_fit_into_the_widest_state() -> None:
    full = operation(
        "cluster",
        "seq scanning heap",
        "VACUUM FULL",
        heap_blks_scanned=1,
        heap_blks_total=1,
    )
    automatic = WORKER._replace(backend_type=AUTOVACUUM_WORKER)
    assert cell(sampled(full), 19) == "vac full 1/2 100%"
    assert cell(sampled(scan(1000)), 19, automatic) == "autovacuum 1/4 100%"


def test_a_copy_without_a_size_shows_its_bytes() -> None:
    copy = operation("copy", None, "COPY FROM", bytes_processed=303_000, bytes_total=0)
    assert cell(copy, 19) == "copy 303.0 kB"


def test_work_of_another_session_of_the_pid_is_not_shown() -> None:
    other = WORKER._replace(backend_start=NOW - 1)
    assert cell(scan(615), 19, other) == "active"


def test_a_hidden_command_leaves_the_state_as_it_is() -> None:
    hidden = WORKER._replace(backend_start=None)
    progress = Operation(pid=1, view="vacuum", command="VACUUM")
    assert "vacuum" not in cell(progress, 19, hidden)
    assert HIDDEN in text(progress, 200)


# The page of a session.


def test_the_page_has_the_phases_the_estimate_and_what_follows() -> None:
    first = operation("vacuum", "initializing", "VACUUM")
    progress = sampled(first, scan(595), scan(605), scan(615))
    assert does_words(progress) == (
        "VACUUM of acc, phase 1 of 4, 61%, about 40s of this phase left"
    )
    assert text(progress, 200).splitlines() == [
        "initializing: took at least 1.0s",
        "scanning heap for 2.0s, 61%, 615 of 1,000 blocks, about 40s of this phase left"
        " at the pace of the last 2s",
        "then vacuuming indexes, vacuuming heap, cleaning up",
    ]


def test_a_phase_that_goes_on_behind_its_total_is_not_at_its_end() -> None:
    words = text(sampled(scan(999), scan(1000)), 200)
    assert "100%, 1,000 of 1,000 blocks, the rest of this phase is not counted" in words


def test_no_progress_for_half_a_minute_is_shown() -> None:
    assert "no progress for" in text(sampled(*[scan(5)] * 40), 200)


def test_the_page_names_the_session_that_holds_up_an_index_build() -> None:
    progress = operation(
        "create_index",
        "waiting for old snapshots",
        "CREATE INDEX CONCURRENTLY",
        lockers_total=3,
        lockers_done=1,
        current_locker_pid=2,
    )
    words = text(sampled(progress), 200)
    assert "1 of 3 sessions gone" in words
    assert "held up by 2 web@shop, active" in words
    assert progress_record(progress, derived_with(progress))["waits_for"] == 2


def test_the_page_has_the_share_asleep_and_the_passes() -> None:
    states = [scan(done)._replace(counters={**scan(done).counters, **more})
              for done, more in ((1, {"delay_time": 0}), (2, {"delay_time": 620}))]  # fmt: skip
    passes = states[1]._replace(
        counters={**states[1].counters, "index_vacuum_count": 2}
    )
    words = text(sampled(states[0], passes), 200)
    assert "asleep 62% of the time by its cost delay" in words
    assert "2 passes over the indexes so far" in words


# The dialog before a signal.


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (
            scan(615),
            "VACUUM of acc, phase 1 of 4, 61%; what it has cleaned stays clean",
        ),
        (
            operation("copy", None, "COPY FROM"),
            "COPY into acc; the rows that it has copied",
        ),
        (
            operation(
                "create_index", "building index", "CREATE INDEX CONCURRENTLY"
            )._replace(index_name="acc_i"),
            "the index acc_i stays behind, invalid",
        ),
    ],
)
def test_the_dialog_has_what_a_signal_leaves_behind(
    progress: Operation, words: str
) -> None:
    [line] = progress_fields(WORKER, derived_with(progress))
    assert words in "".join(span.text for span in line.value)


def test_the_dialog_of_another_session_has_nothing_of_it() -> None:
    assert progress_fields(BLOCKER, derived_with(scan(615))) == []
