"""A table of any rows: filter, sort, headings and the cursor come with the columns."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from textual.pilot import Pilot

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.table.columns import Column, ColumnSet
from pgtop.table.spec import TableSpec
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.table_screen import TableScreen
from tests.fakes import FakeSource
from tests.scenes import busy, standstill
from tests.tui.apps import SIZE, Stage, headings_of, press, text_of


class Planet(NamedTuple):
    """A row."""

    name: str
    moons: int


PLANETS = [
    Planet("Venus", 0),
    Planet("Mars", 2),
    Planet("Jupiter", 95),
    Planet("Saturn", 146),
]
NAME: Column[Planet, DerivedSnapshot] = Column(
    name="name",
    title="NAME",
    meaning="name of the planet",
    width=12,
    rank=0,
    key=lambda planet, _: planet.name,
    text=lambda planet, _: planet.name,
)
MOONS: Column[Planet, DerivedSnapshot] = Column(
    name="moons",
    title="MOONS",
    meaning="number of moons",
    width=6,
    rank=1,
    key=lambda planet, _: planet.moons,
    text=lambda planet, _: str(planet.moons),
    right=True,
)


class PlanetScreen(TableScreen[Planet, DerivedSnapshot]):
    """A view of planets."""

    SPEC = TableSpec(ColumnSet(NAME, MOONS), identity=lambda planet: planet.name)
    NOUN = "planets"
    DEFAULT_ORDER = "by distance"

    def rows(self) -> Iterable[Planet]:
        return PLANETS

    def context(self) -> DerivedSnapshot:
        return self.state.derived


def lines(screen: TableScreen[Planet, DerivedSnapshot]) -> list[str]:
    """Return the rows as text."""
    table = screen._table
    spans = [table.row_line(index) for index in range(table.row_count())]
    return ["".join(span.text for span in line).split()[0] for line in spans]


async def opened(stage: Stage, pilot: Pilot[int]) -> PlanetScreen:
    """Open the view of planets."""
    app = stage.app
    screen = PlanetScreen(app.state, app._settings, app._palette)
    app.push_screen(screen)
    await pilot.pause()
    return screen


async def test_a_new_table_has_a_filter_on_its_columns() -> None:
    """The keys are the columns, and the status line shows what is left."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        screen = await opened(stage, pilot)
        assert headings_of(stage).endswith("by distance  1-4 of 4")
        await press(pilot, "filter", *"moons>1 not name:mars")
        assert lines(screen) == ["Jupiter", "Saturn"]
        assert "planets whose column MOONS is more than 1" in text_of(
            stage, "#understood"
        )
        await press(pilot, "open")
        assert "1-2 of 2" in headings_of(stage)
        await press(pilot, "clear")
        assert len(lines(screen)) == 4


async def test_an_unknown_column_is_refused_in_one_sentence() -> None:
    """The sentence lists the columns of this table, and the filter before stays."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        screen = await opened(stage, pilot)
        await press(pilot, "filter", *"db:shop")
        text = text_of(stage, "#understood")
        assert 'unknown key "db": use one of name, moons.' in text
        assert len(lines(screen)) == 4


async def test_a_new_table_is_sorted_by_keys_and_by_clicks() -> None:
    """Numbers from the largest, names from A to Z; a second click reverses the order."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        screen = await opened(stage, pilot)
        await press(pilot, "sort_right", "sort_right")
        assert lines(screen) == ["Saturn", "Jupiter", "Mars", "Venus"]
        assert "by MOONS" in headings_of(stage)
        await pilot.click(type(screen._table), offset=(2, 0))
        await pilot.pause()
        assert lines(screen) == ["Jupiter", "Mars", "Saturn", "Venus"]
        await pilot.click(type(screen._table), offset=(2, 0))
        await pilot.pause()
        assert lines(screen) == ["Venus", "Saturn", "Mars", "Jupiter"]


async def test_the_cursor_follows_the_identity_of_a_row() -> None:
    """A row that leaves under the cursor stays for one sample, and no other takes its place."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        screen = await opened(stage, pilot)
        await press(pilot, "cursor_down")
        await press(pilot, "sort_right", "cursor_down")
        assert screen._table.selected == PLANETS[1]
        screen.rows = lambda: [row for row in PLANETS if row.name != "Mars"]  # type: ignore[method-assign]
        for expected in (PLANETS[1], PLANETS[3]):
            stage.source.script = [replace(first, taken_at=first.taken_at + 1)]
            await stage.tick()
            assert screen._table.selected == expected


async def test_the_breakdown_has_a_filter_and_an_order() -> None:
    """Each dimension is sorted by itself, and a dimension without a match has no heading."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "show_breakdown", "filter", *"held>13", "open")
        screen = stage.app.screen
        assert isinstance(screen, BreakdownScreen)
        rows = [row.name if row.share else row.dimension for row in screen._table._rows]
        assert rows == [
            "application",
            "shop-web",
            "role",
            "web",
            "database",
            "shop",
            "state",
            "idle",
        ]
        assert "4 of 42 groups" in text_of(stage, "#condition")
        await press(pilot, "clear")
        await pilot.click(type(screen._table), offset=(45, 0))
        await pilot.pause()
        assert "by HELD" in text_of(stage, "#condition")
        assert isinstance(stage.app.screen, BreakdownScreen)


async def test_the_locks_are_filtered_by_their_own_columns_too() -> None:
    """The keys of the sessions work together with the wait and what it is for."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=(100, 34)) as pilot:
        await press(pilot, "show_locks", "filter", *"wants:ledger user:web", "open")
        assert "2 of 12 waiting" in text_of(stage, "#condition")
        await press(pilot, "clear", "filter", *"waited>14m", "open")
        assert "1 of 12 waiting" in text_of(stage, "#condition")
