"""Unreadable filters: each is refused at a character, with the remedy."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.table.filter import Filter, FilterError
from pgtop.table.language.help import FILTER_HELP
from tests.table.filter_scene import (
    ALL,
    DERIVED,
)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("foer:x", 0, 'unknown key "foer"'),
        ("shop foer:x", 5, "use one of db, user, app"),
        ("usr:x", 0, 'did you mean "user"?'),
        ("http://x", 0, "in quotes"),
        ("size>5", 0, 'unknown key "size"'),
        ("id=5", 0, 'unknown key "id"'),
        ("shop ~^sel", 0, 'unknown key "shop"'),
        ("state:", 6, "as in state:active"),
        (
            "state:blocked",
            6,
            "`blocked` is no state: use one of active, waiting, idle, idle-in-tx",
        ),
        ("state:idl", 6, "`idl` is no state"),
        ("state:idle,nosuch", 11, "`nosuch` is no state"),
        ("state:idle in transaction", 11, "write state:idle-in-tx"),
        ("state:active,", 13, "a value is missing"),
        ("db:shop user:", 13, "as in user:web"),
        ("user:=", 6, "a value is missing"),
        ("user: web", 5, "a value is missing"),
        ("user:web, api", 9, "a value is missing"),
        ("user:web ,api", 9, "user:web,api"),
        ("age>", 4, "as in age>5m"),
        ("age> 5m", 4, "as in age>5m"),
        ("age >  5m", 5, "as in age>5m"),
        ("age>5x", 4, "is not a duration"),
        ("age>-5", 4, "is not a duration"),
        ("age>5 m", 6, "write 5m"),
        ("age > 1.5 hours db:x", 10, "write 1.5h"),
        ("age>200 MS", 8, "write 200ms"),
        ("age>999999d", 4, "at most 99999d"),
        ("age>" + "9" * 400, 4, "at most 99999d"),
        ("age:5m", 3, "`age` does not go with `:`"),
        ("age=5m", 3, "as in age>5m"),
        ("age=>5m", 3, "as in age>5m"),
        ("age between 1m and 5m", 4, "write age>=1m age<=5m"),
        ("db>shop", 2, "as in db:shop"),
        ("pid:x", 4, "is not a whole number"),
        ("pid:1,x", 6, "is not a whole number"),
        ("pid:99999999999", 4, "is not a whole number"),
        ("pid in (1,2)", 4, "as in pid:4711,4712"),
        ("blocks>many", 7, "is not a whole number"),
        ("blocks:1", 6, "as in blocks>0"),
        ('app:"my', 4, 'unclosed quote: add " at the end'),
        ("app:'my", 4, "unclosed quote: add ' at the end"),
        ('"my app', 0, 'unclosed quote: add " at the end'),
        ('app:"my"app', 8, "a space is missing"),
        ('"a","b"', 3, "a space is missing"),
        ('db:""', 3, 'the empty value is db=""'),
        ('""', 0, "nothing in the quotes"),
        ('"datname"=shop', 9, "a key goes without quotes"),
        ("app:it's", 6, "goes in quotes"),
        ("app:web*", 7, "already means contains"),
        ("app:%web%", 4, "already means contains"),
        ("app:web|api", 7, "app:web,api"),
        ("app:^web", 4, "a pattern is app~^web"),
        ("app:a:b", 5, "cannot stand in a value"),
        ("app:-web", 4, "in quotes"),
        ("app:null", 4, "there is no `null`"),
        ("app=~web", 4, "as in app~^web"),
        ("app like 'web%'", 4, "write app:web (contains) or app~^web"),
        ("app NOT LIKE 'web%'", 4, "write not app:web"),
        ("user in (web,api)", 5, "write user:web,api"),
        ("query is null", 6, "write not query~. for an empty value"),
        ("state in (idle)", 6, "for one of several write state:active,waiting"),
        ("user = web in", 11, "there is no `in`"),
        ("app:my app", 7, "`app` is a key"),
        ("user", 0, "`user` is a key"),
        ("in", 0, "there is no `in`"),
        ("shop LIKE web", 5, "there is no `LIKE`"),
        ("web*", 3, "is no wildcard here"),
        ("a=b", 0, 'unknown key "a"'),
        ("5=5", 1, "in quotes"),
        ("= 5", 0, "`=` needs a key"),
        ("shop || crm", 5, "with `or` between them"),
        ("shop && crm", 5, "with `and` between them"),
        ("shop;crm", 4, "in quotes"),
        ("client:10.1", 7, "`10.1` is no address"),
        ("client:web-1", 7, "host names go with host:"),
        ("client:web1", 7, "host names go with host:"),
        ("client:10.1.2.3/8", 7, "write 10.0.0.0/8"),
        ("client=10.0.", 7, "write client:10.0."),
        ("-", 1, "a term is missing"),
        ("! shop", 1, "a term is missing"),
        ("not", 3, "a term is missing"),
        ("--x", 1, "one `-` is enough"),
        ("not not x", 4, "one `not` is enough"),
        ("or", 0, "a term is missing"),
        ("shop or", 7, "a term is missing"),
        ("shop or and crm", 8, "a term is missing"),
        ("()", 1, "a term is missing"),
        ("(shop", 0, "unclosed parenthesis: add )"),
        ("shop)", 4, "`)` closes nothing"),
        # signs as chats, editors and keyboards change them
        ("db：shop", 2, "write :"),
        ("age≥5m", 3, "write >="),
        ("db≠shop", 2, "write !="),
        ("–db:shop", 0, "write -"),
        ("app:“web”", 4, "write \" or '"),
        ("app!~“web”", 5, "write \" or '"),
        ("app!=‘web’", 5, "write \" or '"),
        ("（db:shop）", 0, "write ("),
        ("db!=shop\u200b", 8, "cannot be seen (U+200B): remove it"),
        ("app!~web\u200b", 8, "cannot be seen (U+200B)"),
        ('db!="shop\u200b"', 9, "cannot be seen (U+200B)"),
        ("db!='my\u00a0shop'", 7, "not an ordinary one (U+00A0)"),
        ("age>5m 30s", 7, "write 5m30s"),
        ("age>1h 30m db:shop", 7, "write 1h30m"),
        ("stmt>5m", 0, 'did you mean "query-age"?'),
        ("xact_start<5m", 0, 'did you mean "xact"?'),
        # terms that were meant as a list
        ("pid:1 pid:2", 6, "several are pid:1,2"),
        ("pid:1 db:a 2", 11, "several are pid:1,2"),
        ("user=web user=api", 9, "several are user=web,api"),
        ("db=a (age>1m db=b)", 13, "several are db=a,b"),
        ("state:idle state:active", 11, "several are state:idle,active"),
        # parts of a type
        ("type!=client", 6, 'write type:client, or type="client backend"'),
        ("type=autovacuum", 5, "write type:autovacuum"),
        ("type=WALSENDER", 5, 'type="walsender"'),
        ("(" * 21 + "x" + ")" * 21, 20, "20 deep"),
        ("~", 1, "a pattern is missing"),
        ("user~~'web%'", 5, "goes in quotes"),
        ("user !~~ web", 7, "goes in quotes"),
        ("user ~= web", 6, "goes in quotes"),
        ('app:~^"my', 6, "goes in quotes"),
        ("app ~ state:idle", 6, "looks like a term"),
        ("4711 4712", 5, "pid:4711,4712"),
        ("pid:4711 4712", 9, "pid:4711,4712"),
        ("idle in transaction", 5, "write state:idle-in-tx"),
        ("idle", 0, "or state:idle"),
        ("blocked_by>0", 10, "as in b:4711"),
        ("client:10.0.*", 12, "as in client:10.0."),
        ("~(", 1, "missing )"),
        ("app:~[a", 5, "cannot be read"),
        ("~(?L)(?u)a", 1, "cannot be read"),
        ("~" + "(" * 400, 1, "nested too deeply"),
        ("~" + "a" * 501, 1, "500 characters"),
        ("x" * 2001, 2000, "2000 characters"),
    ],
)
def test_an_unreadable_filter_is_refused(text: str, position: int, words: str) -> None:
    """An error has the position and the remedy, also for a word that is still being typed."""
    with pytest.raises(FilterError) as caught:
        Filter(text)
    assert caught.value.position == position
    assert words in caught.value.message
    assert str(caught.value) == f"character {position + 1}: {caught.value.message}"


TERMS = st.sampled_from(
    [
        '"shop"',
        "db:shop",
        "state:idle",
        "-query:copy",
        "wait:Lock",
        "age>5m",
        "blocks>0",
        "pid:4711",
        "~^sel",
        "app:~i",
        '"x"',
    ]
)
FRAGMENTS = st.lists(
    TERMS
    | st.sampled_from([*'-:=~<>,"\\ (){}*', "age", "pid", "state"])
    | st.text(max_size=3)
)


@pytest.mark.parametrize("key", ["state", "client"])
def test_no_empty_value_is_offered_where_the_key_has_none(key: str) -> None:
    """No state and no address is empty: the advice would lead from one refusal to the next."""
    error = error_of(f'{key}:""')
    assert error is not None
    assert "a value is missing" in error.message
    assert "empty value" not in error.message
    assert error_of(f'{key}=""') is not None


@settings(deadline=None)  # a pattern may take its whole limit
@given(FRAGMENTS.map("".join) | st.text())
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    """Any text is a filter or a FilterError at a position in the text; a filter can be applied to
    any session.
    """
    error = error_of(text)
    assert error is None or (0 <= error.position <= len(text) and error.message)


def error_of(text: str) -> FilterError | None:
    try:
        chosen = Filter(text)
        for backend in ALL:
            chosen.matches(backend, DERIVED)
    except FilterError as error:
        return error
    return None


@pytest.mark.parametrize(
    "text",
    [
        "~(?:a{5000}){5000}",
        "~" + "(?:" * 30 + "a" + "){9}" * 30,
        '~"(?x)(?:a{5 000}){999}"',
    ],
)
def test_a_pattern_that_takes_too_long_to_compile_is_refused(text: str) -> None:
    """Nested counted repeats would take the compiler minutes and gigabytes."""
    began = time.monotonic()
    with pytest.raises(FilterError, match="repeats more than"):
        Filter(text)
    assert time.monotonic() - began < 0.5


def test_the_help_names_every_key() -> None:
    """Every key that an error offers is explained."""
    with pytest.raises(FilterError) as caught:
        Filter("zzzz:1")
    offered = re.search(r"use one of ([^.]*)\.", caught.value.message)
    assert offered is not None
    assert set(offered[1].split(", ")) <= {entry.name for entry in FILTER_HELP}
