"""The seams hold a whole capability that the package knows nothing of."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from functools import partial

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.config.settings import Settings
from pgtop.model.section import SESSIONS_ONLY
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.poller import Event, Sampled
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes import PROBES
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.tui.app import PgtopApp
from pgtop.tui.widgets.lines import Lines
from pgtop.view_registry import VIEWS
from tests.architecture import toy
from tests.fakes import monitor_of
from tests.snapshot_json import from_json, to_json
from tests.tui.apps import press
from tests.waiting import until_async

SETTINGS = Settings(interval=0.2)


@pytest.fixture
async def monitor(dsn: str) -> AsyncIterator[Monitor]:
    parameters = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    source = PostgresSource(ServerConnection(parameters), (*PROBES, toy.SizeProbe()))
    first = await source.sample(SESSIONS_ONLY)
    yield monitor_of(source, first, SETTINGS, MonotonicClock())
    await source.close()


def text_of(app: PgtopApp, widget: str) -> str:
    lines = app.screen.query_one(widget, Lines)
    return "\n".join("".join(span.text for span in line) for line in lines._lines)


def names_on(screen: toy.SizesScreen) -> list[str]:
    return [row.name for row in screen._table._rows]


async def shows(screen: toy.SizesScreen, name: str) -> bool:
    return name in names_on(screen)


def test_the_toy_is_small() -> None:
    assert len(inspect.getsource(toy).splitlines()) < 80


async def test_a_view_of_a_probe_needs_nothing_of_the_package(monitor: Monitor) -> None:
    """Key, footer, help, rows, sort, filter and a cursor by identity follow from declarations."""
    app = PgtopApp([monitor], SETTINGS, views=(*VIEWS, toy.VIEW))
    async with app.run_test(size=(120, 30)) as pilot:
        assert "9 Sizes" in text_of(app, "#tabs")
        await press(pilot, "help")
        assert toy.VIEW.title in text_of(app, "#pager")
        await press(pilot, "clear", toy.VIEW.key)
        screen = app.screen
        assert isinstance(screen, toy.SizesScreen)
        await until_async(partial(shows, screen, "template1"))
        await press(pilot, "sort_right")
        assert names_on(screen) == sorted(names_on(screen))
        await press(pilot, "cursor_down")
        selected = screen._table.selected
        assert selected is not None
        await press(
            pilot, "sort_invert", "filter", *f"bytes>{selected.size - 1}", "open"
        )
        assert names_on(screen) == [
            row.name
            for row in sorted(screen.rows(), reverse=True)
            if row.size >= selected.size
        ]
        await press(pilot, "clear", "show_sessions")
        assert not isinstance(app.screen, toy.SizesScreen)
        assert monitor.feed.topics() == VIEWS[0].topics


async def test_the_cursor_stays_on_its_row(monitor: Monitor, dsn: str) -> None:
    """A database that comes above the cursor moves the cursor with its own."""
    app = PgtopApp([monitor], SETTINGS, views=(*VIEWS, toy.VIEW))
    async with app.run_test(size=(120, 30)) as pilot:
        await press(pilot, toy.VIEW.key, "sort_right")
        screen = app.screen
        assert isinstance(screen, toy.SizesScreen)
        await until_async(partial(shows, screen, "template1"))
        await press(pilot, "cursor_last")
        row = screen._table.selected
        assert row is not None
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE a_toy")
            try:
                await until_async(partial(shows, screen, "a_toy"))
            finally:
                connection.execute("DROP DATABASE a_toy")
        assert names_on(screen)[0] == "a_toy"
        selected = screen._table.selected
        assert selected is not None
        assert selected.name == row.name


async def test_a_section_is_written_and_read_by_the_names_of_its_fields(
    monitor: Monitor,
) -> None:
    snapshot = await monitor.source.sample(toy.TOPICS)
    data = to_json(snapshot)
    section = data["sections"]["sizes"]
    assert {row["name"] for row in section["data"]} >= {"template0", "template1"}
    kinds = {"sizes": tuple[toy.DatabaseSize, ...]}
    assert from_json(data, kinds).sections["sizes"] == snapshot.sections["sizes"]


async def test_a_recorder_gets_each_sample_while_the_screen_reads_slowly(
    monitor: Monitor,
) -> None:
    """The recorder's own topic is polled for; the screen skips to the newest sample."""
    screen = monitor.feed.subscribe(SESSIONS_ONLY)
    recorder = monitor.feed.subscribe(toy.TOPICS, every=True)
    recording: list[Event] = []
    running = [
        asyncio.create_task(monitor.run()),
        asyncio.create_task(toy.record(recorder, recording)),
    ]

    def samples() -> list[Snapshot]:
        return [event.snapshot for event in recording if isinstance(event, Sampled)]

    async def has_recorded() -> bool:
        return len(samples()) >= 3

    await until_async(has_recorded)
    newest = await anext(screen)
    for task in running:
        task.cancel()
    assert newest is recording[-1]
    times = [sample.taken_at for sample in samples()]
    assert times == sorted(set(times))
    assert all(sample.sections["sizes"].data for sample in samples())
