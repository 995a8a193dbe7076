"""The sessions that a filter protects if part of a query's text is unknown."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.signalling.protection import guard
from pgtop.table.filter import Filter
from tests.scenes import active, snapshot

_WHOLE = "SELECT 1 /* payroll */"
_CUT = ("SELECT " + "column_of_a_table, " * 60)[:1023]


@pytest.mark.parametrize(
    ("protect", "query", "words"),
    [
        ("query:payroll", _WHOLE, "it matches --protect query:payroll"),
        ("query:nightly", _WHOLE, ""),
        (
            "query:nightly",
            _CUT,
            "it matches --protect query:nightly, or may: its query is cut by the server",
        ),
        (
            "nightly",
            _CUT,
            "it matches --protect nightly, or may: its query is cut by the server",
        ),
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
def test_a_cut_text_may_contain_the_word(protect: str, query: str, words: str) -> None:
    """A text as long as the server keeps may go on: a filter may match its unknown end."""
    shown = snapshot([active(1, "web@shop", "pool", query, 1.0)])
    reason = guard([Filter(protect)], DerivedSnapshot.of(shown))(shown.backends[0])
    assert reason == words or (words == "or may" and words in reason)


@pytest.mark.parametrize(
    "text", ["query:x", "x", "~x", "-query:x", "user:web -x", 'query:="x"']
)
def test_filters_that_read_queries(text: str) -> None:
    """A filter reads queries by its key, or by words that match any column."""
    assert Filter(text).reads_queries


@pytest.mark.parametrize(
    "text", ["", "user:web,x", "-app:x", "age>5m state:idle", "query-age>1s"]
)
def test_filters_that_read_no_queries(text: str) -> None:
    """Keys of other columns read no text."""
    assert not Filter(text).reads_queries
