"""The use of sessions is read while something shows it, and shown where there is room."""

from pgtop.model.section import BACKEND_IO, HOST, HOST_SESSIONS
from pgtop.table.options import Sort
from tests.scenes import busy
from tests.scenes.host import with_sessions
from tests.tui.apps import Stage, headings_of, press, sessions_of, text_of


async def test_sessions_are_read_on_a_wide_screen_and_beside_extra_columns() -> None:
    for width, is_wide in ((200, True), (120, False)):
        stage = Stage(with_sessions())
        topics = stage.app._monitor.feed.topics
        async with stage.app.run_test(size=(width, 40)) as pilot:
            # from the first poll on: figures that come later draw the table once more
            assert (HOST_SESSIONS in topics()) is is_wide
            await stage.tick()
            assert HOST in topics()
            assert (HOST_SESSIONS in topics()) is is_wide
            assert ("CPU %" in headings_of(stage)) is is_wide
            assert "load 3.2 on 8 CPUs" in text_of(stage, "#banner")
            await press(pilot, "toggle_columns")
            await stage.tick()
            assert HOST_SESSIONS in topics()
            assert BACKEND_IO not in topics()
            assert "CPU %" in headings_of(stage)


async def test_sessions_are_read_to_sort_by_their_use() -> None:
    stage = Stage(with_sessions())
    async with stage.app.run_test(size=(80, 24)):
        sessions = sessions_of(stage)
        await stage.tick()
        assert HOST_SESSIONS not in stage.app._monitor.feed.topics()
        sessions.apply(sessions._options._replace(sort=Sort("cpu")))
        await stage.tick()
        assert HOST_SESSIONS in stage.app._monitor.feed.topics()


async def test_the_page_of_a_session_wants_its_figures() -> None:
    stage = Stage(with_sessions())
    async with stage.app.run_test(size=(100, 40)) as pilot:
        await press(pilot, "open")
        await stage.tick()
        assert HOST_SESSIONS in stage.app._monitor.feed.topics()
        assert "98% of one" in text_of(stage, "#pager")


async def test_elsewhere_the_counters_of_the_server_are_read() -> None:
    stage = Stage(busy())
    topics = stage.app._monitor.feed.topics
    async with stage.app.run_test(size=(200, 40)) as pilot:
        await stage.tick()
        assert BACKEND_IO not in topics()
        await press(pilot, "toggle_columns")
        await stage.tick()
        assert BACKEND_IO in topics()
