"""No literal survives redaction, whole or cut; names and shape do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.view.redaction import redacted

_MARK = "§"  # stands in literals and comments, and nowhere else
_WORDS = st.sampled_from(
    ["SELECT", "from", "t1", "a$b", "é", '"Quoted ""Name"', "x.y", "$1", "(", ")", "*", "::text", ",", ";", "=", "||"]
)
_GAPS = st.sampled_from([" ", "\n", "\t", "  "])
_SECRETS = st.text(alphabet=f"{_MARK}'\\\"$-/*a \nq", max_size=12).map(lambda text: f"{_MARK}{text}{_MARK}")
_TAGS = st.sampled_from(["$$", "$q$", "$body$", "$é_1$"])


def _plain(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _non_conforming(text: str) -> str:
    """As it is written where standard_conforming_strings is off."""
    return _escaped(text).removeprefix("E")


def _comment(text: str) -> str:
    """Nested, and well so: what opens or closes one inside is taken out."""
    inner = text.replace("*", "").replace("/", "")
    return f"/* {inner} /* {inner} */ {inner} */"


_LITERALS = st.one_of(
    *(_SECRETS.map(written) for written in (_plain, _escaped, _non_conforming, _comment)),
    _SECRETS.map(lambda text: f"-- {text.replace(chr(10), ' ')}\n"),
    _SECRETS.map(lambda text: f"B{_plain(text)}"),
    _SECRETS.map(lambda text: f"U&{_plain(text)}"),
    st.tuples(_SECRETS, _TAGS).map(lambda pair: f"{pair[1]}{pair[0].replace('$', '')}{pair[1]}"),
)
_QUERIES = st.lists(st.one_of(_WORDS, _LITERALS, _GAPS), max_size=12).map(" ".join)


@given(_QUERIES, st.integers(0, 400))
def test_no_literal_survives(query: str, length: int) -> None:
    """Strings of every notation, comments and dollar quotes: nothing of them is left, wherever the text was cut."""
    assert _MARK not in redacted(query)
    assert _MARK not in redacted(query[:length])


@given(st.text(alphabet=f"{_MARK}'\\\"$-/*Ee \nqUu&1x.", max_size=60))
def test_masking_twice_changes_nothing(query: str) -> None:
    """What is masked stays as it is, whatever the text; none is too odd to be masked."""
    once = redacted(query)
    assert redacted(once) == once


@given(st.lists(_WORDS, max_size=20).map(" ".join))
def test_what_is_no_literal_stays(query: str) -> None:
    """Keywords, names, operators and parameters are shown as they are."""
    assert redacted(query) == query


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM t1 WHERE a = 'x''y' AND b = -12.5e-3", "SELECT * FROM t1 WHERE a = '?' AND b = -?"),
        ("SELECT 0xFF, 1_000, .5, 1., arr[1], t1.c2, $1", "SELECT ?, ?, ?, ?, arr[?], t1.c2, $1"),
        ("DO $do$ secret $do$ LANGUAGE x", "DO $$?$$ LANGUAGE x"),
        ("SELECT 1$a$se cret$a$", "SELECT ?$$?$$"),
        ("x = E'it\\'s' AND y", "x = E'?' AND y"),
        ("x = 'it\\' AND y = 'secret'", "x = '?'"),
        ("x = 'cut o", "x = '?'"),
        ("x = E'cut\\", "x = E'?'"),
        ("a /* cut /* o */ f", "a /*?*/"),
        ("a -- to the end\nb", "a --?\nb"),
        ('a "cut o', 'a "?'),
        ("$body$cut o$bod", "$$?$$"),
        ("<insufficient privilege>", "<insufficient privilege>"),
        ("ALTER ROLE x PASSWORD 'y'", "ALTER ROLE x PASSWORD '?'"),
    ],
)  # fmt: skip
def test_examples(query: str, shown: str) -> None:
    """What is left of a query; in doubt, less."""
    assert redacted(query) == shown


def test_a_megabyte_is_masked_at_once() -> None:
    """The longest text that a server can keep, of the worst kind: no step looks back."""
    assert redacted("'" * 1_000_001) == "'?'"
    assert redacted("/*" * 500_000) == "/*?*/"
    assert redacted("$a$" + "$b$" * 300_000) == "$$?$$"
