"""The words of the budget: what is used, free and reserved, and for which role."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.budget import budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.server import Login, Reserve, Rights, Server
from pgtop.model.snapshot import Snapshot
from pgtop.table.options import TableOptions
from pgtop.table.sessions import arrange_sessions
from pgtop.text.tone import Span
from pgtop.view.banner import budget_line, legend_line, server_line
from tests.scenes import busy, calm, full, nearly_full, not_privileged

OLD = 170_010
SUPERUSER = Login(10, "postgres", superuser=True)


def text(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


def on(snapshot: Snapshot, **changes: object) -> Snapshot:
    server: Server = snapshot.server._replace(**changes)  # type: ignore[arg-type]  # the tests name real fields
    return replace(snapshot, server=server)


def words(snapshot: Snapshot, width: int = 200) -> str:
    """Return the words beside the bar."""
    return text(budget_line(budget(snapshot), width)).partition("] ")[2]


def left(snapshot: Snapshot) -> str:
    legend = text(legend_line(budget(snapshot), 200))
    return next(part for part in legend.split("  ") if "for you" in part)


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (calm(), "14 of 97 used; 83 free; 3 reserved for superusers"),
        (nearly_full(), "! 91 of 97 used; 6 free; 3 reserved for superusers"),
        (full(), "!! 97 of 97 used; 0 free; 2 of 3 reserved left"),
        (
            not_privileged(),
            "about 45 of 97 used; about 52 free; 3 reserved for superusers",
        ),
        (
            on(calm(), version_num=OLD),
            "14 of 97 used; 83 free; 3 reserved for superusers",
        ),
        (
            on(nearly_full(), version_num=OLD),
            "! 91 of 97 used; at most 6 free; 3 reserved for superusers; logins in progress unseen",
        ),
        (on(full(), version_num=OLD), "!! 97 of 97 used; 0 free; 2 of 3 reserved left"),
    ],
)
def test_used_free_and_reserved(snapshot: Snapshot, expected: str) -> None:
    """Near the limit, unseen logins make `free` an upper bound; a quiet server does not mention
    them.
    """
    assert words(snapshot) == expected


def test_a_vendor_s_reserve_is_named() -> None:
    """Slots reserved by a setting of Amazon's belong to its role, and are not free."""
    limits = calm().server.limits._replace(
        reserved_connections=5, vendor_reserves=(Reserve("rds_superuser", 2),)
    )
    reserved = (
        "3 reserved for superusers, 5 reserved for pg_use_reserved_connections, 2 reserved "
        "for rds_superuser"
    )
    assert words(on(calm(), limits=limits)) == f"14 of 90 used; 76 free; {reserved}"


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (calm(), "4 for you (role limit)"),
        (on(calm(), roles={}), "83 for you"),
        (on(calm(), login=SUPERUSER), "86 for you, 3 reserved"),
        (on(not_privileged(), roles={}), "about 52 for you"),
        (full(), "2 for you, both reserved"),
        (on(full(), version_num=OLD), "at most 2 for you, both reserved"),
        (on(nearly_full(), version_num=OLD, roles={}), "at most 6 for you"),
        (on(nearly_full(), version_num=OLD), "4 for you (role limit)"),
    ],
)
def test_the_slots_left_are_a_sum(snapshot: Snapshot, expected: str) -> None:
    """The connections left are `free` plus the reserved slots that the role may use, or its own
    limit.
    """
    assert left(snapshot) == expected


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize(
    "snapshot", [nearly_full(), on(not_privileged(), rights=Rights())]
)
def test_doubt_is_shown_at_every_width(snapshot: Snapshot, width: int) -> None:
    """A number that pgtop cannot know is always marked as uncertain."""
    shown = words(on(snapshot, version_num=OLD), width)
    assert any(
        doubt in shown
        for doubt in ("at most 6 free", "up to 6 free", "about 52 free", "~52 free")
    )


def test_both_roles_are_named_if_they_differ() -> None:
    """The current role has the rights, and the login role holds the slot."""
    assert "monitor@postgres" in text(server_line(calm(), 120))
    acting = on(calm(), user="team", user_oid=1)
    assert "as team, logged in as monitor@postgres" in text(server_line(acting, 120))


def test_the_sessions_of_the_table_are_the_used_slots() -> None:
    """Parallel workers stand below their leader in the table, and are counted apart."""
    for shown, others in ((False, " + 2 workers"), (True, " + 9 others")):
        table = arrange_sessions(
            DerivedSnapshot.of(busy()), TableOptions(show_background=shown)
        )
        assert table.counts == f"{budget(busy()).used} sessions{others}"
        assert table.others == [row.is_client for row in table.rows].count(False)


@given(
    st.integers(1, 300),
    st.sampled_from([calm(), nearly_full(), full(), not_privileged()]),
    st.booleans(),
)
def test_no_line_is_wider_than_the_screen(
    width: int, snapshot: Snapshot, old: bool
) -> None:
    """No line is wider than the screen, at any width."""
    shown = on(snapshot, version_num=OLD) if old else snapshot
    lines = (
        budget_line(budget(shown), width),
        legend_line(budget(shown), width),
        server_line(shown, width),
    )
    assert all(len(text(line)) <= width for line in lines)
