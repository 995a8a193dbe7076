"""The waits view: active sessions over time, stacked by what they wait for, and their ranking."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.timer import Timer
from textual.widget import Widget

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.client_names import ClientNames
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.timeline import Timeline
from pgtop.analysis.wait_buckets import BucketCache
from pgtop.analysis.wait_profile import (
    Profile,
    SliceBy,
    Tally,
    tally,
    with_now,
)
from pgtop.analysis.wait_window import WaitWindow
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor.state import State
from pgtop.sources.host.cpus import local_cpus
from pgtop.table.arrange import Arranged
from pgtop.table.filter import Filter
from pgtop.table.options import Sort, TableOptions
from pgtop.text.units import rough_age
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import NoticeRequested, ShareFilter, ViewRequested
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import CLEAR, EDIT, EmptyState
from pgtop.view.wait_chart import (
    ChartSize,
    WaitChart,
    chart_height,
    chart_lines,
    forget_chart,
)
from pgtop.view.wait_filter import slice_filter
from pgtop.view.waits import (
    WAITS,
    WaitRow,
    arrange_waits,
    query_name,
    spec_for,
)

if TYPE_CHECKING:
    from pgtop.view.help import HelpTopic

BUCKETS = (1, 2, 5, 10, 20, 30, 60)
"""Seconds of a column of the chart."""
_USUAL = 5
_LEAST_CPUS = 0.1
_FEW = 10
"""Samples below which the profile is computed with each new one."""
_SHORTLY = 0.01
"""Seconds between the reads of two older minutes: keys are handled meanwhile."""


class WaitsScreen(TableScreen[WaitRow, Profile]):
    """The chart and the ranking. Both change when a bucket is full; NOW changes each second."""

    KEYS = (
        "help",
        "quit",
        "open",
        "sort_menu",
        "slower",
        "faster",
        "filter",
        "show_locks",
        "show_sessions",
        "pause",
    )
    SPEC = WAITS
    NOUN = "slices"
    DEFAULT_ORDER = "largest first"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {
        "open": "only its sessions",
        "sort_menu": "slice by another property",
        "slower": "longer buckets",
        "faster": "shorter buckets",
    }
    _SHORT: ClassVar[Mapping[str, str]] = {
        "open": "only these",
        "sort_menu": "by event, query, role",
        "slower": "longer",
        "faster": "shorter",
    }
    BINDINGS = bindings(*places.WAITS)

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._by = SliceBy.EVENT
        self._bucket = _USUAL
        self._buckets = BucketCache(self._step)
        self._timeline: Timeline | None = None
        self._window = WaitWindow(self._by, self._count)
        self._reader: Timer | None = None
        self._chart = Lines(palette, id="chart")
        self._averages: Profile | None = None
        self._drawn_at = 0
        self._samples = 0
        self._cpus: float | None = None

    def take_timeline(self, timeline: Timeline | None) -> None:
        self._timeline = timeline

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        from pgtop.view.signs import WAIT_SIGNS

        topic = super().help_topic(actions)
        return topic._replace(signs=(*WAIT_SIGNS, *topic.signs), is_filtered=True)

    def footer_actions(self) -> tuple[Action, ...]:
        return tuple(
            action._replace(short=self._SHORT.get(action.id, action.short))
            for action in super().footer_actions()
        )

    # Drawing.

    def body(self) -> Iterable[Widget]:
        yield from self.filter_lines()
        yield self._chart
        yield self._table

    def on_resize(self) -> None:
        size = self._chart_size
        self._chart.display = size.is_drawn
        self._chart.styles.height = max(1, size.height)
        self._averages = None
        super().on_resize()
        self.rearrange()

    def on_screen_suspend(self) -> None:
        forget_chart()

    @property
    def _chart_size(self) -> ChartSize:
        (width, height) = self.size
        return ChartSize(width, chart_height(height))

    @property
    def _step(self) -> int:
        """Microseconds of a bucket."""
        return self._bucket * MICROSECONDS

    @property
    def _span(self) -> int:
        """Microseconds that the chart shows, with the bucket that is not full yet."""
        return (self._chart_size.columns + 1) * self._step

    @property
    def _past(self) -> Timeline | None:
        past = self.state.past
        return self._timeline if past is None else past.timeline

    # The samples.

    def _count(self, snapshot: Snapshot) -> Tally:
        backends: Sequence[Backend] = snapshot.busy
        chosen = self._options.filter
        if chosen.text:
            derived = self.state.derived
            if derived.snapshot is not snapshot:
                derived = DerivedSnapshot.of(snapshot)
            matches = chosen.on(derived)
            backends = [backend for backend in backends if matches(backend)]
        return tally(
            snapshot.taken_at,
            ClientNames.of(snapshot).named(backends),
            self._by,
            snapshot.server.pid,
            query_name,
        )

    def arrange_rows(self, options: TableOptions) -> Arranged[WaitRow, Profile]:
        snapshot = self.state.derived.snapshot
        self._window.move_to(snapshot, self._past, self._span)
        current = self._averages
        is_full = snapshot.taken_at // self._step != self._drawn_at // self._step
        if current is None or is_full or self._samples < _FEW:
            current = self._averages = self._draw(snapshot)
        self._read_soon()
        last = self._window.last
        now = current if last is None else with_now(current, last)
        # the filter is of sessions, which are counted already
        return arrange_waits(now, options._replace(filter=Filter()))

    def _draw(self, snapshot: Snapshot) -> Profile:
        """Draw the chart, and return the profile of its time."""
        size = self._chart_size
        tallies = self._window.tallies
        self._drawn_at = snapshot.taken_at
        self._samples = len(tallies)
        if size.is_drawn:
            end = snapshot.taken_at // self._step * self._step
            chart = WaitChart(
                self._buckets.newest(tallies, size.columns, end),
                self._bucket,
                end,
                self._window.class_profile,
                self._known_cpus(snapshot),
                not self.is_past,
                self._looks.has_letters,
                self._looks.is_local_time,
            )
            self._chart.show(chart_lines(chart, size), dimmed=self._is_dimmed)
        return self._window.profile

    def _known_cpus(self, snapshot: Snapshot) -> float:
        """Return the CPUs that the user has named, or that this machine has if the server is here;
        0 if neither is known.
        """
        if self._settings.cpus >= _LEAST_CPUS:
            return self._settings.cpus
        if self._cpus is None:
            self._cpus = local_cpus(snapshot) or 0
        return self._cpus

    def _read_soon(self) -> None:
        """Schedule a read of older samples, unless one is scheduled."""
        if self._reader is None and self.is_attached:
            self._reader = self.set_timer(_SHORTLY, self._read_older)

    def _read_older(self) -> None:
        self._reader = None
        count = len(self._window.tallies)
        has_more = self._window.read_older(self._past, self._span)
        if len(self._window.tallies) != count:
            self._averages = None
            self.show_again()
        elif has_more:
            self._read_soon()

    def show_again(self) -> None:
        """Draw everything again."""
        self.rearrange()
        self.show_frame()

    def _restart(self) -> None:
        """Count all samples again, by another property or with another filter."""
        self._window = WaitWindow(self._by, self._count)
        self._buckets = BucketCache(self._step)
        self._averages = None

    # The filter, which is of the sessions that are counted.

    def apply(self, options: TableOptions) -> None:
        if options.filter != self._options.filter:
            self._options = options
            self._restart()
        super().apply(options)

    def match_counts(self) -> tuple[int, int]:
        last = self._window.last
        matching = 0 if last is None else sum(last.classes.values())
        snapshot = self.state.derived.snapshot
        everything = tally(0, snapshot.busy, SliceBy.CLASS, snapshot.server.pid)
        return matching, sum(everything.classes.values())

    def values_of(self, key: str) -> Iterable[str]:
        from pgtop.table.completion_values import session_values

        snapshot = self.state.derived.snapshot
        return session_values(key, snapshot, snapshot.busy)

    # The lines around the table.

    def status(self) -> Line:
        """Return nothing while the slices are in their usual order."""
        return () if self._options.sort == Sort() else super().status()

    def heading_end(self) -> Iterable[str]:
        """Return the time that the ranking is of."""
        seconds = int(self._window.seconds) // self._bucket * self._bucket
        yield f"last {rough_age(seconds)}" if seconds else "just opened"

    def empty_state(self) -> EmptyState:
        text = self._options.filter.text
        reason = "No session has been at work in this time."
        ways = (CLEAR, EDIT) if text else ()
        return EmptyState("wait", text, reasons=(reason,), ways=ways)

    # Actions.

    def arrive(self, target: object) -> None:
        """Put the cursor on the row of a slice."""
        match target:
            case (SliceBy() as by, str()):
                self.slice_by(by)
                self._table.select(target)

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else show the sessions of the slice."""
        row = self._table.selected
        if self.accept_filter() or row is None:
            return
        text = slice_filter(row)
        if not text:
            words = f"{row.name} are many small slices: no filter selects them"
            self.app.post_message(NoticeRequested(words))
            return
        place = row.by, row.slice.name
        self.app.post_message(
            ViewRequested(
                "sessions", ShareFilter(text, place, "waits", narrows_all=True)
            )
        )

    def action_sort_menu(self) -> None:
        """Open the menu of the properties to slice by."""
        from pgtop.tui.dialogs.menu import Choice, MenuScreen

        choices = [Choice(each.value, f"by {each}") for each in SliceBy]
        menu = MenuScreen("Slices", choices, self._by.value, self._palette)
        self.app.push_screen(menu, self._choose)

    def _choose(self, name: str | None) -> None:
        if name is not None:
            self.slice_by(SliceBy(name))
            self.show_again()

    def slice_by(self, by: SliceBy) -> None:
        """Rank by another property."""
        if by is not self._by:
            self._by = by
            self._table.spec = spec_for(by)
            self._restart()

    def action_slower(self) -> None:
        self._set_bucket(1)

    def action_faster(self) -> None:
        self._set_bucket(-1)

    def _set_bucket(self, step: int) -> None:
        place = BUCKETS.index(self._bucket) + step
        self._bucket = BUCKETS[min(max(place, 0), len(BUCKETS) - 1)]
        self._buckets = BucketCache(self._step)
        self._averages = None
        self.app.post_message(NoticeRequested(f"buckets of {self._bucket} s"))
        self.show_again()
