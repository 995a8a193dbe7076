"""The key that records what the dashboard samples: begin, stop, and what the user reads of it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pgtop.config.settings import RecordingPlan
from pgtop.errors import PgtopError
from pgtop.keys import hint
from pgtop.monitor.live_recording import LiveRecording
from pgtop.monitor.monitor import Monitor
from pgtop.text.clean import clean
from pgtop.text.tone import Tone

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


_END_SECONDS = 10.0
"""Seconds until the dashboard ends whatever the file does; the recorder itself needs fewer."""


class RecordingFlow:
    """The part of the app that records."""

    def __init__(self, app: PgtopApp, monitor: Monitor, plan: RecordingPlan) -> None:
        self._app = app
        self._monitor = monitor
        self._plan = plan
        self._recording: LiveRecording | None = None
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    async def toggle(self) -> None:
        """Begin to record, or stop; one after the other, however fast the key is pressed."""
        async with self._lock:
            if self._recording is None:
                await self._begin()
            else:
                await self._stop(self._recording)

    async def end(self) -> None:
        """Close the file, as the dashboard ends; leave one that hangs while it is opened."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS), self._lock:
                if self._recording is not None:
                    await self._recording.end()
                    self._recording = None

    async def _begin(self) -> None:
        monitor = self._monitor
        state = monitor.state
        try:
            recording = await LiveRecording.begin(
                monitor.feed,
                state.derived.snapshot,
                state.interval,
                self._plan,
                self._report_from_thread,
            )
        except (PgtopError, OSError) as error:
            self._app.show_notice(f"not recorded: {_reason(error)}", Tone.WARN)
            return
        self._recording = recording
        self._show(is_recording=True)
        path = _shown(recording.path)
        texts = "" if self._plan.texts == "all" else f" (queries: {self._plan.texts})"
        key = hint("record")
        self._app.show_notice(f"{key} stops the recording into {path}{texts}")

    async def _stop(self, recording: LiveRecording) -> None:
        await recording.end()
        self._recording = None
        self._show(is_recording=False)
        path = _shown(recording.path)
        self._app.show_notice(f"recorded: pgtop replay {path}")

    def _show(self, *, is_recording: bool) -> None:
        self._app.show_living(
            self._monitor.state._replace(is_recording=is_recording),
        )

    def _report_from_thread(self, words: str) -> None:
        """Show what the writer has to report, which comes from its thread."""
        show = self._app.show_notice
        self._loop.call_soon_threadsafe(
            self._app.call_later, show, clean(words), Tone.WARN
        )


def _shown(path: Path) -> str:
    """Return a path for a notice, short enough for most screens, and as a shell takes it."""
    home = os.environ.get("HOME", "")
    if os.path.isabs(home) and path.is_relative_to(home):
        return clean(f"~/{path.relative_to(home)}")
    return clean(str(path))


def _reason(error: Exception) -> str:
    if isinstance(error, PgtopError):
        return clean(" ".join(filter(None, (error.what, error.advice))))
    reason = error.strerror if isinstance(error, OSError) else ""
    return clean(reason or str(error))
