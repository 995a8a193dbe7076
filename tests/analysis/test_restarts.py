"""A server that ended its sessions is distinguished from one that did not."""

from dataclasses import replace

import pytest

from pgtop.analysis.restarts import InterruptionCause, interruption
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.view.restarts import interruption_forms
from tests import scenes
from tests.scenes import NOW, client

_MINUTE = 60 * MICROSECONDS
_OURS = 4_000


def _seen(
    *pids: int, later: int = 0, checkpointer: int = 11, **server: object
) -> Snapshot:
    """Return a snapshot of these sessions and pgtop's own, `later` microseconds from now."""
    pgtops = client(int(str(server.setdefault("pid", _OURS))), "anna@postgres", "pgtop")
    own = Backend(
        checkpointer, backend_start=NOW - _MINUTE, backend_type="checkpointer"
    )
    clients = [client(pid, "web@shop") for pid in pids]
    return replace(
        scenes.snapshot([own, pgtops, *clients], **server), taken_at=NOW + later
    )


_BEFORE = _seen(1, 2, 3)


@pytest.mark.parametrize(
    ("after", "cause", "gone"),
    [
        (_seen(2, later=_MINUTE), None, 0),
        # Our session was ended, or a pooler has many.
        (
            _seen(2, later=_MINUTE, pid=_OURS + 1),
            None,
            0,
        ),
        (
            _seen(2, later=_MINUTE, pid=_OURS + 1, checkpointer=12),
            InterruptionCause.CRASH,
            2,
        ),
        (
            _seen(later=_MINUTE, pid=_OURS + 1, started_at=NOW + 5),
            InterruptionCause.RESTART,
            3,
        ),
        (
            _seen(later=_MINUTE, pid=_OURS + 1, started_at=NOW - 5),
            InterruptionCause.OTHER_SERVER,
            3,
        ),
        (
            _seen(later=_MINUTE, pid=_OURS + 1, started_at=NOW + 5, address="10.0.0.9"),
            InterruptionCause.OTHER_SERVER,
            3,
        ),
        (
            _seen(later=_MINUTE, pid=_OURS + 1, started_at=NOW + 5, cluster=""),
            InterruptionCause.OTHER_SERVER,
            3,
        ),
    ],
)
def test_the_cause_of_an_interruption(
    after: Snapshot, cause: InterruptionCause | None, gone: int
) -> None:
    """A restart has another start time, a crash another checkpointer.

    The session of pgtop does not count as gone.
    """
    result = interruption(_BEFORE, after)
    assert (result and result.cause) == cause
    if result is not None:
        assert (result.gone, result.seen_at) == (gone, after.taken_at)


def test_a_crash_that_is_hidden_is_not_guessed() -> None:
    """A role that cannot see the checkpointer gets no report of a crash."""
    hidden = replace(_BEFORE, ungrouped=_BEFORE.backends[1:])
    after = _seen(2, later=_MINUTE, pid=_OURS + 1, checkpointer=12)
    assert interruption(hidden, after) is None


def test_an_interruption_is_shown_for_ten_minutes() -> None:
    """The sentence gives the time and the number of ended sessions, and disappears by itself."""
    result = interruption(
        _BEFORE, _seen(2, 3, later=_MINUTE, pid=_OURS + 1, checkpointer=12)
    )
    longest, *_ = interruption_forms(result, NOW + _MINUTE)
    assert ": 1 session ended with it" in longest
    assert interruption_forms(result, NOW + 10 * _MINUTE)
    assert not interruption_forms(result, NOW + 12 * _MINUTE)
