"""The statements as rows and as JSON, and what is known of the figures."""

import json
from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.statements import statements_of
from pgtop.cli.commands.statements import as_json, page
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import StatementsReading
from pgtop.sources.redacting import masked
from pgtop.table.filter import Filter
from pgtop.table.options import Sort, TableOptions
from pgtop.view.statements import (
    COLUMNS,
    STATEMENTS,
    arrange_statements,
    sessions_filter,
)
from tests.scenes.statements import (
    FAST_ID,
    QUERY_ID,
    READING,
    STUCK,
    counted,
    uncounted,
)


def lines(snapshot: Snapshot, width: int = 100, sort: str = "") -> list[str]:
    options = TableOptions(sort=Sort(sort or None))
    arranged = arrange_statements(snapshot, options)
    return [
        "".join(span.text for span in line).rstrip()
        for line in page(arranged, snapshot, width)
    ]


def test_the_table_shows_what_each_did_a_second() -> None:
    heading, slow, fast, stuck = lines(counted())[-4:]
    assert heading.split()[:5] == ["CALLS/S", "TIME", "MEAN", "USUAL", "ROWS/S"]
    assert heading.endswith("last 10 s")
    assert slow.split()[:7] == ["0.2", "67%", "820", "ms", "n", "<", "20"]
    assert fast.split()[:7] == ["412", "33%", "0.20", "ms", "0.10", "ms", "412"]
    assert "select price from products" in fast
    assert stuck.split()[:4] == ["0", "40", "ms", "0"]
    assert "UPDATE cart" in stuck


def test_what_an_old_server_does_not_count_is_no_zero() -> None:
    scene = counted(READING._replace(has_wal=False))
    server = scene.server._replace(version="12.22", version_num=120_022)
    table = statements_of(replace(scene, server=server))
    assert {row.sessions for row in table.rows} == {None}
    wal = COLUMNS.column("wal")
    assert {wal.text(row, table) for row in table.rows} == {""}
    assert sessions_filter(table.rows[0]) == ""


def test_a_statement_that_runs_is_there_although_no_call_has_ended() -> None:
    rows = {row.activity.query_id: row for row in statements_of(counted()).rows}
    assert rows[QUERY_ID].sessions == 1
    assert rows[FAST_ID].sessions == 0
    assert rows[QUERY_ID].activity.total.calls == 18_204


def test_what_is_missing_from_the_figures_is_shown() -> None:
    text = "\n".join(lines(counted()))
    assert "3 statements left pg_stat_statements meanwhile and are not counted." in text
    assert "USUAL: mean since" in text


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (uncounted("no extension"), "No statements: no extension."),
        (counted(StatementsReading(note="were reset")), "No statements: were reset."),
        (counted(StatementsReading()), "No statements: the first figures come"),
    ],
)
def test_an_empty_table_has_a_reason(scene: Snapshot, words: str) -> None:
    assert lines(scene)[-1].startswith(words)


def test_any_column_orders_the_rows() -> None:
    assert "products" in lines(counted(), sort="calls")[-3]
    assert "UPDATE cart" in lines(counted(), sort="now")[-3]


def test_programs_get_all_figures() -> None:
    arranged = arrange_statements(
        counted(), TableOptions(STATEMENTS.filter("query:products"))
    )
    record = json.loads(as_json(arranged, counted()))
    assert record["seconds"] == 10.0
    assert record["departed"] == 3
    assert record["all"]["calls"] == READING.did.calls
    [statement] = record["statements"]
    assert statement["query_id"] == FAST_ID
    assert statement["seconds"] == 0.824
    assert statement["mean_seconds"] == pytest.approx(0.0002)
    assert statement["usual_mean_seconds"] == pytest.approx(0.0001)
    assert statement["share"] == pytest.approx(0.824 / 2.472)


def test_literals_and_ids_that_reveal_them_are_masked() -> None:
    """The id of a text that is not normalized could be compared with guesses."""
    utility = READING.statements[0]._replace(text="CREATE ROLE x PASSWORD 'secret'")
    reading = READING._replace(statements=(*READING.statements, utility))
    table = statements_of(masked(counted(reading)))
    assert "secret" not in repr(table)
    slow, _, hidden, *_ = table.rows
    assert slow.activity.query_id == 815
    assert (hidden.activity.query_id, hidden.sessions) == (None, None)
    assert sessions_filter(hidden) == ""


def test_the_filter_of_a_statement_selects_its_sessions() -> None:
    scene = counted()
    [row] = [row for row in statements_of(scene).rows if row.sessions]
    narrowed = Filter(sessions_filter(row))
    matches = narrowed.on(DerivedSnapshot.of(scene))
    assert [each for each in scene.backends if matches(each)] == [STUCK]
    assert "query id" in narrowed.understood


def test_a_session_without_a_query_id_is_undecided() -> None:
    scene = counted()
    unknown = Backend(1)
    for text in ("query-id:5", "-query-id:5"):
        assert not Filter(text).on(DerivedSnapshot.of(scene))(unknown)
