"""The texts to copy of a session do what they say, and nothing else, whatever a query contains."""

from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import HIDDEN_QUERY, Backend
from pgtop.model.detail import Detail
from pgtop.view.copies import Copied, Copy, CopyKind
from tests import scenes

HOSTILE = "x\n; DROP TABLE acc; --\u2028\r\nevil"


def session(query: str, **changes: object) -> Backend:
    backend = scenes.busy().busy[0]
    return backend._replace(query=query, **changes)  # type: ignore[arg-type]


def copied(backend: Backend, *, is_cut: bool = False, major: int = 18) -> Copied:
    snapshot = scenes.busy()
    server = snapshot.server._replace(version_num=major * 10_000)
    snapshot = replace(snapshot, server=server)
    detail = Detail(snapshot.taken_at, backend, query_is_cut=is_cut)
    return Copied(backend, DerivedSnapshot.of(snapshot), detail)


def explain(query: str, major: int = 18) -> Copy:
    return copied(session(query), major=major).copy(CopyKind.EXPLAIN)


def statements(text: str) -> list[str]:
    """Return the lines that a server would read, without comments."""
    return [line for line in text.splitlines() if not line.startswith("--")]


def test_every_kind_has_a_line_in_the_menu() -> None:
    assert all(0 < len(kind.words) <= 35 for kind in CopyKind)  # a menu of 40 columns


def test_a_query_is_named_whole_only_if_it_is() -> None:
    backend = session("SELECT 1")
    whole = copied(backend).copy(CopyKind.QUERY)
    assert whole == Copy("SELECT 1", f"the query of {backend.pid}")
    for part in (copied(backend, is_cut=True), copied(backend)._replace(detail=None)):
        name = f"the first 8 characters of the query of {backend.pid}"
        assert part.copy(CopyKind.QUERY) == Copy("SELECT 1", name)


def test_a_detail_of_a_later_query_is_not_used() -> None:
    backend = session("SELECT 1")
    later = session("SELECT 2", query_start=(backend.query_start or 0) + 1)
    both = copied(later)._replace(backend=backend)
    assert both.copy(CopyKind.QUERY).text == "SELECT 1"


def test_a_row_is_one_line_with_the_pid_and_the_query() -> None:
    text = copied(session("SELECT\n 1")).copy(CopyKind.ROW).text
    assert text.startswith(str(scenes.busy().busy[0].pid))
    assert "SELECT 1" in text
    assert "\n" not in text


def test_the_termination_compares_the_start_of_the_session() -> None:
    backend = session("SELECT 1", pid=42, backend_start=849_360_902_218_100)
    text = copied(backend).copy(CopyKind.TERMINATION).text
    assert statements(text) == [
        "SELECT pg_catalog.pg_terminate_backend(pid)",
        "  FROM pg_catalog.pg_stat_get_activity(42)",
        " WHERE pid = 42 AND backend_start = '2026-11-30 13:35:02.218100+00:00';",
    ]


def test_a_hidden_start_gives_no_termination() -> None:
    refused = copied(session("", backend_start=None)).copy(CopyKind.TERMINATION)
    assert refused.text == ""
    assert "may be another session" in refused.reason


def test_a_query_that_may_not_be_read_is_not_copied() -> None:
    """The server's words for it are no query."""
    refused = copied(session(HIDDEN_QUERY)).copy(CopyKind.QUERY)
    assert refused.text == ""
    assert refused.reason == "this role may not read it"


@pytest.mark.parametrize("kind", [CopyKind.TERMINATION, CopyKind.EXPLAIN])
def test_a_hostile_name_stays_in_its_comment(kind: CopyKind) -> None:
    plain = session("SELECT 1", usename="me", datname="here")
    hostile = session("SELECT 1", usename=HOSTILE, datname=HOSTILE)
    text = copied(hostile).copy(kind).text
    assert statements(text) == statements(copied(plain).copy(kind).text)


def test_an_explain_runs_the_one_statement() -> None:
    assert statements(explain("select 1; ").text) == ["EXPLAIN", "select 1", ";"]
    with_comment = explain("/* a */ (select 1) -- b").text
    assert statements(with_comment) == ["EXPLAIN", "/* a */ (select 1) -- b", ";"]


def test_parameters_have_a_generic_plan() -> None:
    query = "select '$9' from acc where id = $1 and bal > $2"
    lines = statements(explain(query).text)
    assert lines == ["EXPLAIN (GENERIC_PLAN)", query, ";"]
    before = explain(query, major=15)
    assert "-- Before version 16 parameters need a prepared statement." in before.text
    assert statements(before.text) == [
        "SET plan_cache_mode = force_generic_plan;",
        "PREPARE pgtop_plan AS",
        query,
        ";",
        "EXPLAIN EXECUTE pgtop_plan(NULL, NULL);",
        "DEALLOCATE pgtop_plan;",
        "RESET plan_cache_mode;",
    ]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select 1; drop table acc", "more than one statement"),
        ("select 1;;", "more than one statement"),
        ("select 'a\\'; drop table acc; --'", "more than one statement"),
        ("select /* ", "more than one statement"),
        ("select 1 \\! touch here", "a command for psql"),
        ("select 1 \\gexec", "a command for psql"),
        ("vacuum acc", "takes no such statement"),
        ("", "takes no such statement"),
        ("select $99999999", "parameter $99999999"),
    ],
)
def test_a_text_that_could_do_more_gives_no_explain(query: str, reason: str) -> None:
    refused = explain(query)
    assert refused.text == ""
    assert reason in refused.reason


def test_a_query_that_is_not_whole_gives_no_explain() -> None:
    """The reason says what became of the query."""
    whole = copied(session("select 1"))
    assert whole.detail is not None
    other = whole.backend._replace(query_start=1)
    for part, words in (
        (copied(session("select 1"), is_cut=True), "only the beginning"),
        (whole._replace(detail=None), "the whole query is not known"),
        (whole._replace(detail=None, has_ended=True), "the session has ended"),
        (whole._replace(backend=other), "runs another query now"),
    ):
        assert words in part.copy(CopyKind.EXPLAIN).reason


def test_a_query_with_bytes_of_another_encoding_gives_no_explain() -> None:
    """Such bytes are shown as escapes, which would be another literal."""
    whole = copied(session(r"select 1 where name = 'caf\xe9'"))
    snapshot = whole.seen_in.snapshot
    databases = dict(snapshot.server.databases)
    datid = whole.backend.datid or 0
    assert datid in databases
    assert whole.copy(CopyKind.EXPLAIN).reason == ""
    databases[datid] = databases[datid]._replace(encoding="SQL_ASCII")
    server = snapshot.server._replace(databases=databases)
    seen_in = DerivedSnapshot.of(replace(snapshot, server=server))
    refused = whole._replace(seen_in=seen_in).copy(CopyKind.EXPLAIN)
    assert "not in the encoding" in refused.reason


def test_masked_literals_are_noted_in_the_explain() -> None:
    whole = copied(session("select ?"))
    masked = replace(whole.seen_in.snapshot, are_queries_masked=True)
    copy = whole._replace(seen_in=DerivedSnapshot.of(masked)).copy(CopyKind.EXPLAIN)
    assert "-- Literals are masked: put a value in place of each ?." in copy.text


def test_a_pid_and_a_row_are_saved_as_text_and_all_else_as_sql() -> None:
    """A file whose name ends in .sql can be run."""
    texts = [kind for kind in CopyKind if kind.suffix == ".txt"]
    assert texts == [CopyKind.PID, CopyKind.ROW]
    assert {kind.suffix for kind in CopyKind} == {".txt", ".sql"}
