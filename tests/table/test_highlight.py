"""The texts that a filter looks for are marked in the rows that it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table.filter import Filter
from pgtop.table.fitting import layout
from pgtop.table.highlight import highlighted, searches_of
from pgtop.table.layout import line
from pgtop.table.session_columns import SESSION_COLUMNS
from pgtop.text.tone import Tone
from tests import scenes
from tests.table.strategies import BACKEND

QUEUE = DerivedSnapshot.of(scenes.incident())
WIDE = layout(SESSION_COLUMNS, 199)


def marked_in(pid: int, text: str) -> list[str]:
    """Return the marked texts of a row under a filter."""
    row = QUEUE.snapshot.at(pid)
    spans = highlighted(line(WIDE, row, QUEUE), WIDE, searches_of(Filter(text)))
    return [span.text for span in spans if span.tone is Tone.MATCH]


@pytest.mark.parametrize(
    ("text", "pid", "marked"),
    [
        ("", 14_112, []),
        ("ALTER", 14_112, ["alter"]),
        ("acc", 14_112, ["acc"]),
        ("query:add", 14_112, ["add"]),
        ("app:migr", 14_112, ["migr"]),
        ("user:postgres", 14_112, ["postgres"]),
        ("user:=postgres", 14_112, []),
        ("db:shop", 14_112, ["shop"]),
        ("client:10.0.9.2", 14_112, ["10.0.9.2"]),
        ('query~"col[a-z]+"', 14_112, ["column"]),
        ("user:web or query:note", 14_112, ["note"]),
        ("-query:select alter", 14_112, ["alter"]),
        ("not (query:alter query:acc)", 14_112, []),
        ("age>2m", 14_112, []),
        ("shop", 13_323, ["shop"]),
    ],
)
def test_matched_text_is_marked(text: str, pid: int, marked: list[str]) -> None:
    """Words in any column, terms in theirs; nothing for what is negated, or is no text."""
    assert marked_in(pid, text) == marked


@given(BACKEND, st.sampled_from(["a", "e x", "user:web", "query~.", "日"]))
def test_a_mark_changes_no_character(backend: Backend, text: str) -> None:
    """The text stays the same for any characters, narrow or wide."""
    derived = DerivedSnapshot.of(scenes.snapshot([backend]))
    plain = line(WIDE, backend, derived)
    spans = highlighted(plain, WIDE, searches_of(Filter(text)))
    assert "".join(span.text for span in spans) == "".join(span.text for span in plain)
