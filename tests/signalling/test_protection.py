"""Whom a filter protects, where not all of a query's text is known."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.signalling.protection import guard
from pgtop.table.filter import Filter
from tests.scenes import active, snapshot

_WHOLE = "SELECT 1 /* payroll */"
_CUT = ("SELECT " + "column_of_a_table, " * 60)[:1023]


@pytest.mark.parametrize(
    ("protect", "query", "said"),
    [
        ("query:payroll", _WHOLE, "it matches --protect query:payroll"),
        ("query:nightly", _WHOLE, ""),
        (
            "query:nightly",
            _CUT,
            "it matches --protect query:nightly, or may: its query is cut by the server",
        ),
        ("nightly", _CUT, "it matches --protect nightly, or may: its query is cut by the server"),
        ("query:column", _CUT, "it matches --protect query:column"),
        ("query:nightly,weekly", _CUT[:-1] + "ü", "or may"),
        ("query:nightly user:web", _CUT, "or may"),
        ("-query:column", _CUT, ""),
        ("-query:nightly", _CUT, "or may"),
        ("query:nightly user:billing", _CUT, ""),
        ("user:billing", _CUT, ""),
        ("query:nightly", _CUT[:-4], ""),
        ("user:billing or query:nightly", _CUT, "or may"),
    ],
)
def test_words_may_stand_where_a_text_was_cut(protect: str, query: str, said: str) -> None:
    """Of a text that fills what the server keeps only the beginning is known: who would match but
    for it may match.
    """
    shown = snapshot([active(1, "web@shop", "pool", query, 1.0)])
    reason = guard([Filter.parse(protect)], DerivedSnapshot.of(shown))(shown.backends[0])
    assert reason == said or (said == "or may" and said in reason)


@pytest.mark.parametrize("text", ["query:x", "x", "~x", "-query:x", "user:web -x", 'query:="x"'])
def test_a_filter_knows_that_it_reads_queries(text: str) -> None:
    """By its key, or by words that may stand in any column."""
    assert Filter.parse(text).reads_queries


@pytest.mark.parametrize("text", ["", "user:web,x", "-app:x", "age>5m state:idle", "query-age>1s"])
def test_a_filter_knows_that_it_does_not(text: str) -> None:
    """Keys of other columns ask nothing of a text."""
    assert not Filter.parse(text).reads_queries
