"""A server that ended its sessions is told apart from one that went on."""

from dataclasses import replace

import pytest

from pgtop.analysis.restarts import InterruptionCause, interruption
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.view.restarts import interruption_words
from tests import scenes
from tests.scenes import NOW, client

_MINUTE = 60 * MICROSECONDS
_OURS = 4_000


def _seen(*pids: int, later: int = 0, checkpointer: int = 11, **server: object) -> Snapshot:
    """These sessions and our own, `later` microseconds from now."""
    ours = client(int(str(server.setdefault("pid", _OURS))), "anna@postgres", "pgtop")
    own = Backend(checkpointer, backend_start=NOW - _MINUTE, backend_type="checkpointer")
    clients = [client(pid, "web@shop") for pid in pids]
    return replace(scenes.snapshot([own, ours, *clients], **server), taken_at=NOW + later)


_BEFORE = _seen(1, 2, 3)


@pytest.mark.parametrize(
    ("after", "cause", "gone"),
    [
        (_seen(2, later=_MINUTE), None, 0),
        (
            _seen(2, later=_MINUTE, pid=_OURS + 1),
            None,
            0,
        ),  # our session was ended, or a pooler has many
        (_seen(2, later=_MINUTE, pid=_OURS + 1, checkpointer=12), InterruptionCause.CRASH, 2),
        (_seen(later=_MINUTE, pid=_OURS + 1, started_at=NOW + 5), InterruptionCause.RESTART, 3),
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
def test_what_befell_the_server(
    after: Snapshot, cause: InterruptionCause | None, gone: int
) -> None:
    """A restart has another start, a crash another checkpointer, and our own session does not count
    among the gone.
    """
    found = interruption(_BEFORE, after)
    assert (found and found.cause) == cause
    if found is not None:
        assert (found.gone, found.seen_at) == (gone, after.taken_at)


def test_a_crash_that_is_hidden_is_not_guessed() -> None:
    """Without the right to see the checkpointer nothing is said."""
    hidden = replace(_BEFORE, ungrouped=_BEFORE.backends[1:])
    after = _seen(2, later=_MINUTE, pid=_OURS + 1, checkpointer=12)
    assert interruption(hidden, after) is None


def test_it_is_told_for_ten_minutes() -> None:
    """The sentence says when and how many, and goes by itself."""
    found = interruption(_BEFORE, _seen(2, 3, later=_MINUTE, pid=_OURS + 1, checkpointer=12))
    assert interruption_words(found, NOW + _MINUTE).count(": 1 session ended with it")
    assert interruption_words(found, NOW + 10 * _MINUTE)
    assert not interruption_words(found, NOW + 12 * _MINUTE)
