"""Ranges of tags, and the words for what is tagged."""

import pytest

from pgtop.model.backend import CLIENT_BACKEND, Backend
from pgtop.table.tags import between, tagged_words


@pytest.mark.parametrize(
    ("one", "other", "rows"),
    [
        ("b", "d", "bcd"),
        ("d", "b", "bcd"),
        ("c", "c", "c"),
        ("x", "b", ""),
        ("b", "x", ""),
        (None, "b", ""),
    ],
)
def test_a_range_has_both_ends(one: str | None, other: str, rows: str) -> None:
    assert "".join(between(list("abcde"), one, other)) == rows


def test_tags_are_counted_by_state() -> None:
    states = ["idle", "active", "idle", "idle in transaction"]
    sessions = [
        Backend(1, 5, state=state, backend_type=CLIENT_BACKEND) for state in states
    ]
    assert tagged_words(sessions[:1]) == "1 tagged, idle"
    assert tagged_words(sessions) == "4 tagged, 2 idle, 1 active, 1 idle in tx"
