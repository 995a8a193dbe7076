"""Comments before a statement are left out, so that its verb is in sight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.text.comments import statement_of

_BLOCK = st.recursive(
    st.sampled_from(["", "a", "'", "--", ";", "\n", "* /"]),
    lambda inner: st.lists(inner, max_size=3).map(
        lambda parts: f"/*{' '.join(parts)} */"
    ),
    max_leaves=6,
).filter(lambda text: text.startswith("/*"))
_LINE = st.sampled_from(["--\n", "-- a /* b\n", "--'x\r\n", "-- */\n"])
_COMMENTS = st.lists(st.one_of(_BLOCK, _LINE, st.sampled_from([" ", "\n\t"])))
_STATEMENTS = st.sampled_from(
    ["select 1", "SELECT '/* no */ --'", "with x as (select 1) table x", "-1", "/2"]
)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("select 1", "select 1"),
        ("  \n select 1", "select 1"),
        ("/* web:checkout */ select 1", "select 1"),
        ("-- from app.py:12\nselect 1", "select 1"),
        ("-- one\r-- two\nselect 1", "select 1"),
        ("/* a /* nested */ b */ select 1", "select 1"),
        ("/*+ SeqScan(t) */ select 1", "select 1"),
        ("/*controller='x',db='y'*/select 1 /*after*/", "select 1 /*after*/"),
        ("/* a *//* b */--c\n/* d */ select 1", "select 1"),
        ("/* no end select 1", "/* no end select 1"),
        ("/* a /* nested */ select 1", "/* a /* nested */ select 1"),
        ("-- nothing but this", "-- nothing but this"),
        ("/* nothing but this */ ", "/* nothing but this */ "),
        ("-- one\n/* cut off", "-- one\n/* cut off"),
        ("- -1", "- -1"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_comments_before_a_statement_are_left_out(text: str, statement: str) -> None:
    """A text that is nothing but comments, or was cut off inside one, stays as it is."""
    assert statement_of(text) == statement


@given(_COMMENTS, _STATEMENTS)
def test_any_comments_leave_the_statement(comments: list[str], statement: str) -> None:
    """Nested comments and lines are left out together."""
    assert statement_of("".join(comments) + statement) == statement


@given(st.text(alphabet="/*-+ \na'", max_size=40))
def test_the_statement_is_the_end_of_the_text(text: str) -> None:
    """Nothing is invented, nothing inside is changed, and something is left to be seen."""
    statement = statement_of(text)
    assert text.endswith(statement)
    assert bool(statement) == bool(text.strip())
    assert statement_of(statement) == statement
