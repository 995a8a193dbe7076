"""Saved filters: `@name` stands for a filter of the user's configuration."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table.filter import Filter, FilterError
from tests.scenes import busy
from tests.table.test_filter_properties import FILTERS

_SAVED = {
    "leak": "state:idle idle>10m",
    "both": "user:web or user:api",
    "wrong": "dbs:shop",
    "nested": "@leak db:shop",
    "empty": " ",
}


def read(text: str) -> Filter:
    return Filter(text, saved=_SAVED)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("@leak", "state:idle idle>10m"),
        ("db:shop @leak", "db:shop state:idle idle>10m"),
        ("-@leak", "not (state:idle idle>10m)"),
        ("not @both age>5m", "not (user:web or user:api) age>5m"),
        ("@both age>5m", "(user:web or user:api) age>5m"),
        ("(@leak) or pid:4711", "state:idle idle>10m or pid:4711"),
    ],
)
def test_a_name_stands_for_its_terms(written: str, canonical: str) -> None:
    """Groups and negations are about the whole saved filter, and the sentence shows all of it."""
    chosen = read(written)
    assert chosen == Filter(canonical)
    assert chosen.understood == Filter(canonical).understood
    assert chosen.text == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("db:shop @leek", "there is no saved filter @leek: use one of @leak, @both, "),
        ("@", "there is no saved filter @: use one of "),
        ("@wrong", 'the saved filter @wrong is wrong: character 1: unknown key "dbs"'),
        (
            "@nested",
            "the saved filter @nested is wrong: character 1: a saved filter cannot be",
        ),
        ("@empty", "the saved filter @empty is empty"),
    ],
)
def test_a_wrong_name_is_refused_at_its_place(written: str, message: str) -> None:
    with pytest.raises(FilterError) as error:
        read(written)
    assert error.value.message.startswith(message)
    assert error.value.position == written.index("@")


def test_a_name_selects_nothing_where_no_filter_may_be_named() -> None:
    """A signal is decided by what its user has read, not by a file."""
    for refused in (Filter.of_option, Filter, lambda text: Filter.of_arguments([text])):
        with pytest.raises(FilterError, match="a saved filter cannot be named here"):
            refused("not @leak")


def test_quoted_text_may_begin_with_the_sign() -> None:
    assert read('"@leak"').understood == Filter('"@leak"').understood


@settings(max_examples=60, deadline=None)
@given(FILTERS)
def test_a_named_filter_selects_what_it_selects_unnamed(text: str) -> None:
    """Naming a filter changes nothing about it, and its negation selects none of the same rows."""
    derived = DerivedSnapshot.of(busy())
    plain = Filter(text)
    named = Filter("@mine", saved={"mine": text})
    negated = Filter("not @mine", saved={"mine": text})
    for backend in derived.snapshot.backends:
        assert plain.matches(backend, derived) == named.matches(backend, derived)
        assert not (
            named.matches(backend, derived) and negated.matches(backend, derived)
        )


@given(st.text(alphabet="@leakboth -!(){}:\"'", max_size=20))
def test_any_text_with_names_is_read_or_refused(text: str) -> None:
    """A filter with names is read back from its own canonical text, without the names."""
    try:
        chosen = read(text)
    except FilterError:
        return
    assert Filter(chosen.canonical) == chosen


def test_a_name_ends_at_a_blank() -> None:
    with pytest.raises(FilterError, match="character 6: a space is missing here"):
        read("@leak:x")
