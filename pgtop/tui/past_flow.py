"""The way into the past, through it and back to now; the monitor goes on sampling behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING

from pgtop.analysis.budget import Level
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between, to_datetime
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.poller import PollFailed
from pgtop.monitor.rewind import Rewind
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.when import parse_when
from pgtop.tui.workers import start

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_DIGIT = re.compile(r"\d")  # of a time
_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
"""Seconds between two frames while the past plays: a long gap is not waited for."""


class PastFlow:
    """The part of the app that shows the past. Each state of it is made from samples alone."""

    def __init__(self, app: PgtopApp, monitor: Monitor, settings: Settings) -> None:
        self._app = app
        self._monitor = monitor
        self._settings = settings
        self._rewind: Rewind | None = None
        self._speed = 1.0
        self._is_playing = False
        self._shown: tuple[State, State] | None = None
        """The living state, and the past one that is shown over it."""
        self._alarms: frozenset[str] = frozenset()
        """The present alarms that the user knows."""

    @property
    def is_past(self) -> bool:
        """True if the screens show the past."""
        return self._rewind is not None

    @property
    def _is_replay(self) -> bool:
        return self._monitor.replay is not None

    def over(self, living: State) -> State:
        """Return the state to show: the past one with the present notices, or the living one."""
        if self._rewind is None:
            return living
        if self._shown is None or self._shown[0] is not living:
            self._shown = (living, self._past_state(self._rewind, living))
        return self._shown[1]

    def _past_state(self, rewind: Rewind, living: State) -> State:
        now = None if self._is_replay else living
        state = rewind.state(now, self._speed if self._is_playing else 0.0)
        if state is None:
            return living
        return state._replace(
            notice=living.notice,
            spent=living.spent,
            shows_cost=living.shows_cost,
            is_recording=living.is_recording,
        )

    # Moves.

    def step(self, direction: int) -> None:
        """Go to the next sample or gap, or with -1 to the one before."""
        self._stop()
        self._move(lambda rewind: rewind.step(direction), direction)

    def skip(self, seconds: float) -> None:
        """Go forward by `seconds`, or back if negative."""
        self._stop()
        self._move(lambda rewind: rewind.skip(seconds), 1 if seconds > 0 else -1)

    def to_event(self, direction: int) -> None:
        """Go to the next event, or with -1 to the one before."""
        self._stop()
        words = "no earlier event" if direction < 0 else "no later event"
        self._move(lambda rewind: rewind.to_event(direction), direction, words)

    def go_to_text(self, text: str) -> bool:
        """Go to a time that the user typed; return whether it is one."""
        timeline = self._monitor.timeline
        first = timeline.first_at if timeline is not None else None
        last = self._end
        if first is None or last is None:
            return False
        place = "the recording" if self._is_replay else "memory"
        try:
            instant = parse_when(
                text,
                first,
                last,
                place,
                self._zone,
                bounds_offset=True,
            )
        except ValueError as error:
            if not _DIGIT.search(text):
                return False
            self._app.show_notice(clean(str(error)))
            return True
        if instant % MICROSECONDS == 0:
            instant += MICROSECONDS - 1  # the sample that shows this second
        self.go_to(instant)
        return True

    def go_to(self, instant: Instant) -> None:
        """Go to an instant."""
        self._stop()
        self._move(lambda rewind: rewind.go_to(instant), 0)

    def leave(self) -> None:
        """Go back to now; in a replay to the end."""
        rewind = self._rewind
        if rewind is None:
            return
        self._stop()
        if self._is_replay:
            last_at = rewind.timeline.last_at
            if last_at is not None and rewind.go_to(last_at):
                self._show()
            else:
                quit_key = hint("quit")
                self._app.show_notice(f"this is the end: {quit_key} leaves the replay")
            return
        self._rewind = None
        self._shown = None
        self._monitor.shows_past = False
        self._app.clear_notice()

    def _move(
        self, move: Callable[[Rewind], bool], direction: int, words: str = ""
    ) -> None:
        """Move; `words` is what to show if there is no such place."""
        is_from_now = self._rewind is None
        if is_from_now and direction > 0:
            self._app.show_notice("this is now")
            return
        rewind = self._rewind or self._begin()
        if rewind is None:
            self._app.show_notice(self._nothing_words())
            return
        # A time that was typed may be that of the newest sample, where a way from now begins.
        has_arrived = is_from_now and direction == 0
        if move(rewind) or has_arrived:
            self._enter(rewind)
            self._show()
        else:
            self._show_end(rewind, direction, words)

    def _show_end(self, rewind: Rewind, direction: int, words: str) -> None:
        """Show that the timeline ends here; the end in front is now."""
        if direction < 0:
            words = words or self._beginning_words(rewind)
        if words:
            self._app.show_notice(words)
        elif direction > 0:
            self.leave()

    def _begin(self) -> Rewind | None:
        """Return a place at the end of the timeline; None if it has no sample."""
        timeline = self._monitor.timeline
        last_at = timeline.last_at if timeline is not None else None
        if timeline is None or last_at is None:
            return None
        rewind = Rewind(
            timeline,
            self._settings,
            self._monitor.state.interval,
            self._monitor.replay,
        )
        rewind.go_to(last_at)
        return rewind

    def _enter(self, rewind: Rewind) -> None:
        if self._rewind is None:
            self._alarms = _alarms_of(self._monitor.state)
            self._monitor.shows_past = True
        self._rewind = rewind

    def _show(self) -> None:
        self._shown = None
        self._app.clear_notice()

    def _nothing_words(self) -> str:
        timeline = self._monitor.timeline
        if timeline is None or timeline.shortage:
            reason = timeline.shortage if timeline is not None else "it is off"
            return f"no past is in memory: {reason}"
        return "no past is in memory yet"

    def _beginning_words(self, rewind: Rewind) -> str:
        first_at = rewind.timeline.first_at or 0
        time = f"{to_datetime(first_at):%H:%M:%S} UTC"
        noun = "recording" if self._is_replay else "memory"
        shortage = rewind.timeline.shortage
        reason = f": {shortage}" if shortage else ""
        return f"the {noun} begins at {time}{reason}"

    @property
    def _end(self) -> Instant | None:
        timeline = self._monitor.timeline
        if self._is_replay:
            return timeline.last_at if timeline is not None else None
        return self._monitor.state.derived.now

    @property
    def _zone(self) -> tzinfo | None:
        """The zone of the clock on the screen; None for UTC."""
        if self._settings.clock != "local":
            return None
        return to_datetime(self._monitor.state.derived.now).astimezone().tzinfo

    # Play.

    def begin_replay(self, at: Instant, speed: float) -> None:
        """Open a replay at an instant, with the speed that it will play at, before any screen."""
        self._speed = speed
        rewind = self._begin()
        if rewind is not None:
            rewind.go_to(at)
            self._enter(rewind)

    def toggle_play(self) -> None:
        """Play the past from here on, or stop."""
        if self._is_playing:
            self._stop()
            self._show()
            return
        self._is_playing = True
        start(
            self._app,
            self._play,
            "play",
            exclusive=True,
        )
        self._show()

    def change_speed(self, direction: int) -> None:
        """Play faster, or slower with -1."""
        places = [i for i, speed in enumerate(SPEEDS) if speed <= self._speed]
        place = (places[-1] if places else 0) + direction
        self._speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        self._show()
        self._app.show_notice(f"the past plays at {self._speed:g}x")

    def _stop(self) -> None:
        self._is_playing = False

    async def _play(self) -> None:
        clock = self._monitor.clock
        while self._is_playing and (rewind := self._rewind) is not None:
            pause = self._pause(rewind)
            await clock.sleep(pause)
            if not self._is_playing or self._rewind is not rewind:
                return
            if not rewind.skip(pause * self._speed):
                self._stop()
                self.leave()
                return
            self._show()

    def _pause(self, rewind: Rewind) -> float:
        """Return the seconds until the next frame."""
        place = rewind.place
        following = rewind.timeline.after(place.at) if place is not None else None
        if place is None or following is None or place.gap is not None:
            return _LONGEST_PAUSE
        seconds = seconds_between(place.at, following.taken_at) / self._speed
        return min(max(seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    # Present alarms.

    def alarm_words(self, living: State) -> str:
        """Return what has become wrong now while the past is shown; "" if nothing new has."""
        if self._rewind is None or self._is_replay:
            return ""
        alarms = _alarms_of(living)
        new = alarms - self._alarms
        self._alarms = alarms
        if not new:
            return ""
        return f"now: {', '.join(sorted(new))}; {hint('now')} goes there"


def _alarms_of(state: State) -> frozenset[str]:
    alarms = []
    if state.derived.forest.waiting:
        alarms.append("sessions wait for locks")
    if state.budget.level is Level.ALARM:
        alarms.append("few slots are free")
    if isinstance(state.event, PollFailed):
        alarms.append("the server is away")
    return frozenset(alarms)
