"""`pgtop show`: one sample for people and programs, of real servers and of scripted ones."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgtop.analysis.budget import STATES
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.filters import filter_for_protection, filter_for_signals
from pgtop.cli.commands.show import as_json, option_filter, option_sort, page
from pgtop.cli.output import painted
from pgtop.errors import UsageError
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import from_datetime
from pgtop.table.filter import Filter
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS
from pgtop.table.sessions import arrange_sessions
from pgtop.text.clean import cells
from pgtop.view.csv_report import as_csv
from pgtop.view.json_report import AGES, BLOCKS, COLUMNS, session_record
from tests import scenes
from tests.cli import PGTOP, pgtop
from tests.pty import Terminal

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def _shown(*words: str) -> dict[str, Any]:
    done = pgtop("show", "--json", *words)
    assert done.stderr == ""
    whole: dict[str, Any] = json.loads(done.stdout)
    return whole


@contextmanager
def _session(dsn: str, query: str = "SELECT 1") -> Iterator[psycopg.Connection[Any]]:
    """Open a session in a transaction that has run `query`."""
    with psycopg.connect(dsn, application_name="shown") as connection:
        connection.execute(query.encode())
        yield connection


def test_what_is_not_known_of_blockers_is_null() -> None:
    """A hidden session's blockers come from the locks alone; without them the note gives the
    reason."""
    whole = json.loads(
        as_json(
            DerivedSnapshot.of(scenes.not_privileged()),
            scenes.not_privileged().backends,
        )
    )
    assert whole["note"]
    hidden = [row for row in whole["sessions"] if row["backend_start"] is None]
    assert hidden
    assert {(row["blocked_by"], row["blocks"]) for row in hidden} == {(None, None)}


def test_json_has_the_names_that_scripts_rely_on(dsn: str) -> None:
    """The object has server, budget and sessions; sessions have pg_stat_activity's columns in
    the view's order."""
    whole = _shown(dsn)
    with psycopg.connect(dsn) as connection:
        columns = [
            column.name
            for column in connection.execute(
                "SELECT * FROM pg_stat_activity LIMIT 0"
            ).description
            or ()
        ]
    [own] = [row for row in whole["sessions"] if row["pid"] == whole["server"]["pid"]]
    assert list(whole) == [
        "version", "server", "sections", "understood", "note", "budget", "host", "sessions"
    ]  # fmt: skip
    assert list(own) == [*COLUMNS, *AGES, BLOCKS, "progress", "host"]
    assert [name for name in own if name in columns] == columns
    assert {
        "max_connections",
        "superuser_reserved_connections",
        "reserved_connections",
        "used",
        "free",
    } <= set(whole["budget"])
    assert list(whole["budget"]["states"]) == list(STATES)


def test_the_budget_counts_the_sessions(dsn: str) -> None:
    """The used slots are those of the listed sessions, by state as well, and the numbers add up
    to max_connections."""
    whole = _shown(dsn)
    budget = whole["budget"]
    assert budget["used"] == len(whole["sessions"]) == sum(budget["states"].values())
    assert (
        budget["used"] + budget["free"] + budget["reserved_left"]
        == budget["max_connections"]
    )
    assert budget["approximate"] is False


def test_a_session_is_shown_raw_and_exactly(dsn: str) -> None:
    """A hostile query is unchanged and complete, and times are exact enough to identify a
    session."""
    query = f"SELECT 1 /* \x1b[2J ‮ é \n {'long ' * 2000}*/"
    with _session(dsn, query) as session:
        pid = session.info.backend_pid
        [row] = [row for row in _shown(dsn)["sessions"] if row["pid"] == pid]
        with psycopg.connect(dsn) as other:
            row_on_server = other.execute(
                "SELECT query_start = %s::timestamptz AND xact_start = %s::timestamptz, query "
                "FROM pg_stat_activity"
                " WHERE pid = %s AND backend_start = %s::timestamptz",
                [row["query_start"], row["xact_start"], pid, row["backend_start"]],
            ).fetchone()
    assert row_on_server == (True, row["query"])
    assert row["application_name"] == "shown"
    assert row["state"] == "idle in transaction"
    assert (
        0
        <= row["state_age"]
        <= row["query_age"]
        <= row["xact_age"]
        <= row["backend_age"]
        < 60
    )


def test_the_blockers_are_listed(dsn: str) -> None:
    """`blocked_by` of a session that waits for a lock is a list of the pids that hold it."""
    with ExitStack() as stack:
        holder = stack.enter_context(
            _session(dsn, "SELECT pg_advisory_xact_lock(4711)")
        )
        waiter = stack.enter_context(psycopg.connect(dsn))
        waiter.pgconn.send_query(b"SELECT pg_advisory_xact_lock(4711)")
        rows: list[dict[str, Any]] = []
        while not any(row["wait_event_type"] == "Lock" for row in rows):
            rows = _shown(dsn, "--filter", f"pid:{waiter.info.backend_pid}")["sessions"]
        wanted = [(waiter.info.backend_pid, [holder.info.backend_pid])]
        waiter.close()
    assert [(row["pid"], row["blocked_by"]) for row in rows] == wanted


def test_all_brings_the_background_in(dsn: str) -> None:
    """Background processes are listed on request only."""
    kinds = {row["backend_type"] for row in _shown(dsn)["sessions"]}
    all_kinds = {row["backend_type"] for row in _shown(dsn, "--all")["sessions"]}
    assert kinds == {"client backend"}
    assert {"checkpointer", "client backend"} <= all_kinds


def test_filter_and_sort_are_those_of_the_dashboard(dsn: str) -> None:
    """--filter narrows in the language of `/`; --sort orders by a column's value, largest first
    by default."""
    with _session(dsn), _session(dsn):
        down = _shown(dsn, "--filter", "app:shown", "--sort", "pid")["sessions"]
        up = _shown(dsn, "--filter", "app:shown", "--sort", "pid:asc")["sessions"]
    assert all(before["pid"] > after["pid"] for before, after in pairwise(down))
    assert [row["pid"] for row in up] == [row["pid"] for row in reversed(down)]
    assert len(up) == 2


@pytest.mark.parametrize("name", ["query_age", "query-age", "STMT"])
def test_a_column_is_sorted_by_each_of_its_names(name: str) -> None:
    """The name of the column, that of the filter's key and the heading are the same to `--sort`."""
    assert option_sort(name, SESSION_COLUMNS) == Sort("query_age")


def test_the_table_begins_with_the_filter_in_words() -> None:
    """A printed table shows which rows it has left out."""
    options = TableOptions(Filter("state:idle"))
    table = arrange_sessions(DerivedSnapshot.of(scenes.busy()), options)
    shown = [painted(spans, False) for spans in page(table, 120)]
    assert "Filter: sessions that are idle" in shown


def test_csv_of_a_server(dsn: str) -> None:
    """The CSV of a server has a header and a record for each session, with quotes in queries
    escaped."""
    with _session(dsn, "SELECT 1, 'a \"quoted\"\nline'") as session:
        done = pgtop("show", "--csv", dsn, "--filter", "app:shown")
        pid = session.info.backend_pid
    [record] = csv.DictReader(io.StringIO(done.stdout, newline=""))
    assert list(record) == [*COLUMNS, *AGES, BLOCKS]
    assert record["pid"] == str(pid)
    assert record["query"] == "SELECT 1, 'a \"quoted\"\nline'"
    assert record["wait_event"] == "ClientRead"


def test_the_table_for_a_file_has_whole_queries(dsn: str) -> None:
    """A table for a file has no colour, no escape, and each query complete on its line."""
    query = f"SELECT 1 /* {'0123456789' * 50} \x1b[31m */"
    with _session(dsn, query):
        done = pgtop("show", dsn, environment={"LC_ALL": "C.UTF-8"})
    assert f"{'0123456789' * 50} ␛[31m */\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 1000, "pgtop's own query is cut"
    assert "\x1b" not in done.stdout


def test_the_table_on_a_terminal_fits_it(dsn: str) -> None:
    """On a terminal the table is as wide as the terminal, and coloured unless refused."""
    with _session(dsn, f"SELECT 1 /* {'0123456789' * 50} */"), _session(dsn):
        for words, environment, colored in [
            ([], {}, True),
            (["--no-color"], {}, False),
            ([], {"NO_COLOR": "1"}, False),
        ]:
            with Terminal(
                [*PGTOP, "show", *words, dsn], 100, 50, environment=environment
            ) as terminal:
                assert terminal.wait_for_exit() == 0
                assert "0123456789" in terminal.text
                assert (b"\x1b[" in terminal.raw) is colored
                lines = terminal.raw.decode().splitlines()
                assert terminal.text.rstrip().count("\n") == len(lines) - 1, (
                    "a line was wrapped"
                )


def test_ascii_where_the_locale_is_not_utf_8(dsn: str) -> None:
    """Without a UTF-8 locale the table is ASCII, and a free slot does not look like an unknown
    one.
    """
    with _session(dsn, "SELECT 'é'"):
        done = pgtop("show", dsn, environment={"LC_ALL": "C"})
    assert done.stdout.isascii()
    assert "?" not in done.stdout.splitlines()[1]


@pytest.mark.parametrize(
    "scene",
    [scenes.calm, scenes.busy, scenes.full, scenes.not_privileged, scenes.hostile],
)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_page(scene: Any, width: int) -> None:
    """Every line of the page fits and holds nothing that moves a cursor, in any scene."""
    snapshot: Snapshot = scene()
    lines = [
        painted(spans, color=False)
        for spans in page(
            arrange_sessions(DerivedSnapshot.of(snapshot), TableOptions()), width
        )
    ]
    assert len(lines) > sum(backend.is_client for backend in snapshot.backends)
    for line in lines:
        assert cells(line) <= width
        assert line.isprintable()


def test_a_missing_grant_is_named() -> None:
    """A role that sees little gets the name of the missing grant, and an estimated budget."""
    text = "\n".join(
        painted(line, color=False)
        for line in page(
            arrange_sessions(
                DerivedSnapshot.of(scenes.not_privileged()), TableOptions()
            ),
            120,
        )
    )
    assert "grant pg_read_all_stats to monitor" in text
    assert "about" in text


def _one(**values: Any) -> Backend:
    return Backend(4711, backend_type="client backend", **values)


@given(texts, texts)
def test_json_round_trip(query: str, name: str) -> None:
    """Any text comes back from the JSON as it was; the JSON itself is one line of plain ASCII."""
    snapshot = scenes.snapshot([_one(query=query, application_name=name)])
    written = as_json(DerivedSnapshot.of(snapshot), snapshot.backends)
    [row] = json.loads(written)["sessions"]
    assert (row["query"], row["application_name"]) == (query, name)
    assert written.endswith("}\n")
    assert written[:-1].isascii()
    assert written[:-1].isprintable()


fragments = st.sampled_from(
    ["=", "+1", "-", "@", "＝", ";", "\t", "\n", "\r\n", '"', ",", " ", "x", "'"]
)
cells_of_csv = texts | st.lists(fragments, max_size=12).map("".join)


@given(st.lists(cells_of_csv, min_size=1))
def test_csv_round_trip(queries: list[str]) -> None:
    """Any text comes back from the CSV, but for a ' before what a spreadsheet would run."""
    snapshot = scenes.snapshot([_one(query=query) for query in queries])
    written = as_csv(DerivedSnapshot.of(snapshot), snapshot.backends)
    records = list(csv.DictReader(io.StringIO(written, newline="")))
    assert written.endswith("\r\n")
    for query, record in zip(queries, records, strict=True):
        assert record["query"].replace("'", "") == query.replace("'", "")
        assert record["query"] == query or any(
            sign in query for sign in (*FORMULA, "\t", "\r", "\n")
        )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(cells_of_csv, cells_of_csv)
@example("SELECT 1;=cmd|' /C calc'!A0", "=1")
@example('SELECT 1; "=cmd"', "x\n\t=1")
def test_csv_holds_no_formula(separator: str, name: str, query: str) -> None:
    """With any separator of a spreadsheet, no cell of the CSV begins like a formula."""
    snapshot = scenes.snapshot([_one(application_name=name, query=query)])
    rows = csv.reader(
        io.StringIO(
            as_csv(DerivedSnapshot.of(snapshot), snapshot.backends), newline=""
        ),
        delimiter=separator,
    )
    assert not [
        cell for row in rows for cell in row if cell.lstrip().startswith(FORMULA)
    ]


def test_csv_of_a_megabyte_of_blanks_is_quick() -> None:
    """A megabyte of line ends is written at once; in quadratic time the test would hang."""
    query = "x" + "\n" * 1_000_000
    snapshot = scenes.snapshot([_one(query=query)])
    assert f'"{query}"' in as_csv(DerivedSnapshot.of(snapshot), snapshot.backends)


@given(st.datetimes(timezones=st.just(UTC)).map(from_datetime))
def test_times_are_exact(instant: int) -> None:
    """A time is ISO 8601 with its zone and always six decimals, and no microsecond is lost."""
    written = session_record(
        _one(backend_start=instant), DerivedSnapshot.of(scenes.calm())
    )["backend_start"]
    assert from_datetime(datetime.fromisoformat(written)) == instant
    assert len(written.partition(".")[2]) == len("000000+00:00")


def test_what_is_not_known_is_null() -> None:
    """Absent values are null in JSON and empty in CSV, and ages are then absent too."""
    snapshot = scenes.snapshot([_one()])
    [row] = json.loads(as_json(DerivedSnapshot.of(snapshot), snapshot.backends))[
        "sessions"
    ]
    known = {
        "pid": 4711,
        "backend_type": "client backend",
        "blocked_by": [],
        "blocks": 0,
    }
    assert {name: value for name, value in row.items() if value is not None} == known
    [record] = csv.DictReader(
        io.StringIO(as_csv(DerivedSnapshot.of(snapshot), snapshot.backends), newline="")
    )
    assert {name for name, value in record.items() if value} == {
        "pid",
        "backend_type",
        "blocks",
    }


def test_the_option_names_a_saved_filter_and_a_signal_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is printed shows its terms; a filter that decides about a signal is written out."""
    path = tmp_path / "config.toml"
    path.write_text('[filters]\nleak = "state:idle idle>10m"\n')
    monkeypatch.setenv("PGTOP_CONFIG", str(path))
    assert option_filter("db:shop @leak").text == "db:shop state:idle idle>10m"
    with pytest.raises(
        UsageError, match="there is no saved filter @leek: use one of @leak"
    ):
        option_filter("@leek")
    with pytest.raises(UsageError, match="a saved filter cannot be named here"):
        filter_for_signals(["db:shop", "@leak"])
    with pytest.raises(UsageError, match="a saved filter cannot be named here"):
        filter_for_protection("@leak", "--protect")
