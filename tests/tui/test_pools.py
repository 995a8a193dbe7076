"""The pools view in the app that users run, and the clients of pooled sessions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pgtop.analysis.breakdown import Dimension
from pgtop.config.settings import Settings
from pgtop.model.pools import PoolsReading
from pgtop.model.timestamp import MICROSECONDS
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.screens.pools import PoolsScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.fakes import FakeSource
from tests.scenes.pools import ABOUT, READING, READY, SURE, WEB, pooled, with_pools
from tests.tui.apps import Stage, press, shown_on, table_on, text_of

_SIZE = (100, 24)
POOLED = [SURE.pid, ABOUT.pid, READY.pid]


async def test_the_sessions_of_a_pool_and_back() -> None:
    """The row, its filter in the sessions, and the same row again."""
    stage = Stage(pooled())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_pools")
        assert isinstance(stage.app.screen, PoolsScreen)
        assert table_on(stage).rows[0].pool == WEB
        await press(pilot, "open")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert sorted(shown_on(stage)) == POOLED
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, PoolsScreen)
        await press(pilot, "cursor_last", "copy_menu")
        await stage.tick()
        copied = stage.app.clipboard
        assert copied == "10.0.3.9:40125 0 s shop/web"
        await press(pilot, "open")
        assert sorted(shown_on(stage)) == POOLED


async def test_a_group_of_clients_is_signalled_as_far_as_it_is_certain() -> None:
    """A session whose client may have changed is none of it; alone it gets a sentence."""
    stage = Stage(pooled())
    async with stage.app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "show_breakdown")
        table_on(stage).go_to((Dimension.CLIENT, "10.0.3.8", False))
        await press(pilot, "terminate")
        await pilot.pause()
        words = "the client of each may have changed (1): nothing was signalled"
        assert words in text_of(stage, "#notice")
        table_on(stage).go_to((Dimension.CLIENT, "10.0.3.7", False))
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        assert "1 client of poolers: 10.0.3.7 1" in text_of(stage, "#facts")


async def test_the_past_has_the_pools_of_then() -> None:
    first = pooled()
    free = READING._replace(pools=(WEB._replace(active=1, waiting=0),))
    later = with_pools(first, PoolsReading((free,)))
    later = replace(later, taken_at=first.taken_at + MICROSECONDS)
    stage = Stage(first, source=FakeSource([later]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await stage.tick()
        await press(pilot, "show_pools")
        assert table_on(stage).rows[0].pool.active == 1
        await press(pilot, "step_back")
        assert table_on(stage).rows[0].pool.active == WEB.active


@pytest.mark.parametrize(
    ("keys", "size", "settings"),
    [
        (("show_pools",), (80, 24), Settings()),
        ((), (200, 50), Settings(ascii=True)),
    ],
    ids=["pools-80x24", "sessions-200x50-ascii"],
)
def test_looks(
    snap_compare: Any, keys: Sequence[str], size: tuple[int, int], settings: Settings
) -> None:
    stage = Stage(pooled(), settings=settings)

    async def run_before(pilot: Any) -> None:
        await press(pilot, *keys)

    assert snap_compare(stage.app, terminal_size=size, run_before=run_before)
