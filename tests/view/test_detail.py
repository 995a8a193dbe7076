"""The detail view: the session's snapshot, and the sessions that it waits for."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail, Lock, StartSetting
from pgtop.view.detail import detail_lines
from pgtop.view.detail_facts import fact_lines
from tests import scenes

_AWAITED = Lock("relation", "ShareUpdateExclusiveLock", False, "stock")


@pytest.mark.parametrize(
    ("query", "exempt", "locks", "words"),
    [
        ("/* job */ VACUUM stock", True, (), ", and holds back no vacuum"),
        ("VACUUM (ANALYZE) stock", False, (), ": holds back vacuum"),
        ("SELECT 1", False, (), ": holds back vacuum"),
        ("SELECT 1", None, (), ": holds back vacuum"),
        (
            "VACUUM (ANALYZE) stock",
            None,
            (),
            ": holds back vacuum, unless it is a vacuum itself",
        ),
        (
            "VACUUM (ANALYZE) stock",
            False,
            (_AWAITED,),
            ": holds back vacuum, unless it is a vacuum itself",
        ),
        ("VACUUM stock", False, (_AWAITED,), ", and holds back no vacuum"),
    ],
)
def test_only_holders_are_said_to_hold_back_vacuum(
    query: str, exempt: bool | None, locks: tuple[Lock, ...], words: str
) -> None:
    """A vacuum holds back no other vacuum while it vacuums, whatever its text is, but it does while
    it analyzes.
    """
    backend = scenes.active(7, "web@shop", "psql", query, 60)._replace(
        backend_xmin=990, xmin_age=10
    )
    detail = Detail(scenes.NOW, backend, False, locks, exempt=exempt)
    text = _text(backend, detail).replace("\n", "  ")
    assert f"xmin 990, 10 behind{words}  " in text
    newest = _text(backend._replace(xmin_age=0), detail)
    assert "xmin 990, the newest" in newest


def test_settings_are_those_of_role_and_database_and_no_claim_is_made_beyond() -> None:
    backend = scenes.active(7, "web@shop", "psql", "select 1", 60)
    setting = StartSetting("work_mem", "64MB", "the setting of role web")
    detail = Detail(scenes.NOW, backend, False)
    assert "Settings" not in _text(backend, detail)
    text = _text(backend, detail._replace(settings=(setting,)))
    assert "work_mem = 64MB  the setting of role web\nWhat the session itself" in text
    text = _text(backend, detail._replace(settings=()))
    assert "none of its role or its database\nWhat the session itself has SET" in text


def test_a_prepared_blocker_is_named_with_the_statement_that_ends_it() -> None:
    """A prepared transaction has no session to look at, so the view shows how to end it."""
    derived = DerivedSnapshot.of(scenes.standstill())
    waiter = next(b for b in derived.snapshot.backends if b.pid == 49_001)
    lines = detail_lines(waiter, None, derived, 200)
    text = "\n".join("".join(span.text for span in line) for line in lines)
    words = "transfer-'4711': it has no session, ROLLBACK PREPARED 'transfer-''4711''' ends it"
    assert f"Waits for   prepared transaction {words}" in text


def _text(backend: Backend, detail: Detail) -> str:
    lines = detail_lines(
        backend, detail, DerivedSnapshot.of(scenes.snapshot([backend])), 160
    )
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


@pytest.mark.parametrize("width", range(76, 90))
def test_no_field_leaves_a_blank_line_behind_it(width: int) -> None:
    """A field as wide as the screen ends its line."""
    derived = DerivedSnapshot.of(scenes.busy())
    for backend in derived.snapshot.backends:
        lines = fact_lines(backend, None, derived, width)
        texts = ["".join(span.text for span in each) for each in lines]
        assert all(text.strip() for text in texts)
