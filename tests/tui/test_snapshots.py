"""Snapshots of named states. Look at each one that changes before accepting it with
--snapshot-update.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail, Lock
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import ReplyStatus, SignalReply
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import StatementCounters
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import (
    busy,
    calm,
    full,
    hostile,
    nearly_full,
    not_privileged,
    standstill,
)
from tests.scenes.replication import replicated
from tests.scenes.statements import READING, counted
from tests.tui.apps import Stage, press

NORMAL, WIDE, SMALL = (80, 24), (200, 50), (40, 10)
SIZES = [SMALL, NORMAL, WIDE]  # between two of them the layout differs
RUNAWAY_PID = 48711
TO_RUNAWAY = ("cursor_down",) * 5
"""From the first row, past the root of the waiters and those that wait."""
_LOST = Failure(
    FailureKind.STOPPING, "the server is shutting down", "wait for it to come back"
)

SnapCompare = Callable[..., bool]


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _same(
    snap_compare: SnapCompare,
    stage: Stage,
    size: tuple[int, int],
    keys: tuple[str, ...] = (),
    then: Callable[[Pilot[Any]], Awaitable[None]] | None = None,
) -> bool:
    async def play(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys)
        if then is not None:
            await then(pilot)
            await pilot.pause()

    return snap_compare(stage.app, terminal_size=size, run_before=play)


@pytest.mark.parametrize(
    ("scene", "size"),
    [
        pytest.param(scene, size, id=f"{scene.__name__}-{_name(size)}")
        for scene, sizes in (
            (calm, [NORMAL]),
            (busy, SIZES),
            (nearly_full, [NORMAL]),
            (full, [NORMAL]),
            (not_privileged, [NORMAL]),
            (hostile, [NORMAL, WIDE]),
        )
        for size in sizes
    ],
)
def test_sessions(
    snap_compare: SnapCompare, scene: Callable[[], Snapshot], size: tuple[int, int]
) -> None:
    """The sessions view of each scene."""
    assert _same(snap_compare, Stage(scene()), size)


def test_disconnected(snap_compare: SnapCompare) -> None:
    """A server that went away: the last rows dimmed, their age, the reason and the countdown."""
    stage = Stage(busy(), source=FakeSource([_LOST]))
    assert _same(snap_compare, stage, NORMAL, then=lambda _: stage.tick(7.2))


@pytest.mark.parametrize(
    ("key", "size"),
    [
        pytest.param(key, size, id=f"{key}-{_name(size)}")
        for key, sizes in (("cancel", [NORMAL]), ("terminate", SIZES))
        for size in sizes
    ],
)
def test_dialog(snap_compare: SnapCompare, key: str, size: tuple[int, int]) -> None:
    """The dialogs for the runaway query."""
    assert _same(snap_compare, Stage(busy()), size, (*TO_RUNAWAY, key))


def test_dialog_of_a_blocker(snap_compare: SnapCompare) -> None:
    """A session idle in transaction that blocks others."""
    assert _same(
        snap_compare,
        Stage(busy()),
        NORMAL,
        ("filter", *"user:anna", "open", "terminate"),
    )


def test_dialog_protected(snap_compare: SnapCompare) -> None:
    """The session of pgtop itself: protected, with the pid to be typed."""
    assert _same(
        snap_compare,
        Stage(busy()),
        NORMAL,
        ("filter", *"app:pgtop", "open", "terminate", *"481"),
    )


def test_dialog_without_the_right(snap_compare: SnapCompare) -> None:
    """A role that may not signal sees that, with the grant that would allow it."""
    assert _same(
        snap_compare,
        Stage(not_privileged()),
        NORMAL,
        ("cursor_down", "cursor_down", "terminate"),
    )


def test_dialog_changed(snap_compare: SnapCompare) -> None:
    """The query changed while the dialog was open: the question is asked again."""
    first = busy()
    changed = tuple(
        b._replace(query_start=(b.query_start or 0) + 1, query="SELECT 'a new one'")
        if b.pid == RUNAWAY_PID
        else b
        for b in first.backends
    )
    stage = Stage(first, source=FakeSource([replace(first, ungrouped=changed)]))
    assert _same(
        snap_compare, stage, NORMAL, (*TO_RUNAWAY, "cancel"), lambda _: stage.tick()
    )


def test_dialog_ended(snap_compare: SnapCompare) -> None:
    """The session ended while the dialog was open."""
    first = busy()
    rest = tuple(b for b in first.backends if b.pid != RUNAWAY_PID)
    stage = Stage(first, source=FakeSource([replace(first, ungrouped=rest)]))
    assert _same(
        snap_compare, stage, NORMAL, (*TO_RUNAWAY, "terminate"), lambda _: stage.tick()
    )


def _runaway() -> Backend:
    return next(b for b in busy().backends if b.pid == RUNAWAY_PID)


@pytest.mark.parametrize(
    ("key", "signaller"),
    [
        pytest.param("terminate", FakeSignaller(), id="terminated"),
        pytest.param(
            "cancel",
            FakeSignaller(look=lambda _: _runaway()._replace(state="idle")),
            id="cancelled",
        ),
        pytest.param(
            "cancel",
            FakeSignaller(
                look=lambda _: _runaway()._replace(
                    state="idle in transaction (aborted)"
                )
            ),
            id="still-open",
        ),
        pytest.param(
            "terminate",
            FakeSignaller(SignalReply(ReplyStatus.GONE)),
            id="already-ended",
        ),
        pytest.param(
            "terminate", FakeSignaller(SignalReply(ReplyStatus.REPLACED)), id="replaced"
        ),
        pytest.param(
            "terminate",
            FakeSignaller(
                SignalReply(
                    ReplyStatus.REFUSED,
                    "must be a superuser to terminate superuser process",
                )
            ),
            id="refused",
        ),
        pytest.param(
            "cancel", FakeSignaller(look=lambda _: _runaway()), id="still-running"
        ),
    ],
)
def test_outcome(snap_compare: SnapCompare, key: str, signaller: FakeSignaller) -> None:
    """The outcome of a signal, on the notice line."""
    stage = Stage(busy(), signaller=signaller)
    assert _same(
        snap_compare,
        stage,
        NORMAL,
        (*TO_RUNAWAY, key, "confirm"),
        lambda _: stage.tick(6),
    )


def _with_detail(stage: Stage) -> Stage:
    backend = _runaway()
    locks = (
        Lock("relation", "AccessShareLock", True, "relation orders"),
        Lock("virtualxid", "ExclusiveLock", True, "virtual transaction 12/3456"),
    )
    query = f"{backend.query}\nLIMIT 100 /* and so on */"
    detail = Detail(
        stage.snapshot.taken_at,
        backend._replace(query=query),
        True,
        locks,
        "",
        len(locks),
    )
    stage.source.details[backend.identity] = detail
    return stage


@pytest.mark.parametrize("size", SIZES, ids=_name)
def test_detail(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """One session whole."""
    assert _same(snap_compare, _with_detail(Stage(busy())), size, (*TO_RUNAWAY, "open"))


@pytest.mark.parametrize("size", SIZES, ids=_name)
def test_breakdown(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The breakdown of a server that is nearly full."""
    assert _same(snap_compare, Stage(nearly_full()), size, ("show_breakdown",))


@pytest.mark.parametrize("size", SIZES, ids=_name)
def test_blocking(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The locks of a server at a standstill, and what holds back vacuum."""
    assert _same(snap_compare, Stage(standstill()), size, ("show_locks",))


def test_blocking_folded(snap_compare: SnapCompare) -> None:
    """A folded branch shows how many rows it hides."""
    assert _same(snap_compare, Stage(standstill()), NORMAL, ("show_locks", "fold"))


def test_blocking_filtered(snap_compare: SnapCompare) -> None:
    """A filter leaves the matching rows with all that they stand under, quiet."""
    assert _same(
        snap_compare,
        Stage(standstill()),
        NORMAL,
        ("show_locks", "filter", *"app:dunning", "open"),
    )


def test_no_session_waits(snap_compare: SnapCompare) -> None:
    """The view without waiters, which still shows what holds back vacuum."""
    assert _same(snap_compare, Stage(calm()), NORMAL, ("show_locks",))


def test_alarm_chosen(snap_compare: SnapCompare) -> None:
    """The cursor on the alarm."""
    assert _same(snap_compare, Stage(standstill()), NORMAL, ("cursor_up",))


@pytest.mark.parametrize("size", SIZES, ids=_name)
def test_help(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Keys, letters, filter language and columns."""
    assert _same(snap_compare, Stage(busy()), size, ("help",))


def test_sort_menu(snap_compare: SnapCompare) -> None:
    """The menu of sort columns."""
    assert _same(snap_compare, Stage(busy()), NORMAL, ("sort_menu", "cursor_down"))


def test_filter(snap_compare: SnapCompare) -> None:
    """A filter being typed, with the rows that match."""
    assert _same(snap_compare, Stage(busy()), NORMAL, ("filter", *"db:billing age>1m"))


def test_wrong_filter(snap_compare: SnapCompare) -> None:
    """A filter that cannot be read, with the place of the error."""
    assert _same(snap_compare, Stage(busy()), NORMAL, ("filter", *"db:billing foer:x"))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_theme(snap_compare: SnapCompare, theme: str) -> None:
    """The other themes, with a dialog."""
    stage = Stage(nearly_full(), Settings(theme=theme), source=FakeSource([None]))
    assert _same(snap_compare, stage, NORMAL, ("terminate",))


def test_without_colours(snap_compare: SnapCompare) -> None:
    """A screen without colours: letters, words, bold and reverse are enough."""
    assert _same(snap_compare, Stage(nearly_full(), Settings(color=False)), NORMAL)


def test_ascii(snap_compare: SnapCompare) -> None:
    """A locale without UTF-8, which gets ASCII and the same cells."""
    assert _same(
        snap_compare,
        Stage(busy(), Settings(ascii=True)),
        NORMAL,
        (*TO_RUNAWAY, "terminate"),
    )


def test_statements(snap_compare: SnapCompare) -> None:
    """A slow statement, a fast one, one that runs without an end; pgtop's own are left out."""
    own = StatementCounters(calls=31, microseconds=74_000)
    reading = READING._replace(own=7, own_did=own, did=READING.did.plus(own))
    stage = Stage(counted(reading))
    assert _same(snap_compare, stage, NORMAL, ("show_statements",))


def test_replication(snap_compare: SnapCompare) -> None:
    """Standbys and slots, the worst of each first."""
    assert _same(snap_compare, Stage(replicated()), NORMAL, ("show_replication",))
