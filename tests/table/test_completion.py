"""Completion of a filter that is being typed."""

from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.table.completion_values import session_values
from pgtop.table.filter import Filter
from pgtop.table.language.completion import completion
from pgtop.table.language.keys import SESSION_VOCABULARY
from pgtop.table.language.states import STATE_WORDS
from tests.scenes import busy, client, snapshot
from tests.scenes.pools import pooled

_SAVED = {"leak": "state:idle idle>10m", "long": "query-age>5m"}
_VALUES = {"db": ["shop", "crm", "sales 2"], "user": ["web", "worker"]}
_NAMES = st.text(min_size=1, max_size=20).filter(lambda name: "\0" not in name)


def completed(text: str) -> list[str]:
    """Return every text that Tab makes of `text`, with the cursor at its end."""
    result = completion(
        text, SESSION_VOCABULARY, lambda key: _VALUES.get(key, []), _SAVED
    )
    return [
        text[: result.start] + each + text[result.end :] for each in result.candidates
    ]


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("d", ["db:"]),
        ("state:idle ag", ["state:idle age>"]),
        ("-ap", ["-app:"]),
        ("(us", ["(user:"]),
        ("sta", ["state:"]),
        ("state-", ["state-age>"]),
        ("not query_a", ["not query-age>"]),
        ("db:s", ["db:shop", 'db:"sales 2"']),
        ("db=cr", ["db=crm"]),
        ("db = cr", ["db = crm"]),
        ("db:crm,s", ["db:crm,shop", 'db:crm,"sales 2"']),
        ('db:"sa', ['db:"sales 2"']),
        ("user:ork", ["user:worker"]),
        ("@l", ["@leak", "@long"]),
        ("-@le", ["-@leak"]),
        ("age>2", ["age>2m", "age>2h", "age>2s", "age>2d", "age>2ms"]),
        ("dbs:s", []),
        ("db~s", []),
        ("invoice", []),
        ('"db:s', []),
    ],
)
def test_tab_completes(typed: str, texts: list[str]) -> None:
    assert completed(typed) == texts


def _backend(key: str, value: str) -> Backend:
    backend = client(4711, "web@shop")
    if key == "db":
        return backend._replace(datname=value)
    if key == "user":
        return backend._replace(usename=value)
    return backend._replace(application_name=value)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["db", "user", "app"]), st.sampled_from([":", "="]), _NAMES)
def test_a_completed_value_selects_the_session_that_has_it(
    key: str, sign: str, name: str
) -> None:
    """Any name is quoted as the language needs, and the filter means that name."""
    backend = _backend(key, name)

    def values_of(_: str) -> Iterable[str]:
        return session_values(key, snapshot([backend]), [backend])

    text = f"{key}{sign}"
    result = completion(text, SESSION_VOCABULARY, values_of, {})
    derived = DerivedSnapshot.of(snapshot([backend]))
    for candidate in result.candidates:
        chosen = Filter(text + candidate)
        assert candidate.isprintable()
        assert chosen.matches(backend, derived)
        assert not chosen.matches(_backend(key, ""), derived)
    assert result.candidates


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("db:us\"' \\,=~<>!-(@age5\u202e\u00e9"), max_size=30
    )
)
def test_any_text_can_be_completed(text: str) -> None:
    """Completion never fails, whatever was typed."""
    result = completion(
        text, SESSION_VOCABULARY, lambda _: ["a b", 'c"d', "\x1b[31m"], _SAVED
    )
    assert 0 <= result.start <= result.end == len(text)
    assert all(candidate.isprintable() for candidate in result.candidates)


def test_the_states_on_screen_come_first() -> None:
    """The most frequent one is first; a state to come can be named, too."""
    scene = busy()
    states = session_values("state", scene, scene.backends)
    assert states[:4] == ["idle", "active", "waiting", "idle-in-tx"]
    assert set(states) == set(STATE_WORDS)


def test_the_values_of_a_scene_are_all_read_back() -> None:
    """Each key of the language offers values that it takes."""
    for scene in (busy(), pooled()):
        offer = partial(session_values, snapshot=scene, backends=scene.backends)
        for key in SESSION_VOCABULARY.keys:
            result = completion(f"{key}:", SESSION_VOCABULARY, offer, {})
            for candidate in result.candidates:
                assert Filter(f"{key}:{candidate}").understood
