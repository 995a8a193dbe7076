"""`pgtop progress`: what is under way, for people and for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.args.options import parse
from pgtop.cli.args.records import ProgressCommand
from pgtop.cli.commands.progress import as_json, page
from pgtop.cli.exit_codes import Exit
from pgtop.model.progress import SECTION, Operation, ProgressReading
from pgtop.model.section import Section
from pgtop.text.clean import cells
from tests import scenes
from tests.cli import one_sentence, pgtop

NAMES = [
    "pid",
    "command",
    "target",
    "phase",
    "phase_number",
    "phases",
    "percent",
    "remaining_seconds",
    "waits_for",
    "index",
    "done",
    "total",
    "unit",
    "pace_seconds",
    "asleep",
]


@contextmanager
def _build(dsn: str) -> Iterator[tuple[int, int]]:
    """Yield the pids of a writer and of the index build that waits for it."""
    with (
        psycopg.connect(dsn, autocommit=True) as worker,
        psycopg.connect(dsn) as writer,
    ):
        worker.execute("CREATE TABLE built (number int)")
        writer.execute("INSERT INTO built VALUES (1)")
        worker.pgconn.send_query(b"CREATE INDEX CONCURRENTLY built_i ON built (number)")
        pids = writer.info.backend_pid, worker.info.backend_pid
        with psycopg.connect(dsn, autocommit=True) as other:
            while not other.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", [pids[1]]
            ).fetchone():
                pass
            try:
                yield pids
            finally:
                # a build that goes on would deadlock with the drop
                other.execute("SELECT pg_terminate_backend(%s)", [pids[1]])
                while other.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pids[1]]
                ).fetchone():
                    pass
                writer.rollback()
                worker.close()
                other.execute("DROP TABLE built")


def _operation(pid: int, **changes: Any) -> Operation:
    usual = Operation(
        pid,
        "copy",
        "COPY FROM",
        backend_start=1,
        target="acc",
        counters={
            "bytes_processed": 1_500_000,
            "bytes_total": 0,
            "tuples_processed": 7,
        },
    )
    return usual._replace(**changes)


def _derived(section: Section[ProgressReading]) -> DerivedSnapshot:
    return DerivedSnapshot.of(replace(scenes.busy(), sections={SECTION: section}))


def _text(derived: DerivedSnapshot, width: int = 80) -> list[str]:
    lines = page(derived, width)
    return ["".join(span.text for span in line) for line in lines]


def test_the_words_choose_the_command() -> None:
    assert parse(["progress", "--json", "shop"]) == ProgressCommand(
        ConnectionOptions("shop"), json=True
    )
    assert parse(["progress", "--seconds", "0.5"]) == ProgressCommand(seconds=0.5)


@pytest.mark.parametrize("seconds", ["-1", "61", "soon"])
def test_a_wrong_time_is_refused_in_one_sentence(seconds: str) -> None:
    done = pgtop("progress", f"--seconds={seconds}")
    assert done.returncode == Exit.USAGE
    assert one_sentence(done.stderr)


def test_nothing_is_under_way(dsn: str) -> None:
    done = pgtop("progress", "--seconds", "30", dsn)  # no second sample is taken
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert "No vacuum, index build, copy or base backup is under way." in done.stdout


def test_a_build_that_waits_is_printed_with_the_session_that_holds_it_up(
    dsn: str,
) -> None:
    with _build(dsn) as (writer, worker):
        whole = json.loads(pgtop("progress", "--json", "--seconds", "0", dsn).stdout)
        [progress] = whole["progress"]
        assert list(progress) == NAMES
        assert (progress["pid"], progress["waits_for"]) == (worker, writer)
        assert (progress["command"], progress["target"]) == (
            "CREATE INDEX CONCURRENTLY",
            "built",
        )
        assert (progress["phase_number"], progress["phases"]) == (1, 9)
        assert (progress["percent"], progress["remaining_seconds"]) == (None, None)
        sessions = json.loads(pgtop("show", "--json", dsn).stdout)["sessions"]
        [own] = [each["progress"] for each in sessions if each["pid"] == worker]
        assert own["phase"] == progress["phase"]


def test_a_table_keeps_to_its_width_and_shows_bytes_in_place_of_a_percentage() -> None:
    reading = ProgressReading((_operation(12), _operation(7, target="x" * 90)))
    derived = _derived(Section(scenes.NOW, reading))
    for width in (40, 80, 120):
        assert max(map(cells, _text(derived, width))) <= width
    rows = _text(derived, 120)
    assert [row.split()[0] for row in rows[-2:]] == ["7", "12"]
    assert "1.5 MB, 7 rows" in rows[-1]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (
            Section(scenes.NOW, ProgressReading((_operation(1, backend_start=None),))),
            "hidden from this role",
        ),
        (Section(scenes.NOW, None, "permission denied"), "permission denied"),
    ],
)
def test_the_note_has_the_reason_for_what_is_missing(
    section: Section[ProgressReading], words: str
) -> None:
    derived = _derived(section)
    assert words in json.loads(as_json(derived))["note"]
    assert words in " ".join(_text(derived))
