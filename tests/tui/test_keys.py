"""Every key, pressed in the app that users run."""

from dataclasses import replace

import pytest
from textual import events
from textual.pilot import Pilot

from pgtop.actions import ACTIONS
from pgtop.model.backend import Backend
from pgtop.model.cost import Cost
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import Answer, Receipt, Signal
from pgtop.model.snapshot import Snapshot
from pgtop.proof import RefusingSignaller
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.confirm import ConfirmScreen
from pgtop.tui.screens.menu import MenuScreen
from pgtop.tui.screens.pages import DetailScreen, HelpScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.settings import Settings
from pgtop.tui.widgets.key_line import KeyLine
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.session_table import SessionTable
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, calm, crowd, not_privileged
from tests.tui.apps import Stage

_SIZE = (80, 24)


def _table(stage: Stage) -> SessionTable:
    return stage.app._sessions.query_one(SessionTable)


def _pid(stage: Stage) -> int:
    selected = _table(stage).selected
    assert selected is not None
    return selected.pid


def _text(stage: Stage, widget: str) -> str:
    lines = stage.app.screen.query_one(widget, Lines)
    return "\n".join("".join(span.text for span in line) for line in lines._lines)


def _shown(stage: Stage) -> list[int]:
    return [backend.pid for backend in _table(stage)._rows]


def _without(snapshot: Snapshot, pid: int) -> Snapshot:
    return replace(snapshot, backends=tuple(b for b in snapshot.backends if b.pid != pid))


def _with(snapshot: Snapshot, pid: int, **changes: object) -> Snapshot:
    return replace(
        snapshot,
        backends=tuple(b._replace(**changes) if b.pid == pid else b for b in snapshot.backends),  # type: ignore[arg-type]
    )


async def _press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def test_every_action_has_a_handler() -> None:
    """No action of the registry is a dead key: some screen or the app carries it out."""
    owners = (Stage(calm()).app.__class__, SessionsScreen, ConfirmScreen)
    for action in ACTIONS:
        assert any(hasattr(owner, f"action_{action.id}") for owner in owners), action.id


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("down",), 1), (("j", "j", "k"), 1), (("down", "up"), 0), (("end",), -1), (("end", "home"), 0),
        (("pagedown",), 17), (("pagedown", "pageup"), 0), (("up",), 0),
    ],
)  # fmt: skip
async def test_cursor_keys(keys: tuple[str, ...], row: int) -> None:
    """Arrows, j and k, pages, Home and End move the cursor, and stop at the ends."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, *keys)
        assert _pid(stage) == _shown(stage)[row]


async def test_cursor_follows_its_session() -> None:
    """When the rows move, the cursor goes with its session and not with its row; sorting shows the top."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "down", "down", "down", "down")
        pid, place = _pid(stage), _table(stage)._cursor
        stage.source.script = [_without(first, 48711)]
        await stage.tick()
        assert (_pid(stage), _table(stage)._cursor) == (pid, place - 3)
        await _press(pilot, "i", "w")
        assert _pid(stage) == pid
        await _press(pilot, "greater_than_sign")
        assert _table(stage)._cursor == 0


async def test_cursor_survives_the_typing_of_a_filter() -> None:
    """What half a word lets through does not catch the cursor: it is on its session again, or on the first row."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "down", "down", "down")
        pid = _pid(stage)
        await _press(pilot, "slash", *"user:anna", "enter")
        assert _pid(stage) == pid
        await _press(pilot, "escape", "end", "slash", *"db:billing", "enter")
        assert _pid(stage) == _shown(stage)[0]


async def test_session_that_ends_under_the_cursor_is_marked_for_one_tick() -> None:
    """Its row stays, says ended, and is gone at the next tick; the cursor keeps its place."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "down", "down", "down")
        pid, place = _pid(stage), _table(stage)._cursor
        stage.source.script = [_without(first, pid)]
        await stage.tick()
        assert _pid(stage) == pid
        assert "ended" in "".join(span.text for span in _table(stage).row_line(place))
        await stage.tick()
        assert pid not in _shown(stage)
        assert _table(stage)._cursor == place


async def test_pid_taken_over_by_another_session_is_another_row() -> None:
    """A backend is a pid and a start: the cursor does not move on to a newcomer with the same pid."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "down", "down", "down")
        before = _table(stage).selected
        assert before is not None
        assert before.backend_start is not None
        stage.source.script = [_with(first, before.pid, backend_start=before.backend_start + 1)]
        await stage.tick()
        assert _table(stage).selected == before
        assert "ended" in "".join(span.text for span in _table(stage).row_line(_table(stage)._cursor))


async def test_toggles() -> None:
    """i hides idle sessions, b shows background processes, w the columns on request; each says so or shows it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(250, 60)) as pilot:
        everything = len(_shown(stage))
        await _press(pilot, "i")
        assert len(_shown(stage)) < everything
        assert "idle hidden" in _text(stage, "#condition")
        await _press(pilot, "i", "b")
        assert len(_shown(stage)) > everything
        columns = len(_table(stage).layout_columns)
        await _press(pilot, "w")
        assert len(_table(stage).layout_columns) > columns


async def test_columns_scroll() -> None:
    """Right lets columns leave for those that had no room; left brings them back."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        before = [placed.column.name for placed in _table(stage).layout_columns]
        await _press(pilot, "right", "right")
        assert [placed.column.name for placed in _table(stage).layout_columns] != before
        await _press(pilot, "left", "left", "left")
        assert [placed.column.name for placed in _table(stage).layout_columns] == before


async def test_sort_keys() -> None:
    """> and < move the sort column, I inverts, s opens the menu and Enter there chooses."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "greater_than_sign")
        assert "by PID" in _text(stage, "#condition")
        alone = [b.pid for b in _table(stage)._rows if b.leader_pid is None]
        assert alone == sorted(alone, reverse=True)
        await _press(pilot, "I")
        assert "inverted" in _text(stage, "#condition")
        await _press(pilot, "less_than_sign", "s")
        assert isinstance(stage.app.screen, MenuScreen)
        await _press(pilot, "home", "enter")
        assert "what hurts first" in _text(stage, "#condition")


async def test_click_on_a_header_sorts_and_on_a_row_selects() -> None:
    """The mouse can sort and select; a second click opens the session."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await pilot.click(SessionTable, offset=(5, 0))
        await pilot.pause()
        assert "by PID" in _text(stage, "#condition")
        await pilot.click(SessionTable, offset=(20, 13))
        await pilot.pause()
        assert _pid(stage) == _shown(stage)[12]
        await pilot.click(SessionTable, offset=(20, 13))
        await pilot.pause()
        assert isinstance(stage.app.screen, DetailScreen)


@pytest.mark.parametrize(
    "view", [(), ("2",), ("enter",), ("question_mark",)], ids=["sessions", "budget", "one", "help"]
)
async def test_click_on_a_key_presses_it(view: tuple[str, ...]) -> None:
    """The key line of each view is made of buttons, and the keyboard answers after each."""
    line = Stage(busy())
    async with line.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, *view)
        places = [(start, action) for start, _, action in line.app.screen.query_one(KeyLine)._places]
    for start, action in places:
        stage = Stage(busy())
        async with stage.app.run_test(size=_SIZE) as pilot:
            await _press(pilot, *view)
            await pilot.click("#keys", offset=(start, 0))
            await pilot.pause()
            await _press(pilot, "escape", "ctrl+c")
            assert stage.app.return_code == 0, action


async def test_filter_narrows_as_you_type_and_enter_keeps_it() -> None:
    """The table follows each letter; Enter goes back to the table with the filter in sight and counted."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        total = len(_shown(stage))
        await _press(pilot, "slash", *"user:anna")
        assert len(_shown(stage)) == 1
        await _press(pilot, "enter")
        assert f"1 of {total} sessions" in _text(stage, "#condition")
        assert "user:anna" in _text(stage, "#condition")
        await _press(pilot, "j")
        await _press(pilot, "escape")
        assert len(_shown(stage)) == total


async def test_wrong_filter_says_where() -> None:
    """A filter that cannot be read names the character, keeps the last good answer, and Enter does not take it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "slash", *"foer:x", "enter")
        assert "character 1" in _text(stage, "#notice")
        assert stage.app.screen.query_one("#filter").has_focus
        await _press(pilot, "escape")
        assert "character" not in _text(stage, "#notice")


async def test_pause_and_refresh() -> None:
    """p keeps the picture and shows its age; r takes one more; p goes on."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "p")
        await stage.tick(5)
        await _press(pilot, "down")
        assert stage.source.samples == 0
        assert "PAUSED: picture is 5" in _text(stage, "#condition")
        await _press(pilot, "r")
        await stage.tick(0.1)
        assert stage.source.samples == 1
        await _press(pilot, "p")
        await stage.tick(2)
        assert stage.source.samples > 1
        assert "PAUSED" not in _text(stage, "#condition")


async def test_interval_keys() -> None:
    """+ and - change the interval and say it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "plus")
        assert "every 2 s" in _text(stage, "#notice")
        await _press(pilot, "minus", "minus")
        assert "every 0.5 s" in _text(stage, "#notice")


async def test_views() -> None:
    """2 shows the breakdown, 1 the sessions, ? the help; Esc comes back; Enter on a share filters to it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        await _press(pilot, "escape", "2")
        assert isinstance(stage.app.screen, BreakdownScreen)
        await _press(pilot, "down", "enter")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert "filter: db:" in _text(stage, "#condition")
        await _press(pilot, "2", "1")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_detail_shows_the_whole_session() -> None:
    """Enter opens the session; its whole query is asked for by identity; Esc comes back."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=_SIZE) as pilot:
        selected = _table(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 'the whole of it'")
        stage.source.details[selected.identity] = Detail(snapshot.taken_at, whole, query_is_cut=True)
        await _press(pilot, "enter")
        text = _text(stage, "#pager")
        assert "the whole of it" in text
        assert "track_activity_query_size" in text
        await _press(pilot, "escape")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_copy_puts_the_whole_query_on_the_clipboard() -> None:
    """y copies what the server has of the query, not what fits on the screen."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=_SIZE) as pilot:
        selected = _table(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 1;\nSELECT 2")
        stage.source.details[selected.identity] = Detail(snapshot.taken_at, whole, query_is_cut=False)
        await _press(pilot, "y")
        assert stage.app.clipboard == "SELECT 1;\nSELECT 2"


def _selected(stage: Stage) -> Backend:
    selected = _table(stage).selected
    assert selected is not None
    return selected


@pytest.mark.parametrize("keys", [("n",), ("escape",), ("enter",), ("tab", "tab", "enter"), ("right", "left", "enter")])
async def test_dialog_keeps_the_session_by_default(keys: tuple[str, ...]) -> None:
    """n, Esc and Enter on Keep send nothing."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "K")
        assert isinstance(stage.app.screen, ConfirmScreen)
        await _press(pilot, *keys)
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.orders == []


@pytest.mark.parametrize("keys", [("y",), ("tab", "enter"), ("left", "enter")])
async def test_dialog_signals_exactly_the_session_shown(keys: tuple[str, ...]) -> None:
    """y, or Enter on the other button, sends one order for the pid and start that the dialog showed."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        backend = _selected(stage)
        await _press(pilot, "K", *keys)
        (order,) = signaller.orders
        assert (order.signal, order.target) == (Signal.TERMINATE, backend.identity)
        assert f"terminated {backend.pid} (gone after" in _text(stage, "#notice")


async def test_cancel_pins_the_query() -> None:
    """C orders the cancel of the query that was shown, by its start."""
    signaller = FakeSignaller(look=lambda who: None)
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        backend = _selected(stage)
        await _press(pilot, "C", "y")
        (order,) = signaller.orders
        assert (order.signal, order.target, order.query_start) == (
            Signal.CANCEL, backend.identity, backend.query_start,
        )  # fmt: skip


async def test_lower_case_k_never_signals() -> None:
    """k moves the cursor."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "j", "k")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_signal_menu_offers_both() -> None:
    """F9 offers cancel and terminate; choosing one opens its dialog."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "f9")
        assert isinstance(stage.app.screen, MenuScreen)
        await _press(pilot, "down", "enter")
        assert isinstance(stage.app.screen, ConfirmScreen)


async def test_cancel_of_an_idle_session_is_explained_without_a_dialog() -> None:
    """A session without a running query says so before any dialog."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "slash", *"state:idle", "enter", "end", "C")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert "has no query to cancel" in _text(stage, "#notice")


async def test_dialog_asks_anew_when_the_query_changed() -> None:
    """A first y after a change sends nothing; the second sends the order for what is shown now."""
    first = busy()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        backend = _selected(stage)
        assert backend.query_start is not None
        await _press(pilot, "C")
        later = backend.query_start + 5
        stage.source.script = [_with(first, backend.pid, query_start=later, query="SELECT 'another'")]
        await stage.tick()
        assert "its query has changed" in _text(stage, "#proposal")
        assert "another" in _text(stage, "#proposal")
        await _press(pilot, "y")
        assert signaller.orders == []
        await _press(pilot, "y")
        assert [order.query_start for order in signaller.orders] == [later]


async def test_dialog_says_when_the_session_has_ended() -> None:
    """There is nothing left to confirm: y only closes."""
    first = busy()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        backend = _selected(stage)
        await _press(pilot, "K")
        stage.source.script = [_without(first, backend.pid)]
        await stage.tick()
        assert "has ended" in _text(stage, "#proposal")
        await _press(pilot, "y")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.orders == []


async def test_dialog_watches_although_paused() -> None:
    """A paused picture goes on while a dialog is open, and is paused again afterwards."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "p", "K")
        await stage.tick(2)
        assert stage.source.samples > 0
        await _press(pilot, "n")
        samples = stage.source.samples
        await stage.tick(5)
        assert stage.source.samples == samples


async def test_protected_session_wants_its_pid_typed() -> None:
    """pgtop's own session is only ended after its pid was typed; y alone and a wrong one send nothing, n keeps it."""
    snapshot = busy()
    own = snapshot.server.pid
    signaller = FakeSignaller()
    stage = Stage(snapshot, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "slash", *f"pid:{own}", "enter", "K")
        assert "Protected" in _text(stage, "#proposal")
        await _press(pilot, "y", *"123", "enter")
        assert signaller.orders == []
        assert "type 48120 first" in _text(stage, "#proposal")
        await _press(pilot, "n")
        assert isinstance(stage.app.screen, SessionsScreen)
        await _press(pilot, "K", *"123")
        await _press(pilot, "backspace", "backspace", "backspace", *str(own), "enter")
        assert [order.target.pid for order in signaller.orders] == [own]


async def test_read_only_offers_and_sends_nothing() -> None:
    """With --read-only the keys explain themselves, the key line is without them, and the door refuses as well."""
    stage = Stage(busy(), settings=Settings(read_only=True), signaller=RefusingSignaller("read-only mode"))
    async with stage.app.run_test(size=_SIZE) as pilot:
        assert "kill" not in _text(stage, "#keys")
        for key in ("K", "C", "f9"):
            await _press(pilot, key)
            assert isinstance(stage.app.screen, SessionsScreen)
        assert "read-only" in _text(stage, "#notice")


async def test_refusal_is_told_in_the_servers_words() -> None:
    """What the server refuses is said with its reason, cleaned."""
    signaller = FakeSignaller(Receipt(Answer.REFUSED, "must be a superuser\x1b[2J"))
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "K", "y")
        notice = _text(stage, "#notice")
        assert "refused: 48711: must be a superuser" in notice
        assert "\x1b" not in notice


async def test_lost_server_keeps_the_picture_and_counts_down() -> None:
    """The rows stay, dimmed, with their age, the reason and the time to the next try; keys work; it recovers."""
    first = busy()
    lost = Failure(FailureKind.UNREACHABLE, "connection refused", "check the server")
    stage = Stage(first, source=FakeSource([lost]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        rows = _shown(stage)
        await stage.tick(3)
        assert "UNREACHABLE" in _text(stage, "#condition")
        assert "next try in" in _text(stage, "#condition")
        assert _table(stage)._dimmed
        assert _shown(stage) == rows
        await _press(pilot, "slash", *"user:anna", "enter")
        assert len(_shown(stage)) == 1
        stage.source.script = [first]
        await _press(pilot, "r")
        await stage.tick(0.1)
        assert not _table(stage)._dimmed
        assert len(_shown(stage)) == 1


async def test_hanging_server_is_told_and_keys_work() -> None:
    """While an answer is overdue the screen says for how long, and the cursor moves."""
    first = busy()
    stage = Stage(first, source=FakeSource([None, first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await stage.tick(4)
        assert "no answer for" in _text(stage, "#condition")
        pid = _pid(stage)
        await _press(pilot, "down")
        assert _pid(stage) != pid


async def test_quit_keys() -> None:
    """q and Ctrl-C leave with exit code 0, Ctrl-C also out of a dialog."""
    for keys in (("q",), ("ctrl+c",), ("K", "ctrl+c"), ("slash", "ctrl+c")):
        stage = Stage(busy())
        async with stage.app.run_test(size=_SIZE) as pilot:
            await _press(pilot, *keys)
        assert stage.app.return_code == 0
        assert not stage.app.is_running


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 50), (20, 5), (10, 3), (1, 1), (300, 100)])
async def test_any_size_draws(size: tuple[int, int]) -> None:
    """Every view and dialog is drawn without an error at any size, and after growing and shrinking."""
    stage = Stage(busy())
    async with stage.app.run_test(size=size) as pilot:
        for keys in (("K",), ("n",), ("2",), ("1",), ("enter",), ("escape",), ("question_mark",), ("escape",), ("s",)):
            await _press(pilot, *keys)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        await _press(pilot, "escape")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_ten_thousand_sessions_scroll() -> None:
    """The far end of a crowd is one key away."""
    stage = Stage(crowd(10_000))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "end")
        assert _pid(stage) == _shown(stage)[-1]


async def _burst(pilot: Pilot[int], text: str) -> None:
    """Deliver keys as a slow line does: all at once, before anything was drawn for the first."""
    names = {"/": "slash", "\r": "enter", ":": "colon"}
    for character in text:
        pilot.app.post_message(events.Key(names.get(character, character), character))
    await pilot.pause()
    await pilot.pause()


async def test_keys_typed_ahead_into_the_filter_are_text() -> None:
    """`/Ky` in one burst is a filter for "Ky": no dialog opens and nothing is signalled."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _burst(pilot, "/Ky")
        assert "filter: Ky" in _text(stage, "#condition")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.orders == []


async def test_filter_and_kill_typed_ahead_mean_the_filtered_session() -> None:
    """A whole burst is carried out in its order: the dialog is about the session that the filter leaves."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _burst(pilot, "/user:anna\rK")
        await pilot.pause()
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "anna@billing" in _text(stage, "#proposal")


async def test_paste_into_the_filter() -> None:
    """Pasted text goes into the open field, on one line; without a field it is no command."""
    stage = Stage(busy())
    async with stage.app.run_test(size=_SIZE) as pilot:
        pilot.app.post_message(events.Paste("Ky"))
        await pilot.pause()
        assert isinstance(stage.app.screen, SessionsScreen)
        await _press(pilot, "slash")
        pilot.app.post_message(events.Paste("user:anna\n"))
        await pilot.pause()
        assert len(_shown(stage)) == 1


async def test_cost_panel() -> None:
    """F12 shows what the last sample cost the server, the line and this machine, in every view; F12 hides it."""
    snapshot = replace(busy(), cost=Cost(server_seconds=0.006, received_bytes=34_000))
    stage = Stage(snapshot)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "f12")
        await stage.tick()
        await pilot.pause()
        assert "server 6.0 ms, received 34 kB" in _text(stage, "#cost")
        assert stage.app.screen.query_one("#cost").display
        await _press(pilot, "2")
        assert stage.app.screen.query_one("#cost").display
        await _press(pilot, "f12", "1")
        assert not stage.app.screen.query_one("#cost").display


async def test_samples_that_are_too_dear_are_told() -> None:
    """When sampling costs the server too much, the screen says that it is done less often, and why."""
    stage = Stage(replace(busy(), cost=Cost(server_seconds=0.1)))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await stage.tick(20)
        await pilot.pause()
        assert "slowed to every 5.0s: a sample costs the server 100 ms" in _text(stage, "#condition")


async def test_cursor_stays_on_top_until_it_is_moved() -> None:
    """Whoever has just started sees what hurts most, whatever that is by now; Home goes back to that."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        stage.source.script = [_without(first, _pid(stage))]
        await stage.tick()
        assert _pid(stage) == _shown(stage)[0]
        await _press(pilot, "down", "down", "home")
        stage.source.script = [first]
        await stage.tick()
        assert _pid(stage) == _shown(stage)[0] == 48711


async def test_hidden_pid_that_passes_to_another_role_is_another_session() -> None:
    """Where starts are hidden the role tells sessions apart: the dialog says that its own has ended."""
    first = not_privileged()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "down", "down", "K")
        stage.source.script = [_with(first, _pid(stage), usesysid=99_999)]
        await stage.tick()
        assert "has ended" in _text(stage, "#proposal")
        await _press(pilot, "y")
        assert signaller.orders == []


async def test_a_second_dialog_does_not_open_over_the_first() -> None:
    """KK in one burst asks once; Enter after K opens nothing over the question."""
    for burst in ("KK", "K\r"):
        stage = Stage(busy())
        async with stage.app.run_test(size=_SIZE) as pilot:
            await _burst(pilot, burst)
            await pilot.pause()
            assert sum(isinstance(screen, ConfirmScreen) for screen in stage.app.screen_stack) <= 1
            assert not any(isinstance(screen, DetailScreen) for screen in stage.app.screen_stack)


async def test_leaving_before_an_effect_was_seen_asks_twice() -> None:
    """q while an order's effect is being looked for says so first; a second q leaves."""
    snapshot = busy()
    signaller = FakeSignaller(look=lambda who: snapshot.backends[0])
    stage = Stage(snapshot, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "K", "y", "q")
        assert "has not been seen yet" in _text(stage, "#notice")
        assert stage.app.is_running
        await _press(pilot, "q")
        assert stage.app.return_code == 0
