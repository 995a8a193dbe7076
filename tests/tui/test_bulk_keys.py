"""Many sessions at once, by the keys that users press."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.screen import ModalScreen

from pgtop.config.settings import Settings
from pgtop.model.backend import IDLE, Backend
from pgtop.model.signal import Signal
from pgtop.signalling.observe import RefusingSignaller
from pgtop.table.filter import Filter
from pgtop.tui.command_list import commands
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.results import ResultScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.rows import Rows
from pgtop.view_registry import KEYMAP
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, nearly_full
from tests.tui.apps import (
    Stage,
    headings_of,
    press,
    sessions_of,
    shown_on,
    table_of,
    text_of,
    with_changes,
    without,
)
from tests.tui.bulk_helpers import LEAK_KEYS, leak, requested

_SIZE = (100, 30)


async def test_tags_survive_sort_filter_and_refresh_and_end_with_their_session() -> (
    None
):
    """A tag is an identity: it stays with its session, and a new session under the same pid has
    none.
    """
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "tag", "tag", "tag")
        pids = shown_on(stage)[:3]
        assert "3 tagged" in headings_of(stage)
        await press(pilot, "sort_invert", "sort_right", "filter", *"user:anna", "open")
        await stage.tick()
        assert "3 tagged" in headings_of(stage)
        heir = next(b for b in first.backends if b.pid == pids[1])
        heir = heir._replace(backend_start=(heir.backend_start or 0) + 1)
        rest = without(without(first, pids[0]), pids[1])
        stage.source.script = [replace(rest, ungrouped=(*rest.backends, heir))]
        await stage.tick()
        assert "1 tagged" in headings_of(stage)
        words = "1 tagged, worker: C K act on them"
        assert words in text_of(stage, "#notice")
        await press(pilot, "untag_all")
        assert "tagged" not in text_of(stage, "#condition")


async def test_space_removes_a_tag() -> None:
    """Space on a tagged session untags it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "tag", "cursor_up", "tag")
        assert "tagged" not in text_of(stage, "#condition")


async def test_a_range_goes_from_the_last_tag_to_the_cursor() -> None:
    """The next range, up or down, begins where the last one ended."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "tag_range")
        assert "a range begins here" in text_of(stage, "#notice")
        await press(pilot, "cursor_up", "cursor_up", "tag_range")
        assert tagged_on(stage) == shown_on(stage)[:2], "the worker is its leader's"
        await press(pilot, *["cursor_down"] * 4, "tag_range")
        assert tagged_on(stage) == [*shown_on(stage)[:2], shown_on(stage)[4]]
        await press(pilot, "tag_invert")
        table = table_of(stage)
        seen = [row for row in table._rows[5:] if table.has_shown(row.identity)]
        assert tagged_on(stage) == leaders_among(seen)


async def test_a_range_leaves_out_what_was_never_in_sight() -> None:
    """From the first to the last row of a long table only the two pages in sight are tagged."""
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=(100, 24)) as pilot:
        await press(pilot, "tag", "cursor_last", "tag_range")
        table = table_of(stage)
        unseen = leaders_among(
            [row for row in table._rows if not table.has_shown(row.identity)]
        )
        assert len(unseen) > table.page
        shown = leaders_among(table._rows)
        assert tagged_on(stage) == [pid for pid in shown if pid not in unseen]
        words = f"{len(unseen)} in between were never in sight"
        assert words in text_of(stage, "#notice")
        await press(pilot, "tag_invert")
        assert tagged_on(stage) == []
        words = f"{len(unseen)} were never in sight: not tagged"
        assert words in text_of(stage, "#notice")
        await press(pilot, "tag_all", "tag_invert")
        assert tagged_on(stage) == unseen
        words = f"{len(unseen)} were never in sight: {len(unseen)} of them still tagged"
        assert words in text_of(stage, "#notice")


def leaders_among(rows: Sequence[Backend]) -> list[int]:
    """Return the pids of the sessions that are no parallel workers."""
    return [row.pid for row in rows if row.leader_pid is None]


def tagged_on(stage: Stage) -> list[int]:
    """Return the pids of the tagged sessions, top to bottom."""
    tagged = {identity.pid for identity in sessions_of(stage)._tags}
    return [pid for pid in shown_on(stage) if pid in tagged]


async def test_asterisk_tags_exactly_the_shown_sessions() -> None:
    """* tags all that is shown; K signals exactly those, by identity and only while unchanged."""
    first, signaller = nearly_full(), FakeSignaller()
    stage = Stage(first, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "clear", "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        await press(pilot, "confirm", *str(len(leak(first))), "open")
        assert requested(signaller) == {b.identity for b in leak(first)}
        assert all(
            request.only_if_unchanged and request.signal is Signal.TERMINATE
            for request in signaller.requests
        )
        assert isinstance(stage.app.screen, ResultScreen)
        assert f"{len(leak(first))} gone" in text_of(stage, "#facts")


@pytest.mark.parametrize(
    "keys",
    [
        ("keep",),
        ("clear",),
        ("open",),
        ("confirm", "open"),
        ("confirm", *"47", "open"),
        ("confirm", "clear"),
    ],
)
async def test_nothing_is_sent_without_the_number(keys: tuple[str, ...]) -> None:
    """n, Esc, Enter on Keep, y alone and a wrong number send nothing."""
    signaller = FakeSignaller()
    stage = Stage(nearly_full(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate", *keys)
        assert signaller.requests == []


async def test_one_tag_under_the_cursor_gets_the_dialog_of_one() -> None:
    """A single tagged session with the cursor on it gets the dialog for one session."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        pid = shown_on(stage)[0]
        await press(pilot, "tag", "cursor_up", "terminate")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert stage.app.screen._plan.targets[0].backend.pid == pid


async def test_tags_away_from_the_cursor_are_named_as_such() -> None:
    """The title calls the sessions tagged and counts those that the filter hides: the cursor may be
    elsewhere.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "tag", "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        assert _frame(stage)[0].endswith("Terminate 1 session that you tagged?")
        await press(pilot, "keep", "filter", *"user:web", "open", "terminate")
        assert _frame(stage)[0].endswith(
            "Terminate 1 session that you tagged, 1 of them not shown now?"
        )


async def test_the_list_is_frozen() -> None:
    """While the list is open one session ends, one moves on and a new one matches: only the others
    are signalled.
    """
    first, signaller = nearly_full(), FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        ended, moved, *rest = leak(first)
        later = moved._replace(query_start=first.taken_at)
        newcomer = moved._replace(pid=99_999, backend_start=first.taken_at)
        others = tuple(b for b in first.backends if b not in (ended, moved))
        stage.source.script = [replace(first, ungrouped=(*others, later, newcomer))]
        await stage.tick()
        assert "1 has started another query" in text_of(stage, "#facts")
        assert "1 has ended" in text_of(stage, "#facts")
        await press(pilot, "confirm", *str(len(rest)), "open")
        assert requested(signaller) == {b.identity for b in rest}


async def test_a_list_of_changed_sessions_names_the_key_that_takes_them() -> None:
    """If all sessions of the list went on, the key line still offers to include them."""
    first, signaller = nearly_full(), FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        changed = [b._replace(query_start=first.taken_at) for b in leak(first)]
        others = [b for b in first.backends if b not in leak(first)]
        stage.source.script = [replace(first, ungrouped=(*others, *changed))]
        await stage.tick()
        assert "take changed" in text_of(stage, "#keys")
        await press(pilot, "renew_plan", "confirm", *str(len(changed)), "open")
        assert requested(signaller) == {b.identity for b in changed}


async def test_changed_sessions_can_be_confirmed_again() -> None:
    """`a` shows the same sessions as they are now and includes them; a new session is still
    excluded.
    """
    first, signaller = nearly_full(), FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        moved = leak(first)[0]
        newcomer = moved._replace(pid=99_999, backend_start=first.taken_at)
        others = tuple(b for b in first.backends if b != moved)
        later = moved._replace(query_start=first.taken_at)
        stage.source.script = [replace(first, ungrouped=(*others, later, newcomer))]
        await stage.tick()
        await press(pilot, "renew_plan", "confirm", *str(len(leak(first))), "open")
        assert requested(signaller) == {b.identity for b in leak(first)}
        assert [
            request.target
            for request in signaller.requests
            if not request.only_if_unchanged
        ] == [moved.identity]


async def test_protected_sessions_are_never_one_of_many() -> None:
    """With all sessions tagged, background processes too, a protected one gets no request and is
    listed with its reason.
    """
    first, signaller = busy(), FakeSignaller()
    stage = Stage(first, Settings(protect=(Filter("user:anna"),)), signaller=signaller)
    async with stage.app.run_test(size=(100, 60)) as pilot:
        await press(pilot, "toggle_background", "tag_all", "terminate")
        text = text_of(stage, "#facts")
        assert all(
            word in text
            for word in (
                "pgtop's own",
                "streams WAL",
                "logical replication",
                "user:anna",
            )
        )
        dialog = stage.app.screen
        assert isinstance(dialog, BulkScreen)
        await press(pilot, "confirm", *str(len(dialog.unchanged.targets)), "open")
        sent = {request.target.pid for request in signaller.requests}
        safe = {
            b.pid
            for b in first.backends
            if not b.is_client or b.usename == "anna" or b.application_name == "pgtop"
        }
        assert sent
        assert not sent & safe


async def test_a_protected_session_alone_needs_its_pid() -> None:
    """A session that --protect names needs its pid, as a superuser's session does."""
    signaller = FakeSignaller()
    stage = Stage(busy(), Settings(protect=(Filter("user:anna"),)), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "filter", *"user:anna", "open", "terminate", "confirm")
        assert signaller.requests == []
        await press(pilot, *str(shown_on(stage)[0]), "open")
        assert len(signaller.requests) == 1


async def test_a_whole_group_from_the_breakdown() -> None:
    """K on a line of the breakdown is for all its sessions; `i` keeps the idle ones."""
    first, signaller = busy(), FakeSignaller()
    stage = Stage(first, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_breakdown", "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        await press(pilot, "only_idle")
        dialog = stage.app.screen
        idle = [t.backend for t in dialog.unchanged.targets]
        shop = {
            b.identity
            for b in first.backends
            if b.application_name == "shop-web" and b.state == IDLE
        }
        assert {b.identity for b in idle} == shop
        assert dialog.unchanged.understood.endswith(", only idle ones")
        assert "shop-web" in dialog.unchanged.understood
        await press(pilot, "confirm", *str(len(idle)), "open")
        assert requested(signaller) == shop


async def test_only_idle_keeps_a_list_without_idle_sessions() -> None:
    """`i` never empties the list; a note gives the reason."""
    first = nearly_full()
    busy_ones = tuple(
        b._replace(state="active") if b.state == IDLE else b for b in first.backends
    )
    stage = Stage(replace(first, ungrouped=busy_ones))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        dialog = stage.app.screen
        assert isinstance(dialog, BulkScreen)
        before = dialog.unchanged
        assert before.targets
        await press(pilot, "only_idle")
        assert dialog.unchanged == before
        assert "no session in this list is idle" in text_of(stage, "#facts")


def _frame(stage: Stage) -> tuple[str, str]:
    """Return title and subtitle of the dialog, as shown."""
    box = stage.app.screen.query_one("#box")
    return str(box._border_title), str(box._border_subtitle)


async def test_the_title_names_the_selection() -> None:
    """The group of the breakdown is named in plain words without markup; tagged sessions are named
    so.
    """
    first = busy()
    hostile = replace(
        first,
        ungrouped=tuple(b._replace(application_name="[red]x") for b in first.backends),
    )
    stage = Stage(hostile)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "tag", "tag", "terminate")
        assert _frame(stage)[0].endswith("Terminate 2 sessions that you tagged?")
        await press(pilot, "keep", "show_breakdown", "terminate")
        chosen = Filter('app:="[red]x"').understood
        assert _frame(stage)[0].endswith(f" sessions {chosen}?")


async def test_a_list_shows_how_much_of_it_is_below() -> None:
    """The count is what has no room, one less with each row down, and nothing at the end."""
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        rows = stage.app.screen.query_one("#targets", Rows)
        below = rows.row_count() - rows.page
        assert f"{below} more below" in _frame(stage)[1]
        await press(pilot, "page_down", "cursor_down")
        assert f"{below - 2} more below" in _frame(stage)[1]
        await press(pilot, "cursor_last")
        assert "below" not in _frame(stage)[1]


async def test_a_changed_row_keeps_its_name() -> None:
    """A row that is marked as changed still names its session."""
    first = nearly_full()
    session = leak(first)[0]
    stage = Stage(
        first,
        source=FakeSource(
            [with_changes(first, session.pid, query_start=first.taken_at)]
        ),
    )
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        await stage.tick()
        rows = stage.app.screen.query_one("#targets", Rows)
        shown = [
            "".join(span.text for span in rows.row_line(index))
            for index in range(rows.row_count())
        ]
    [changed] = [row for row in shown if row.startswith("~")]
    assert changed.split() == ["~", str(session.pid), "changed:", "another", "query"]


async def test_cancel_skips_sessions_without_a_query() -> None:
    """C on tags signals the running queries; for a group without any a notice explains this."""
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "cancel")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert "nothing was signalled" in text_of(stage, "#notice")


@pytest.mark.parametrize("typed", ["7", "11", "10"])
async def test_the_number_stands_still_while_it_is_typed(typed: str) -> None:
    """A list that shrinks while its number is typed asks again for the number that is left, even
    below the limit.
    """
    first, signaller = nearly_full(), FakeSignaller()
    for backend in leak(first)[11:]:
        first = without(first, backend.pid)
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "clear", "terminate", "1")
        assert "Type 11" in text_of(stage, "#request")
        stage.source.script = [without(first, leak(first)[0].pid)]
        await stage.tick()
        assert "Type 11" in text_of(stage, "#request")
        assert "the list has changed: 10 sessions now" in text_of(stage, "#facts")
        await press(pilot, "backspace", *typed, "open")
        assert signaller.requests == []
        assert "Type 10" in text_of(stage, "#request")
        await press(pilot, *"10", "open")
        assert len(signaller.requests) == 10


async def test_the_number_follows_the_list_until_it_is_typed() -> None:
    """While the field is empty, the number is that of the sessions that are left."""
    first, signaller = nearly_full(), FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    count = len(leak(first)) - 1
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "clear", "terminate")
        stage.source.script = [without(first, leak(first)[0].pid)]
        await stage.tick()
        assert f"Type {count} " in text_of(stage, "#request")
        await press(pilot, *str(count), "open")
        assert len(signaller.requests) == count


@pytest.mark.parametrize("signal", ["terminate", "cancel"])
@pytest.mark.parametrize(
    "way",
    [
        ("tag_all",),
        ("tag",),
        ("show_breakdown",),
        ("show_locks", "cursor_down"),
        ("open",),
    ],
)
async def test_read_only_refuses_on_every_way(
    way: tuple[str, ...], signal: str
) -> None:
    """In read-only mode neither tags, groups, trees of waiters nor the page of one session open a
    dialog.
    """
    stage = Stage(busy(), Settings(read_only=True), RefusingSignaller("read-only mode"))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *way, signal)
        assert not isinstance(stage.app.screen, ModalScreen)
        assert "signals are disabled" in text_of(stage, "#notice")


async def test_read_only_leaves_no_signals_in_the_palette() -> None:
    """The command palette offers nothing that could end a session or query."""
    stage = Stage(busy(), Settings(read_only=True), RefusingSignaller("read-only mode"))
    async with stage.app.run_test(size=_SIZE):
        listed = commands(stage.app, stage.app.screen, Settings(read_only=True))
        offered = {command.title for command in listed}
    assert offered
    assert not offered & {action.title for action in KEYMAP.actions if action.dangerous}


async def test_the_reason_is_in_the_audit_log() -> None:
    """Text typed after r, in either dialog, is in the audit log."""
    reasons: list[str] = []

    class Listening:
        async def begin(self, entries: object) -> None:
            reasons.extend(entry.reason for entry in entries)  # type: ignore[attr-defined]

        async def finish(self, ended: object) -> None:
            pass

    stage = Stage(busy())
    monitor = stage.app._monitor
    monitor._executor = monitor.executor._replace(audit_log=Listening())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "terminate", "reason", *"runaway", "open", "confirm")
        await press(
            pilot,
            "tag",
            *["cursor_down"] * 4,
            "tag",
            "terminate",
            "reason",
            *"storm",
            "open",
            "confirm",
        )
    assert reasons == ["runaway", "storm", "storm"]


async def test_a_newly_protected_session_is_excluded_from_many() -> None:
    """Roles are read again when the list opens: sessions of a new superuser are marked, and get
    nothing.
    """
    first, signaller = nearly_full(), FakeSignaller()
    roles = {
        oid: role._replace(superuser=True) for oid, role in first.server.roles.items()
    }
    later = replace(first, server=first.server._replace(roles=roles))
    stage = Stage(first, signaller=signaller, source=FakeSource([later]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        await stage.tick(0)
        assert f"{len(leak(first))} have become protected" in text_of(stage, "#facts")
        await press(pilot, "confirm")
        assert "nothing is left to signal" in text_of(stage, "#facts")
        assert signaller.requests == []
