"""Role and database are written by one rule, wherever they appear."""

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.signalling.planning import plan_for_one
from pgtop.text.identity import user_at_database
from pgtop.view.confirmation import propose
from pgtop.view.detail import detail_lines
from tests import scenes

VACUUM = Backend(
    5, backend_start=1, datid=5, datname="shop", state="active", query="autovacuum: VACUUM t",
    backend_type="autovacuum worker",
)  # fmt: skip
WAITER = scenes.active(
    6, "web@shop", "web", "LOCK t", 60, wait="Lock:relation", blocked_by=[5]
)
DERIVED = DerivedSnapshot.of(scenes.snapshot([VACUUM, WAITER]))


@pytest.mark.parametrize(
    ("user", "database", "words"),
    [
        ("web", "shop", "web@shop"),
        (None, "shop", "shop"),
        ("repl", None, "repl"),
        (None, None, ""),
    ],
)
def test_missing_parts_are_left_out(
    user: str | None, database: str | None, words: str
) -> None:
    """Background processes have no role, and walsenders no database."""
    assert user_at_database(user, database) == words


def test_a_blocking_autovacuum_worker_is_named_by_its_type() -> None:
    """The detail of its waiter and the dialog about itself leave out the role that it does not
    have.
    """
    detail = "\n".join(
        "".join(span.text for span in line)
        for line in detail_lines(WAITER, None, DERIVED, 120)
    )
    assert "Waits for   5 shop autovacuum: autovacuum: VACUUM t" in detail
    plan = plan_for_one(Signal.TERMINATE, VACUUM, DERIVED.snapshot)
    subject = "".join(span.text for span in propose(plan, DERIVED).subject)
    assert subject.startswith("shop, autovacuum worker")
