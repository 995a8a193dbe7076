"""Views of the user's own: tab, key, options, pace, and the view that opens first."""

import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pgtop.config.settings import Settings
from pgtop.config.views import ViewProfile, check_view
from pgtop.table.options import Sort
from pgtop.tui.own_views import view_called, views_of
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.view_registry import VIEWS
from tests.keys import key
from tests.scenes import nearly_full
from tests.tui.apps import SIZE, Stage, sessions_of, text_of
from tests.waiting import until_async

SLOW = ViewProfile("slow", filter="state:waiting", sort="age:asc", interval=5.0)
ROLES = ViewProfile("roles", view="connections")


def _settings(*profiles: ViewProfile, **rest: Any) -> Settings:
    views = {profile.name: profile for profile in profiles}
    return Settings()._replace(views=views, **rest)


FIRST = max(int(view.key) for view in VIEWS) + 1
"""The number of the first view of one's own."""


async def _is_elsewhere(stage: Stage) -> bool:
    return stage.app.screen is not stage.app.home and stage.app.screen.is_mounted


async def _notices(stage: Stage, words: str) -> bool:
    notice = stage.app.state.notice
    return notice is not None and words in notice.text


async def _is_help(stage: Stage) -> bool:
    return isinstance(stage.app.screen, HelpScreen)


def test_views_of_ones_own_have_the_next_numbers() -> None:
    views = views_of(_settings(SLOW, ROLES))
    assert [view.key for view in views[-2:]] == [str(FIRST), str(FIRST + 1)]
    assert views[-1].topics == views[1].topics
    assert views[-1].has_rows(None)
    many = [ViewProfile(f"v{number}") for number in range(9)]
    keys = [view.key for view in views_of(_settings(*many))][-9:]
    digits = [str(number) for number in range(FIRST, 10)]
    assert keys == [*digits, *[""] * (9 - len(digits))]


def test_a_key_that_the_user_gave_away_stays_so() -> None:
    keymap = Settings().keymap.with_keys({"pause": (str(FIRST),)})
    assert views_of(_settings(SLOW, keymap=keymap))[-1].key == ""


def test_a_view_is_called_by_id_label_or_name() -> None:
    views = views_of(_settings(SLOW))
    names = ["locks", "connections", "breakdown", "Slow", "no"]
    matches = [view_called(name, views) for name in names]
    ids = [view.id if view else None for view in matches]
    assert ids == ["locks", "breakdown", "breakdown", "own_slow", None]


async def test_a_view_of_ones_own_has_its_options_and_its_pace() -> None:
    """The key opens it with filter and order; once it is left, the interval is as before."""
    stage = Stage(nearly_full(), _settings(SLOW))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(str(FIRST))
        await pilot.pause()
        screen = stage.app.screen
        assert isinstance(screen, TableScreen)
        assert screen is not stage.app.home
        assert screen._options.filter.text == "state:waiting"
        assert screen._options.sort == Sort("age", descending=False)
        assert text_of(stage, "#filter").startswith("filter state:waiting")
        assert screen.query_one("#filter").display
        assert stage.app._monitor.poller.interval == 5
        await pilot.press("1")
        await pilot.pause()
        assert stage.app._monitor.poller.interval == 1
        assert not stage.app.home._options.filter.text  # type: ignore[attr-defined]


async def test_the_dashboard_opens_with_the_view_that_is_named() -> None:
    stage = Stage(nearly_full(), _settings(ROLES, view="roles"))
    async with stage.app.run_test(size=SIZE):
        await until_async(partial(_is_elsewhere, stage))
        assert stage.app._views.view.id == "own_roles"


async def test_an_unknown_view_and_a_wrong_file_are_sentences() -> None:
    stage = Stage(nearly_full(), _settings(view="lokcs"))
    async with stage.app.run_test(size=SIZE):
        await until_async(lambda: _notices(stage, "there is no view lokcs"))
    stage = Stage(nearly_full(), Settings(complaint="read-only: config.toml:3: wrong"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert stage.app.state.notice is not None
        assert "config.toml:3" in stage.app.state.notice.text


async def test_a_view_of_ones_own_has_its_columns() -> None:
    """The pid is always there, and widths are those of the profile."""
    view = ViewProfile("mine", columns=("user:7", "AGE", "query"))
    stage = Stage(nearly_full(), _settings(view, view="mine"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await until_async(partial(_is_elsewhere, stage))
        await pilot.pause()
        screen = stage.app.screen
        assert isinstance(screen, TableScreen)
        columns = [(each.name, width) for each, width in screen._table.columns_in_sight]
        names = [name for name, _ in columns]
        assert names == ["pid", "user", "age", "query"]
        assert dict(columns)["user"] == 7


async def test_the_view_on_screen_is_saved_under_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W: filter and order go to the end of the file, which is otherwise as it was, and the next
    number opens the view at once, with a tab and a line of the help.
    """
    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    monkeypatch.setenv("PGTOP_CONFIG", str(path))
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=SIZE) as pilot:
        sessions_of(stage).filter_by("app:web")
        sessions_of(stage).sort_by("pid")
        await pilot.press(key("save_view"))
        await pilot.pause()
        await pilot.press(*"web", "enter")
        await until_async(lambda: _notices(stage, "saved as web"))
        assert await _notices(stage, f": {FIRST} opens it,")
        await pilot.press(str(FIRST))
        await until_async(partial(_is_elsewhere, stage))
        screen = stage.app.screen
        assert isinstance(screen, TableScreen)
        assert screen._options.filter.text == "app:web"
        assert screen._options.sort.column == "pid"
        assert f"{FIRST} Web" in text_of(stage, "#tabs")
        await pilot.press(key("help"))
        await until_async(lambda: _is_help(stage))
        await pilot.press("escape", key("save_view"))
        await pilot.pause()
        await pilot.press(*"WEB", "enter")
        await until_async(lambda: _notices(stage, "there is a view WEB already"))
    text = path.read_text()
    assert text.startswith("# mine\n")
    view = tomllib.loads(text)["views"]["web"]
    assert view == {"filter": "app:web", "sort": "pid"}


async def test_a_view_that_cannot_be_saved_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTOP_CONFIG", str(tmp_path))
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key("save_view"))
        await pilot.pause()
        await pilot.press(*"web", "enter")
        await until_async(lambda: _notices(stage, "not saved: "))


async def test_a_saved_view_keeps_the_columns_in_sight() -> None:
    """With the ages apart or with extra columns, the columns are part of the view."""
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=(200, 50)) as pilot:
        screen = sessions_of(stage)
        assert screen.columns_to_save(ViewProfile("")) == ()
        await pilot.press(key("ages_apart"))
        columns = screen.columns_to_save(ViewProfile(""))
        assert {"pid", "xact", "query_age", "state_age", "query"} <= set(columns)
        check_view(ViewProfile("mine", columns=columns))
        assert ViewProfile("mine", columns=columns).chosen_columns
