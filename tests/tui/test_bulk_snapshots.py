"""Snapshots of dialogs for many sessions. Look at each one that changes before accepting it with
--snapshot-update.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from pgtop.config.settings import Settings
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import ReplyStatus, SignalReply, SignalRequest
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import Filter
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, nearly_full
from tests.tui.apps import Stage
from tests.tui.test_snapshots import (
    NORMAL,
    SIZES,
    SMALL,
    WIDE,
    SnapCompare,
    _name,
    _same,
)

STORM = ("filter", *"app:coupon-import", "open", "tag_all")


class MixedSignaller(FakeSignaller):
    """A signaller with a different reply or effect for every target."""

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        answers = [
            SignalReply(ReplyStatus.SENT),
            SignalReply(ReplyStatus.GONE),
            SignalReply(ReplyStatus.CHANGED),
            SignalReply(ReplyStatus.REPLACED),
            SignalReply(ReplyStatus.REFUSED, "permission denied to terminate process"),
        ]
        self.requests.extend(requests)
        return [
            answers[place] if place < len(answers) else answers[0]
            for place in range(len(requests))
        ]

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        """Keep the first target, and the last one in its transaction."""
        self.looks += 1
        every = {b.identity: b for b in busy().backends}
        first, last = self.requests[0].target, self.requests[-1].target
        stays = {
            first: every[first],
            last: every[last]._replace(state="idle in transaction"),
        }
        return {
            target: seen
            for target, seen in stays.items()
            if target in [request.target for request in requests]
        }


def _changed(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot a while later: one has ended, one runs another query, a new one has
    joined.
    """
    storm = [b for b in snapshot.backends if b.application_name == "coupon-import"]
    others = [b for b in snapshot.backends if b not in storm]
    ended, moved, *rest = storm
    moved = moved._replace(query_start=snapshot.taken_at, state="active")
    newcomer = ended._replace(pid=99_999, backend_start=snapshot.taken_at)
    return replace(snapshot, ungrouped=(*others, moved, *rest, newcomer))


@pytest.mark.parametrize("size", [SMALL, NORMAL], ids=_name)
def test_tags(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """Tagged sessions are marked behind their pid and counted."""
    assert _same(
        snap_compare, Stage(busy()), size, ("tag", "tag", "cursor_down", "tag")
    )


@pytest.mark.parametrize("size", SIZES, ids=_name)
def test_list(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The frozen list of a whole screen of sessions, with the excluded ones and the reasons."""
    stage = Stage(busy(), Settings(protect=(Filter("user:analyst"),)))
    assert _same(
        snap_compare, stage, size, ("toggle_background", "tag_all", "terminate")
    )


def test_list_without_the_right(snap_compare: SnapCompare) -> None:
    """Targets that this role may not signal are marked, with the remedy."""
    scene = busy()
    stage = Stage(
        replace(
            scene,
            server=scene.server._replace(
                rights=scene.server.rights._replace(signals_all=False)
            ),
        )
    )
    assert _same(snap_compare, stage, NORMAL, ("tag_all", "terminate"))


def test_list_changed(snap_compare: SnapCompare) -> None:
    """A while later: ended and changed sessions are marked, and the new one is absent."""
    first = nearly_full()
    stage = Stage(first, source=FakeSource([_changed(first)]))
    assert _same(
        snap_compare, stage, NORMAL, (*STORM, "terminate"), lambda _: stage.tick()
    )


def test_list_needs_the_number(snap_compare: SnapCompare) -> None:
    """More than ten targets need their number typed."""
    assert _same(
        snap_compare,
        Stage(nearly_full()),
        NORMAL,
        (*STORM, "terminate", "confirm", "show_sessions"),
    )


def test_list_of_a_group(snap_compare: SnapCompare) -> None:
    """From the breakdown: a whole database, with a reason."""
    assert _same(
        snap_compare,
        Stage(busy()),
        NORMAL,
        ("show_breakdown", "cursor_down", "terminate", "reason", *"leak #42", "open"),
    )


@pytest.mark.parametrize(
    ("key", "size"),
    [
        pytest.param("cancel", NORMAL, id="cancel-80x24"),
        pytest.param("terminate", (60, 16), id="terminate-60x16"),
        pytest.param("terminate", NORMAL, id="terminate-80x24"),
        pytest.param("terminate", WIDE, id="terminate-200x50"),
    ],
)
def test_results(snap_compare: SnapCompare, key: str, size: tuple[int, int]) -> None:
    """The outcome of each target; after a cancel, K continues with the survivors."""
    stage = Stage(busy(), signaller=MixedSignaller())
    tags = ("filter", *"state:active,waiting", "open", *("tag",) * 9)
    assert _same(
        snap_compare, stage, size, (*tags, key, "confirm"), lambda _: stage.tick(6)
    )
