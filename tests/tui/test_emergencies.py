"""README's three emergencies at 80x24: at most four keys until the culprit is named and ended, not
counting a number that must be typed.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.tui.dialogs.bulk import BulkScreen
from tests.fakes import FakeSignaller
from tests.scenes import busy, calm, full
from tests.scenes.sessions import runaway
from tests.tui.apps import Stage, press, text_of

_SIZE = (80, 24)
_MOST_KEYS = 4
HOLDER = 47_903
RUNAWAY = 48_711


class Hands:
    """Keys pressed, and counted unless they are digits of a number."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self._pilot = pilot
        self.count = 0

    async def press(self, *names: str) -> None:
        await press(self._pilot, *names)
        self.count += len(names)

    async def type_number(self, number: int) -> None:
        await press(self._pilot, *str(number))


def _with_runaway() -> Snapshot:
    scene = calm()
    return replace(scene, ungrouped=(*scene.backends, *runaway()))


def _leaking(scene: Snapshot) -> set[Backend]:
    return {b for b in scene.backends if b.application_name == "coupon-import"}


@pytest.mark.parametrize("keys", [("terminate",), ("terminate", "only_idle")])
async def test_the_server_is_full(keys: Sequence[str]) -> None:
    """The connections open on the application that leaks, and its idle sessions end as one list."""
    scene = full()
    signaller = FakeSignaller()
    stage = Stage(scene, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        hands = Hands(pilot)
        await hands.press("show_breakdown")
        assert "coupon-import holds 55 connections" in text_of(stage, "#notice")
        await hands.press(*keys)
        dialog = stage.app.screen
        assert isinstance(dialog, BulkScreen)
        assert "coupon-import" in dialog.unchanged.understood
        await hands.type_number(len(dialog.unchanged.targets))
        await hands.press("open")
        leaking = {backend.identity for backend in _leaking(scene)}
        assert {request.target for request in signaller.requests} == leaking
        assert hands.count <= _MOST_KEYS


@pytest.mark.parametrize("keys", [("terminate",), ("show_locks", "terminate")])
async def test_everything_waits(keys: Sequence[str]) -> None:
    """Both views open on the root that blocks most sessions, and the dialog counts its waiters."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        hands = Hands(pilot)
        assert f"all for {HOLDER}" in text_of(stage, "#alarm")
        await hands.press(*keys)
        assert "4 waiters" in text_of(stage, "#proposal")
        await hands.press("confirm")
        assert _sent(signaller) == [(Signal.TERMINATE, HOLDER)]
        assert hands.count <= _MOST_KEYS


@pytest.mark.parametrize(
    "keys", [("cancel",), ("open", "cancel"), ("open", "terminate")]
)
async def test_one_query_runs_away(keys: Sequence[str]) -> None:
    """The oldest query is the first row; Enter shows it whole before it is cancelled."""
    signaller = FakeSignaller()
    stage = Stage(_with_runaway(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        hands = Hands(pilot)
        await hands.press(*keys, "confirm")
        [(_, pid)] = _sent(signaller)
        assert pid == RUNAWAY
        assert hands.count <= _MOST_KEYS


@pytest.mark.parametrize("keys", [("cancel",), ("open", "cancel")])
async def test_one_query_runs_away_beside_a_lock_queue(keys: Sequence[str]) -> None:
    """The query stands right below the root, above the waiters."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        hands = Hands(pilot)
        await hands.press("cursor_down", *keys, "confirm")
        assert _sent(signaller) == [(Signal.CANCEL, RUNAWAY)]
        assert hands.count <= _MOST_KEYS


async def test_one_query_runs_away_below_forgotten_transactions() -> None:
    """The fourth line names the query, and its key goes there, in whatever order the rows are."""
    signaller = FakeSignaller()
    stage = Stage(_with_runaway(), signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "sort_invert")
        hands = Hands(pilot)
        assert f"! {RUNAWAY} has run a query for over 47m" in text_of(stage, "#alarm")
        await hands.press("follow", "cancel", "confirm")
        assert _sent(signaller) == [(Signal.CANCEL, RUNAWAY)]
        assert hands.count <= _MOST_KEYS


def _sent(signaller: FakeSignaller) -> list[tuple[Signal, int]]:
    return [(each.signal, each.target.pid) for each in signaller.requests]
